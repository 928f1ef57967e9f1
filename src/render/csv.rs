//! CSV, as Arrow writes it: a header, `\n` after every record, quotes where they are needed. A null
//! is empty, and so is an empty string.

use arrow_array::RecordBatch;
use arrow_csv::WriterBuilder;
use arrow_schema::SchemaRef;

use super::error::RenderError;
use super::format::Format;
use super::renderer::Renderer;

const FORMAT: Format = Format::Csv;

/// A writer of a record per row.
pub(super) struct Csv {
    schema: SchemaRef,
    has_header: bool,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, RenderError> {
        let mut fields = schema.fields().iter();
        if let Some(nested) = fields.find(|field| field.data_type().is_nested()) {
            return Err(RenderError::no_room(FORMAT, nested));
        }
        Ok(Self {
            schema: schema.clone(),
            has_header: false,
        })
    }
}

impl Renderer for Csv {
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let header = !std::mem::replace(&mut self.has_header, true);
        let mut writer = WriterBuilder::new().with_header(header).build(out);
        writer.write(rows).map_err(RenderError::of(FORMAT))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError> {
        match self.has_header {
            true => Ok(()),
            false => self.write(&RecordBatch::new_empty(self.schema.clone()), out),
        }
    }
}
