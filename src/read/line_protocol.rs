//! Rows as line protocol that, written back, gives the same points.
//!
//! A row is one line, or several where it would be longer than a point may be. Names escape what
//! would end them; strings escape the quote and the backslash; floats have the shortest digits
//! that read back the same.

use std::fmt::Write;

use super::rows::Rows;
use crate::columnar::FieldValue;

const BYTE_ORDER_MARK: char = '\u{feff}';

const NAME_SPECIAL: &[char] = &[',', ' ', '='];

/// Writes rows of a measurement.
pub(super) struct LineWriter {
    measurement: String,
    /// `key=` of every field.
    fields: Vec<String>,
    /// A point's text, in bytes.
    line_bytes_max: usize,
    /// Measurement and tags of the series at hand.
    series: String,
    field: String,
}

impl LineWriter {
    /// A writer of the rows of a measurement.
    pub(super) fn new(measurement: &str, rows: &Rows, line_bytes_max: usize) -> Self {
        let mut escaped = String::new();
        if measurement.starts_with(BYTE_ORDER_MARK) {
            // At the start of a body it would be stripped; spaces before a line mean nothing.
            escaped.push(' ');
        }
        escape(&mut escaped, measurement, &[',', ' ']);
        let field = |key: &str| {
            let mut field = String::new();
            escape(&mut field, key, NAME_SPECIAL);
            field.push('=');
            field
        };
        Self {
            measurement: escaped,
            fields: rows.fields().map(|(key, _)| field(key)).collect(),
            line_bytes_max,
            series: String::new(),
            field: String::new(),
        }
    }

    /// Appends the row at hand to `out`.
    pub(super) fn write(&mut self, row: &Rows, out: &mut String) {
        if row.is_new_series() {
            self.series.clone_from(&self.measurement);
            for (key, value) in row.row_tags() {
                self.series.push(',');
                escape(&mut self.series, key, NAME_SPECIAL);
                self.series.push('=');
                escape(&mut self.series, value, NAME_SPECIAL);
            }
        }
        self.write_fields(row, out);
    }

    fn write_fields(&mut self, row: &Rows, out: &mut String) {
        // Digits, sign, space and line end of the time.
        const TIME_BYTES: usize = 22;
        let time = row.time_ns();
        let mut line_start = out.len();
        let mut is_first = true;
        for (place, value) in row.row_values() {
            let Some(key) = self.fields.get(place) else {
                continue;
            };
            self.field.clear();
            self.field.push_str(key);
            push_value(&mut self.field, value);
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

// Writing to a string cannot fail.
fn push_value(out: &mut String, value: FieldValue<'_>) {
    match value {
        FieldValue::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        FieldValue::Integer(value) => {
            let _ = write!(out, "{value}i");
        }
        FieldValue::Unsigned(value) => {
            let _ = write!(out, "{value}u");
        }
        FieldValue::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
        FieldValue::String(text) => {
            out.push('"');
            escape(out, text, &['"', '\\']);
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
