//! A table as a stream of sorted, merged record batches.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::SchemaRef;

use super::error::ReadError;
use super::rows::Rows;
use crate::certain::Certain;
use crate::columnar::{Segment, schema};
use crate::merge::{PointBatch, Points, SegmentLimits, Weights};

/// The size of a record batch: the most rows, and the bytes from which it is full, however few rows
/// it has.
const LIMITS: SegmentLimits = SegmentLimits {
    rows_max: 8192,
    bytes_max: 1 << 20,
};

/// The zone that exported times are marked with.
const UTC: &str = "UTC";

/// The form of batches: their columns, in any order.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The columns, their times without a zone.
    pub schema: SchemaRef,
    /// For each column its place among the time, the tags and the fields of the rows.
    pub places: Vec<usize>,
}

/// The rows of a table, a few thousand at a time.
pub struct Scan {
    schema: SchemaRef,
    /// For each column its place among the time, the tags and the fields of the rows.
    places: Vec<usize>,
    zone: Option<&'static str>,
    batch: PointBatch,
    rows: Rows,
}

impl Scan {
    /// Makes batches of these rows, with all of their columns.
    pub fn new(rows: Rows) -> Self {
        let fields = rows.fields().iter();
        let fields = fields.map(|field| (&*field.label, field.field_type));
        let schema = schema(rows.tag_keys(), fields);
        let places = (0..schema.fields().len()).collect();
        Self::with_zone(rows, Shape { schema, places }, Some(UTC))
    }

    /// Makes batches of this shape of these rows.
    pub fn shaped(rows: Rows, shape: Shape) -> Self {
        Self::with_zone(rows, shape, None)
    }

    fn with_zone(rows: Rows, Shape { schema, places }: Shape, zone: Option<&'static str>) -> Self {
        let tags: Vec<Box<str>> = rows.tag_keys().map(Box::from).collect();
        let row_bytes = size_of::<i64>() * (1 + rows.fields().len());
        let weights = Weights {
            row_bytes: row_bytes + size_of::<i32>() * tags.len(),
            // A cell without a value takes as much in an array: the row counts for all.
            value_bytes: 0,
            tag_bytes_free: 0,
        };
        Self {
            schema,
            places,
            zone,
            batch: PointBatch::new("", LIMITS, weights).with_tags(tags),
            rows,
        }
    }

    /// The columns; if no shape was asked for: the time, then the tags, then the fields, each
    /// ordered bytewise by name.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; `None` at the end.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        self.rows.fill(&mut self.batch)?;
        let Some(points) = self.batch.finish() else {
            return Ok(None);
        };
        let schema = self.schema.fields().iter().zip(&self.places);
        let columns = schema.map(|(field, place)| {
            let column = self.column(&points, *place)?;
            let rows = points.segment.rows();
            Ok(column.unwrap_or_else(|| new_null_array(field.data_type(), rows)))
        });
        let columns = columns.collect::<Result<_, ReadError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(points.segment.rows()));
        let batch = RecordBatch::try_new_with_options(self.schema(), columns, &options);
        Ok(Some(batch?))
    }

    /// The column at a place among the time, the tags and the fields; nothing if no row has a value.
    fn column(&self, points: &Points, place: usize) -> Result<Option<ArrayRef>, ReadError> {
        let Points { segment, columns } = points;
        let Some(place) = place.checked_sub(1) else {
            let times = segment.time_array().with_timezone_opt(self.zone);
            return Ok(Some(Arc::new(times)));
        };
        if let Some(key) = self.rows.tag_keys().nth(place) {
            return self.tag(segment, key);
        }
        let field = place - self.rows.tag_keys().count();
        let position = columns.get(field).copied().flatten();
        let array = position.map(|position| {
            let array = segment.field_array(position as usize);
            array.certain("a batch says where its columns are")
        });
        Ok(array)
    }

    fn tag(&self, segment: &Segment, key: &str) -> Result<Option<ArrayRef>, ReadError> {
        let position = segment.tag_keys().position(|of_segment| of_segment == key);
        let array = position.map(|position| segment.tag_array(position));
        Ok(array.transpose()?.map(|array| Arc::new(array) as ArrayRef))
    }
}
