//! A table as a stream of sorted, merged record batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::error::ReadError;
use super::gather::Gather;
use super::rows::Rows;
use crate::columnar::schema;

/// The most rows of a record batch.
const BATCH_ROWS: usize = 8192;

/// The bytes from which a record batch is full, however few rows it has.
const BATCH_BYTES: usize = 1 << 20;

/// The rows of a table, a few thousand at a time.
pub struct Scan {
    schema: SchemaRef,
    gather: Gather,
    rows: Rows,
}

impl Scan {
    /// Makes batches of these rows.
    pub fn new(rows: Rows) -> Self {
        let fields = rows.fields().iter();
        let fields = fields.map(|field| (&*field.label, field.field_type));
        Self {
            schema: schema(rows.tag_keys(), fields),
            gather: Gather::new(&rows),
            rows,
        }
    }

    /// The time, then the tags, then the fields, each ordered bytewise by name.
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
        if self.gather.rows() == 0 {
            return Ok(None);
        }
        let columns = self.gather.finish();
        Ok(Some(RecordBatch::try_new(self.schema(), columns)?))
    }
}
