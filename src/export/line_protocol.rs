//! Rows as line protocol that, written back, gives the same points.
//!
//! A field that nodes wrote with several types is exported with all its values: those of its second
//! type are on lines of their own, with the series and the time of the row, and so on. A server
//! accepts only one type per field, so a comment before the first of these lines says so, and a log
//! line does too.
//!
//! A row is one line, or several if it would be longer than a point may be. Names escape what would
//! end them; strings escape the quote and the backslash; floats have the shortest digits that read
//! back the same.

use std::fmt::Write;

use super::pace::{Ended, TextPieces};
use crate::certain::Certain;
use crate::columnar::FieldValue;
use crate::read::Rows;

const BYTE_ORDER_MARK: char = '\u{feff}';

const NAME_SPECIAL: &[char] = &[',', ' ', '='];

/// Writes rows of a measurement.
pub(super) struct LineWriter {
    measurement: String,
    fields: Vec<Field>,
    /// The most types that a single name has.
    ranks: usize,
    /// True once it was reported that a name has several types.
    is_told: bool,
    /// The most bytes of a point's text.
    line_bytes_max: usize,
    /// The measurement and tags of the current series.
    series: String,
    field: String,
}

struct Field {
    /// `key=`.
    start: String,
    rank: usize,
    /// The name in reports.
    label: String,
}

impl LineWriter {
    /// A writer for the rows of a measurement.
    pub(super) fn new(measurement: &str, rows: &Rows, line_bytes_max: usize) -> Self {
        let mut escaped = String::new();
        if measurement.starts_with(BYTE_ORDER_MARK) {
            // At the start of a body this character would be stripped; spaces before a line mean
            // nothing.
            escaped.push(' ');
        }
        escape(&mut escaped, measurement, &[',', ' ']);
        let fields = rows.fields().iter().map(|field| {
            let mut start = String::new();
            escape(&mut start, &field.name, NAME_SPECIAL);
            start.push('=');
            Field {
                start,
                rank: field.rank,
                label: format!("{} ({})", field.name, field.field_type),
            }
        });
        let fields: Vec<Field> = fields.collect();
        Self {
            measurement: escaped,
            ranks: 1 + fields.iter().map(|field| field.rank).max().unwrap_or(0),
            fields,
            is_told: false,
            line_bytes_max,
            series: String::new(),
            field: String::new(),
        }
    }

    /// Appends the current row to `out`.
    pub(super) fn write(&mut self, row: &Rows, out: &mut TextPieces<'_>) -> Result<(), Ended> {
        if row.is_new_series() {
            self.series.clone_from(&self.measurement);
            for (key, value) in row.row_tags() {
                self.series.push(',');
                escape(&mut self.series, key, NAME_SPECIAL);
                self.series.push('=');
                escape(&mut self.series, value, NAME_SPECIAL);
            }
        }
        for rank in 0..self.ranks {
            self.write_fields(row, rank, out)?;
        }
        Ok(())
    }

    /// Appends the fields of one rank: their first type, or their second, and so on.
    fn write_fields(
        &mut self,
        row: &Rows,
        rank: usize,
        out: &mut TextPieces<'_>,
    ) -> Result<(), Ended> {
        // The digits and sign of the time, a space and the line end.
        const TIME_BYTES: usize = 22;
        let time = row.time_ns();
        let mut line_bytes = 0;
        for (place, value) in row.row_values() {
            let field = self.fields.get(place);
            let field = field.certain("values are at the places of the table's fields");
            if field.rank != rank {
                continue;
            }
            if rank > 0 && !std::mem::replace(&mut self.is_told, true) {
                tell(&self.measurement, field, out);
            }
            self.field.clear();
            self.field.push_str(&field.start);
            push_value(&mut self.field, value);
            let bytes = self.field.len() + 1 + TIME_BYTES;
            if line_bytes > 0 && line_bytes + bytes > self.line_bytes_max {
                let _ = writeln!(out.text, " {time}");
                line_bytes = 0;
            }
            if line_bytes == 0 {
                out.text.push_str(&self.series);
                line_bytes = self.series.len();
                out.text.push(' ');
            } else {
                out.text.push(',');
            }
            out.text.push_str(&self.field);
            line_bytes += 1 + self.field.len();
            out.offer()?;
        }
        if line_bytes > 0 {
            let _ = writeln!(out.text, " {time}");
        }
        out.offer()
    }
}

/// Reports that a field has values of a type with which it cannot be written back.
fn tell(measurement: &str, field: &Field, out: &mut TextPieces<'_>) {
    let label = &field.label;
    tracing::warn!(
        measurement,
        field = label,
        "an export holds values of another type of a field, which another node accepted: a \
         server accepts only one type per field"
    );
    // The name is quoted, with line ends escaped: a comment is one line.
    let _ = writeln!(
        out.text,
        "# {label:?}: values of a further type of a field stand on lines of their own; a server \
         takes back only one type of a field"
    );
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
        let (plain, tail) = rest
            .split_at_checked(position)
            .certain("it was found there");
        out.push_str(plain);
        out.push('\\');
        let mut characters = tail.chars();
        out.extend(characters.next());
        rest = characters.as_str();
    }
    out.push_str(rest);
}
