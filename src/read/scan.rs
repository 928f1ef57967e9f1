//! A table as a stream of sorted, merged record batches.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::error::ReadError;
use super::gather::Gather;
use super::rows::Rows;
use crate::certain::Certain;
use crate::columnar::schema;

/// The most rows of a record batch.
const BATCH_ROWS: usize = 8192;

/// The bytes from which a record batch is full, however few rows it has.
const BATCH_BYTES: usize = 1 << 20;

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
    /// Absent if all columns are there, in the order of the rows.
    places: Option<Vec<usize>>,
    gather: Gather,
    rows: Rows,
}

impl Scan {
    /// Makes batches of these rows, with all of their columns.
    pub fn new(rows: Rows) -> Self {
        let fields = rows.fields().iter();
        let fields = fields.map(|field| (&*field.label, field.field_type));
        Self {
            schema: schema(rows.tag_keys(), fields),
            places: None,
            gather: Gather::new(&rows, Some(UTC)),
            rows,
        }
    }

    /// Makes batches of this shape of these rows.
    pub fn shaped(rows: Rows, shape: Shape) -> Self {
        Self {
            schema: shape.schema,
            places: Some(shape.places),
            gather: Gather::new(&rows, None),
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
        while self.gather.rows() < BATCH_ROWS
            && self.gather.bytes() < BATCH_BYTES
            && self.rows.advance()?
        {
            self.gather.push(&self.rows);
        }
        let rows = self.gather.rows();
        if rows == 0 {
            return Ok(None);
        }
        let gathered = self.gather.finish();
        let columns = match &self.places {
            None => gathered,
            Some(places) => {
                let column = |place: &usize| gathered.get(*place).cloned();
                let columns = places.iter().map(column).collect::<Option<_>>();
                columns.certain("a shape has places of the rows that it is for")
            }
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema(), columns, &options);
        Ok(Some(batch?))
    }
}
