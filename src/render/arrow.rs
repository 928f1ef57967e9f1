//! An Arrow IPC stream, written and read: every column keeps its type and what says which kind it
//! is.

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;

use super::error::{ReadError, RenderError};
use super::format::Format;
use super::renderer::Renderer;

const FORMAT: Format = Format::Arrow;

/// A writer of one stream: the schema, a message per slice of rows, the end.
pub(super) struct Arrow {
    writer: StreamWriter<Vec<u8>>,
}

impl Arrow {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, RenderError> {
        let writer = StreamWriter::try_new(Vec::new(), schema);
        let writer = writer.map_err(RenderError::of(FORMAT))?;
        Ok(Self { writer })
    }

    fn hand_over(
        &mut self,
        written: Result<(), ArrowError>,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        let flushed = written.and_then(|()| self.writer.flush());
        out.append(self.writer.get_mut());
        flushed.map_err(RenderError::of(FORMAT))
    }
}

impl Renderer for Arrow {
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let written = self.writer.write(rows);
        self.hand_over(written, out)
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let finished = self.writer.finish();
        self.hand_over(finished, out)
    }
}

/// A reader of one stream, whose bytes come in pieces of any length.
#[derive(Debug, Default)]
pub struct Reader {
    decoder: StreamDecoder,
}

impl Reader {
    /// The columns, once enough of the stream was read.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaRef> {
        self.decoder.schema()
    }

    /// The rows that are whole with these bytes.
    ///
    /// # Errors
    /// [`ReadError::Damaged`]: nothing more can be read.
    pub fn read(&mut self, piece: Bytes) -> Result<Vec<RecordBatch>, ReadError> {
        let mut bytes = Buffer::from(piece);
        let mut batches = Vec::new();
        while !bytes.is_empty() {
            let batch = self.decoder.decode(&mut bytes);
            let batch = batch.map_err(|error| ReadError::Damaged(error.to_string()))?;
            batches.extend(batch);
        }
        Ok(batches)
    }

    /// Says that no bytes follow.
    ///
    /// # Errors
    /// [`ReadError::Short`] if some are missing.
    pub fn finish(&mut self) -> Result<(), ReadError> {
        match (self.decoder.schema(), self.decoder.finish()) {
            (Some(_), Ok(())) => Ok(()),
            _ => Err(ReadError::Short),
        }
    }
}
