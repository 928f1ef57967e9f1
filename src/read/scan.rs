//! A table as a stream of sorted, merged record batches.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::SchemaRef;

use super::error::ReadError;
use super::rows::Rows;
use crate::certain::Certain;
use crate::columnar::schema;
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

/// What a column has of each row.
#[derive(Clone, Debug)]
enum Source {
    Time,
    /// The tag of this key.
    Tag(Box<str>),
    /// The field at this place among those of the rows.
    Field(usize),
}

/// The rows of a table, a few thousand at a time.
pub struct Scan {
    schema: SchemaRef,
    /// What each column is.
    columns: Vec<Source>,
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

    /// The same without rows that a newer one of the same series follows which has a value in each of the
    /// fields at these places. Some of them may still come.
    #[must_use]
    pub fn with_newest(mut self, present: &[usize]) -> Self {
        self.batch = self.batch.with_newest(present);
        self
    }

    fn with_zone(rows: Rows, Shape { schema, places }: Shape, zone: Option<&'static str>) -> Self {
        let tags: Vec<Box<str>> = rows.tag_keys().map(Box::from).collect();
        let source = |place: usize| match place.checked_sub(1) {
            None => Source::Time,
            Some(place) => match tags.get(place) {
                Some(key) => Source::Tag(key.clone()),
                None => Source::Field(place - tags.len()),
            },
        };
        let columns = places.into_iter().map(source).collect();
        let row_bytes = size_of::<i64>() * (1 + rows.fields().len());
        let weights = Weights {
            row_bytes: row_bytes + size_of::<i32>() * tags.len(),
            // A cell without a value takes as much in an array: the row counts for all.
            value_bytes: 0,
            tag_bytes_free: 0,
        };
        Self {
            schema,
            columns,
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
        let schema = self.schema.fields().iter().zip(&self.columns);
        let columns = schema.map(|(field, source)| {
            let column = self.column(&points, source)?;
            let rows = points.segment.rows();
            Ok(column.unwrap_or_else(|| new_null_array(field.data_type(), rows)))
        });
        let columns = columns.collect::<Result<_, ReadError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(points.segment.rows()));
        let batch = RecordBatch::try_new_with_options(self.schema(), columns, &options);
        Ok(Some(batch?))
    }

    /// The values of a column; nothing if no row has one.
    fn column(&self, points: &Points, source: &Source) -> Result<Option<ArrayRef>, ReadError> {
        let Points { segment, columns } = points;
        Ok(match source {
            Source::Time => {
                let times = segment.time_array().with_timezone_opt(self.zone);
                Some(Arc::new(times))
            }
            Source::Tag(key) => {
                let position = segment
                    .tag_keys()
                    .position(|of_segment| *of_segment == **key);
                let array = position.map(|position| segment.tag_array(position));
                array.transpose()?.map(|array| Arc::new(array) as ArrayRef)
            }
            Source::Field(place) => {
                let position = columns.get(*place).copied().flatten();
                position.map(|position| {
                    let array = segment.field_array(position as usize);
                    array.certain("a batch says where its columns are")
                })
            }
        })
    }
}
