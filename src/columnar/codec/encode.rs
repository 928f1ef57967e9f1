//! Batch to bytes.

use super::cursor::{put_count, put_text};
use super::head::{SPARSE, put_counts};
use super::limits::ROWS_MAX;
use super::lone::encode_lone;
use super::pack::{Scale, pack_floats, pack_ids, pack_signed, pack_times, pack_unsigned};
use crate::certain::Certain;
use crate::columnar::batch::Batch;
use crate::columnar::column::{FieldColumn, Values};
use crate::columnar::series::SeriesTable;
use crate::columnar::strings::Strings;

impl Batch {
    /// Appends the batch to `out`; the format is drawn in the module's documentation.
    ///
    /// Columns without a value are left out. A batch must have at most [`ROWS_MAX`] rows and
    /// [`super::VALUES_MAX`] values, or it cannot be decoded.
    pub fn encode(&self, out: &mut Vec<u8>) {
        debug_assert!(
            self.rows() <= ROWS_MAX,
            "a batch comes from one slice of a request"
        );
        put_text(&self.measurement, out);
        put_count(self.rows(), out);
        match self.rows() {
            0 => {}
            1 => encode_lone(self, out),
            _ => self.encode_table(out),
        }
    }

    fn encode_table(&self, out: &mut Vec<u8>) {
        let fields = || self.fields.iter().filter(|field| field.present_count() > 0);
        put_counts(self.tags.len(), fields().count(), out);
        for tag in &self.tags {
            put_text(&tag.key, out);
            put_count(tag.values.len(), out);
            put_strings(&tag.values, out);
        }
        put_series(&self.series, out);
        pack_times(&self.times, out);
        pack_ids(&self.row_series, out);
        for field in fields() {
            put_field(field, self.rows(), out);
        }
    }
}

fn put_strings(strings: &Strings, out: &mut Vec<u8>) {
    pack_unsigned(strings.lengths(), Scale::ONE, out);
    out.extend_from_slice(strings.as_bytes());
}

fn put_series(series: &SeriesTable, out: &mut Vec<u8>) {
    let shapes = series.shapes();
    put_count(shapes.len(), out);
    for shape in shapes {
        put_count(shape.len(), out);
        shape
            .iter()
            .for_each(|column| put_count(*column as usize, out));
    }
    put_count(series.len(), out);
    if shapes.len() > 1 {
        pack_unsigned(
            series.iter().map(|(shape, _)| u64::from(shape)),
            Scale::ONE,
            out,
        );
    }
    // By shape and column, for the ids of one column are alike; by series within.
    let mut of_shape: Vec<Vec<&[u32]>> = vec![Vec::new(); shapes.len()];
    for (shape, values) in series.iter() {
        let list = of_shape.get_mut(shape as usize);
        list.certain("a shape of the table").push(values);
    }
    let mut ids = Vec::new();
    for (shape, list) in shapes.iter().zip(&of_shape) {
        for position in 0..shape.len() {
            ids.clear();
            ids.extend(
                list.iter()
                    .map(|values| *values.get(position).certain("one a tag")),
            );
            pack_ids(&ids, out);
        }
    }
}

fn put_field(field: &FieldColumn, rows: usize, out: &mut Vec<u8>) {
    put_text(&field.name, out);
    let dense = field.present_count() == rows;
    out.push(field.field_type().code() | if dense { 0 } else { SPARSE });
    if !dense {
        put_count(field.presence.runs().count(), out);
        let mut end = 0;
        for (row, length) in field.presence.runs() {
            put_count((row - end) as usize, out);
            put_count(length as usize, out);
            end = row + length;
        }
    }
    match &field.values {
        Values::Float(values) => pack_floats(values, out),
        Values::Integer(values) => pack_signed(values.iter().copied(), Scale::ONE, out),
        Values::Unsigned(values) => pack_unsigned(values.iter().copied(), Scale::ONE, out),
        Values::Boolean(values) => out.extend_from_slice(values.as_bytes()),
        Values::String(values) => put_strings(values, out),
    }
}
