//! A table with all its sources: the days it has, and a merge of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ReadError;
use super::lake::{Lake, TableFiles};
use crate::buffer::{Buffer, TableSnapshot};
use crate::columnar::{FieldType, Segment};
use crate::id::{BucketId, Sequence};
use crate::memory::{Budget, Reservation};
use crate::merge::{Merge, Run, SortedSegment, TimeRange};

/// Where points may lie.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) buffer: Buffer,
    pub(super) lake: Option<Arc<dyn Lake>>,
    pub(super) budget: Budget,
}

impl Sources {
    /// The measurements of a bucket, bytewise.
    pub(super) fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, ReadError> {
        let mut all: BTreeSet<String> = self.buffer.measurements(bucket).into_iter().collect();
        if let Some(lake) = &self.lake {
            all.extend(lake.measurements(bucket)?);
        }
        Ok(all.into_iter().collect())
    }
}

/// The rows of a table as they are at one moment.
pub(super) struct Table {
    /// Bytewise.
    tags: Vec<Box<str>>,
    /// By name, bytewise.
    fields: Vec<(Box<str>, FieldType)>,
    buffered: Vec<Arc<SortedSegment>>,
    files: Option<TableFiles>,
    /// Those that are left.
    days: std::collections::btree_set::IntoIter<i32>,
    range: TimeRange,
    budget: Budget,
    _snapshot: Option<TableSnapshot>,
    _sorted: Reservation,
}

impl Table {
    /// The rows of a table in `range`; nothing if there is no such table.
    pub(super) fn open(
        sources: &Sources,
        bucket: BucketId,
        measurement: &str,
        range: TimeRange,
    ) -> Result<Option<Self>, ReadError> {
        let Sources {
            buffer,
            lake,
            budget,
        } = sources;
        // In this order: see `lake`.
        let snapshot = buffer.snapshot(bucket, measurement, budget)?;
        let files = match lake {
            Some(lake) => lake.table(bucket, measurement)?,
            None => None,
        };
        if snapshot.is_none() && files.is_none() {
            return Ok(None);
        }
        let flushed = files.as_ref().map_or(Sequence(0), |files| files.flushed);
        let segments = snapshot.as_ref().map(|snapshot| snapshot.after(flushed));
        let segments = segments.unwrap_or_default();
        let (tags, fields) = columns(&segments, files.as_ref());
        let mut sorted = budget.empty();
        let buffered = sort(&segments, range, &mut sorted)?;
        let of_buffer = buffered.iter().flat_map(|segment| segment.days());
        let of_lake = files.iter().flat_map(|files| files.days.keys().copied());
        let days: BTreeSet<i32> = of_lake
            .filter(|day| range.meets_day(*day))
            .chain(of_buffer)
            .collect();
        Ok(Some(Self {
            tags,
            fields,
            buffered,
            files,
            days: days.into_iter(),
            range,
            budget: budget.clone(),
            _snapshot: snapshot,
            _sorted: sorted,
        }))
    }

    /// The tag keys, bytewise.
    pub(super) fn tags(&self) -> &[Box<str>] {
        &self.tags
    }

    /// The fields, bytewise by name.
    pub(super) fn fields(&self) -> &[(Box<str>, FieldType)] {
        &self.fields
    }

    /// The rows of the next day, with the memory that its open files take; nothing after the last.
    pub(super) fn next_day(&mut self) -> Result<Option<(Merge, Reservation)>, ReadError> {
        let Some(day) = self.days.next() else {
            return Ok(None);
        };
        let files = self.files.as_ref().and_then(|files| files.days.get(&day));
        let files = files.map(Vec::as_slice).unwrap_or_default();
        let open_bytes = files.iter().map(|file| file.open_bytes());
        let open_bytes = open_bytes.fold(0, u64::saturating_add);
        // The merge's index of a chunk's sparse cells is less than half of the chunk.
        let reserved = self
            .budget
            .try_reserve(open_bytes.saturating_add(open_bytes / 2))?;
        let mut runs = Vec::new();
        for file in files {
            let chunks = file.open(self.range)?;
            runs.push(Run::stream(file.name(), chunks, self.range));
        }
        // What is still buffered was written after what is in files.
        runs.extend(
            self.buffered
                .iter()
                .map(|segment| Run::of_day(segment, day)),
        );
        Ok(Some((Merge::new(runs)?, reserved)))
    }
}

/// Puts segments in order, each behind the memory for it.
fn sort(
    segments: &[Arc<Segment>],
    range: TimeRange,
    reservation: &mut Reservation,
) -> Result<Vec<Arc<SortedSegment>>, ReadError> {
    let mut sorted = Vec::new();
    for segment in segments {
        let before = reservation.bytes();
        reservation.try_grow(SortedSegment::bytes_max(segment))?;
        let one = SortedSegment::new(Arc::clone(segment), range);
        reservation.shrink_to(before + one.heap_bytes());
        sorted.push(Arc::new(one));
    }
    Ok(sorted)
}

type Columns = (Vec<Box<str>>, Vec<(Box<str>, FieldType)>);

/// The tags and fields of all sources, ordered by name. A field is of the type that the buffer
/// has, else of the first that the lake names: values of another type count as absent. A name
/// that is both, because nodes disagree, is shown as both: nothing is kept back.
fn columns(segments: &[Arc<Segment>], files: Option<&TableFiles>) -> Columns {
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    let mut fields: BTreeMap<&str, FieldType> = BTreeMap::new();
    for segment in segments {
        tags.extend(segment.tag_keys());
        for field in segment.fields() {
            fields.entry(field.name()).or_insert(field.field_type());
        }
    }
    if let Some(files) = files {
        tags.extend(files.tags.iter().map(|key| &**key));
        for (name, field_type) in &files.fields {
            fields.entry(name).or_insert(*field_type);
        }
    }
    let fields = fields.into_iter();
    (
        tags.into_iter().map(Box::from).collect(),
        fields
            .map(|(name, of_type)| (name.into(), of_type))
            .collect(),
    )
}
