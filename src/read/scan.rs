//! A table as a stream of sorted, merged record batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::ReadError;
use super::gather::Gather;
use super::rows::Rows;
use crate::columnar::schema;

/// Rows of a record batch at most.
const BATCH_ROWS: usize = 8192;

/// Bytes of a record batch from which on it is full, however few its rows are.
const BATCH_BYTES: usize = 1 << 20;

/// The rows of a table, some thousands at a time.
pub struct Scan {
    schema: SchemaRef,
    gather: Gather,
    rows: Rows,
}

impl Scan {
    /// Batches of these rows.
    pub fn new(rows: Rows) -> Self {
        let fields = rows.fields().iter();
        let fields = fields.map(|field| (&*field.label, field.field_type));
        Self {
            schema: schema(rows.tag_keys(), fields),
            gather: Gather::new(&rows),
            rows,
        }
    }

    /// Time, tags, fields, each bytewise by name.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next rows; nothing at the end.
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
