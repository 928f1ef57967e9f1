//! JSON, as Arrow writes it: a member per value in the order of the schema, none for a null. A
//! number that JSON does not have (NaN, an infinity) is `null`, so it can be told from an absent
//! one. Columns of one name are refused: of such members a client keeps one.

use std::collections::HashSet;

use arrow_array::{RecordBatch, new_empty_array};
use arrow_json::writer::{EncoderOptions, JsonArray, JsonFormat, LineDelimited, make_encoder};
use arrow_schema::SchemaRef;

use super::error::RenderError;
use super::format::Format;
use super::renderer::Renderer;

/// A writer of rows as objects.
pub(super) struct Json<F: JsonFormat> {
    format: Format,
    writer: arrow_json::Writer<Vec<u8>, F>,
}

/// A writer of one array of objects.
pub(super) fn array(schema: &SchemaRef) -> Result<Json<JsonArray>, RenderError> {
    Json::new(Format::Json, schema)
}

/// A writer of an object per line.
pub(super) fn lines(schema: &SchemaRef) -> Result<Json<LineDelimited>, RenderError> {
    Json::new(Format::Lines, schema)
}

impl<F: JsonFormat> Json<F> {
    fn new(format: Format, schema: &SchemaRef) -> Result<Self, RenderError> {
        let mut names = HashSet::new();
        for field in schema.fields() {
            if !names.insert(field.name()) {
                let (format, column) = (format.name(), field.name().clone());
                return Err(RenderError::Twice { format, column });
            }
            let none = new_empty_array(field.data_type());
            let options = EncoderOptions::default();
            let encoder = make_encoder(field, &none, &options);
            if encoder.is_err() {
                return Err(RenderError::no_room(format, field));
            }
        }
        let writer = arrow_json::Writer::new(Vec::new());
        Ok(Self { format, writer })
    }
}

impl<F: JsonFormat + Send> Renderer for Json<F> {
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let written = self.writer.write(rows);
        out.append(self.writer.get_mut());
        written.map_err(RenderError::of(self.format))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let finished = self.writer.finish();
        out.append(self.writer.get_mut());
        finished.map_err(RenderError::of(self.format))
    }
}
