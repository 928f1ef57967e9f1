//! Record batches as line protocol that, written back, gives the same points.
//!
//! A row is one line, or several where it would be longer than a point may be. Names escape what
//! would end them; strings escape the quote and the backslash; floats have the shortest digits
//! that read back the same.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Writes rows of a measurement.
pub(super) struct LineWriter {
    measurement: String,
    /// A point's text, in bytes.
    line_bytes_max: usize,
    series: String,
    field: String,
}

impl LineWriter {
    pub(super) fn new(measurement: &str, line_bytes_max: usize) -> Self {
        let mut escaped = String::new();
        if measurement.starts_with(BYTE_ORDER_MARK) {
            // At the start of a body it would be stripped; spaces before a line mean nothing.
            escaped.push(' ');
        }
        escape(&mut escaped, measurement, &[',', ' ']);
        Self {
            measurement: escaped,
            line_bytes_max,
            series: String::new(),
            field: String::new(),
        }
    }

    /// Appends every row of `batch` to `out`.
    pub(super) fn write(&mut self, batch: &RecordBatch, out: &mut String) {
        let schema = batch.schema();
        let named: Vec<(&str, &ArrayRef)> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .zip(batch.columns())
            .collect();
        let Some(((_, times), columns)) = named.split_first() else {
            return;
        };
        let times = times.as_primitive::<TimestampNanosecondType>();
        let tags_end = columns.partition_point(|(_, array)| is_tag(array));
        let (tags, fields) = columns.split_at_checked(tags_end).unwrap_or_default();
        for (row, time) in times.values().iter().enumerate() {
            self.series.clone_from(&self.measurement);
            for (key, array) in tags {
                push_tag(&mut self.series, key, array, row);
            }
            self.write_fields(fields, row, *time, out);
        }
    }

    fn write_fields(
        &mut self,
        fields: &[(&str, &ArrayRef)],
        row: usize,
        time: i64,
        out: &mut String,
    ) {
        // Digits, sign, space and line end of the time.
        const TIME_BYTES: usize = 22;
        let mut line_start = out.len();
        let mut is_first = true;
        for (key, array) in fields.iter().filter(|(_, array)| array.is_valid(row)) {
            self.field.clear();
            escape(&mut self.field, key, &[',', ' ', '=']);
            self.field.push('=');
            push_value(&mut self.field, array, row);
            let bytes = out.len() - line_start + self.field.len() + 1 + TIME_BYTES;
            if !is_first && bytes > self.line_bytes_max {
                let _ = writeln!(out, " {time}");
                line_start = out.len();
                is_first = true;
            }
            if is_first {
                out.push_str(&self.series);
            }
            out.push(if is_first { ' ' } else { ',' });
            out.push_str(&self.field);
            is_first = false;
        }
        if !is_first {
            let _ = writeln!(out, " {time}");
        }
    }
}

fn is_tag(array: &ArrayRef) -> bool {
    matches!(array.data_type(), DataType::Dictionary(_, _))
}

fn push_tag(out: &mut String, key: &str, array: &ArrayRef, row: usize) {
    let dictionary = array.as_dictionary::<Int32Type>();
    let Some(value) = dictionary.key(row) else {
        return;
    };
    out.push(',');
    escape(out, key, &[',', ' ', '=']);
    out.push('=');
    escape(
        out,
        dictionary.values().as_string::<i32>().value(value),
        &[',', ' ', '='],
    );
}

// Writing to a string cannot fail.
fn push_value(out: &mut String, array: &ArrayRef, row: usize) {
    match array.data_type() {
        DataType::Float64 => {
            let _ = write!(out, "{:?}", array.as_primitive::<Float64Type>().value(row));
        }
        DataType::Int64 => {
            let _ = write!(out, "{}i", array.as_primitive::<Int64Type>().value(row));
        }
        DataType::UInt64 => {
            let _ = write!(out, "{}u", array.as_primitive::<UInt64Type>().value(row));
        }
        DataType::Boolean => {
            out.push_str(if array.as_boolean().value(row) {
                "true"
            } else {
                "false"
            });
        }
        _ => {
            out.push('"');
            escape(out, array.as_string::<i32>().value(row), &['"', '\\']);
            out.push('"');
        }
    }
}

fn escape(out: &mut String, text: &str, special: &[char]) {
    let mut rest = text;
    while let Some(position) = rest.find(special) {
        let (plain, tail) = rest.split_at_checked(position).unwrap_or((rest, ""));
        out.push_str(plain);
        out.push('\\');
        let mut characters = tail.chars();
        out.extend(characters.next());
        rest = characters.as_str();
    }
    out.push_str(rest);
}
