//! One Parquet file. Its columns keep what says which kind each of them is.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::error::RenderError;
use super::format::Format;
use super::renderer::Renderer;

const FORMAT: Format = Format::Parquet;

/// The most bytes that a row group holds before it is written: what an answer takes at most,
/// however long it becomes.
const ROW_GROUP_BYTES_MAX: usize = 4 << 20;

/// A writer of one file.
pub(super) struct Parquet {
    writer: ArrowWriter<Vec<u8>>,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, RenderError> {
        let none = RecordBatch::new_empty(Arc::clone(schema));
        let writer = writer(schema).map_err(|fault| refused(&none, fault))?;
        Ok(Self { writer })
    }

    fn group(&mut self, rows: &RecordBatch) -> Result<(), ParquetError> {
        self.writer.write(rows)?;
        match self.writer.memory_size() > ROW_GROUP_BYTES_MAX {
            true => self.writer.flush(),
            false => Ok(()),
        }
    }

    /// Hands over what the library has written so far.
    fn flushed(&mut self, out: &mut Vec<u8>) {
        out.append(self.writer.inner_mut());
    }
}

/// What a refusal of these rows means. The library does not name the column that it has no room for,
/// and sees of some types only with the rows that it has none.
fn refused(rows: &RecordBatch, fault: ArrowError) -> RenderError {
    let is_refused = |place: &usize| {
        let alone = rows.project(&[*place]);
        let written = alone.and_then(|alone| {
            let mut writer = writer(&alone.schema())?;
            writer.write(&alone)?;
            writer.finish()?;
            Ok(())
        });
        written.is_err()
    };
    match (0..rows.num_columns()).find(is_refused) {
        Some(place) => RenderError::no_room(FORMAT, rows.schema().field(place)),
        None => RenderError::of(FORMAT)(fault),
    }
}

fn writer(schema: &SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ArrowError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties));
    writer.map_err(ArrowError::from)
}

impl Renderer for Parquet {
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let written = self.group(rows).map_err(ArrowError::from);
        written.map_err(|fault| refused(rows, fault))?;
        self.flushed(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let finished = self.writer.finish().map_err(ArrowError::from);
        finished.map_err(RenderError::of(FORMAT))?;
        self.flushed(out);
        Ok(())
    }
}
