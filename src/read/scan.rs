//! A table as a stream of sorted, merged record batches.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::ReadError;
use super::gather::Gather;
use super::merge::{Merge, MergedRow, TimeRange};
use crate::columnar::{FieldType, Segment, schema};
use crate::memory::{Budget, Exhausted, Reservation};
use crate::merge::Ranks;

/// Rows of a record batch at most.
const BATCH_ROWS: usize = 8192;

/// Memory that sorting takes for a row, in bytes.
const SORT_ROW_BYTES: usize = 4;

/// Memory that ranking takes for a series of a segment, in bytes.
const RANK_SERIES_BYTES: usize = 20;

/// An iterator over the rows of a table.
pub struct Scan {
    schema: SchemaRef,
    gather: Gather,
    merge: Merge,
    row: MergedRow,
    _reservation: Reservation,
}

impl Scan {
    /// Starts reading `segments`, which are in the order in which they were written.
    pub fn new(
        segments: &[Arc<Segment>],
        range: TimeRange,
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let reservation = reserve(segments, budget)?;
        let (tags, fields) = columns(segments);
        let schema = schema(
            tags.iter().map(|key| &**key),
            fields
                .iter()
                .map(|(name, field_type)| (&**name, *field_type)),
        );
        let ranks = Arc::new(Ranks::new(segments));
        Ok(Self {
            schema,
            gather: Gather::new(segments, Arc::clone(&ranks), &tags, &fields),
            merge: Merge::new(segments, ranks, range),
            row: MergedRow::default(),
            _reservation: reservation,
        })
    }

    /// Time, tags, fields, each bytewise by name.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows, at most some thousands; nothing at the end.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        while self.gather.rows() < BATCH_ROWS && self.merge.next(&mut self.row) {
            self.gather.push(&self.row);
        }
        if self.gather.rows() == 0 {
            return Ok(None);
        }
        let columns = self.gather.finish()?;
        Ok(Some(RecordBatch::try_new(self.schema(), columns)?))
    }
}

/// Takes the memory that ranking and sorting take.
pub(super) fn reserve(
    segments: &[Arc<Segment>],
    budget: &Budget,
) -> Result<Reservation, Exhausted> {
    let rows: usize = segments.iter().map(|segment| segment.rows()).sum();
    let series: usize = segments.iter().map(|segment| segment.series_count()).sum();
    let bytes = rows
        .saturating_mul(SORT_ROW_BYTES)
        .saturating_add(series.saturating_mul(RANK_SERIES_BYTES));
    budget.try_reserve(u64::try_from(bytes).unwrap_or(u64::MAX))
}

pub(super) type Columns = (Vec<Box<str>>, Vec<(Box<str>, FieldType)>);

/// The tags and fields of all segments, ordered by name.
pub(super) fn columns(segments: &[Arc<Segment>]) -> Columns {
    let mut tags = BTreeMap::new();
    let mut fields = BTreeMap::new();
    for segment in segments {
        tags.extend(segment.tag_keys().map(|key| (Box::<str>::from(key), ())));
        let named = segment.fields().iter();
        fields.extend(named.map(|field| (Box::<str>::from(field.name()), field.field_type())));
    }
    (tags.into_keys().collect(), fields.into_iter().collect())
}
