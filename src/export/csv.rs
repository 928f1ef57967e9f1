//! Rows as CSV (RFC 4180): a header, then one record per row, each ended by CR LF.
//!
//! ```text
//! time,room,hum,note
//! 1721548800000000000,Kitchen,35.9,
//! 1721548860000000000,Kitchen,36.1,""
//! ```
//!
//! The columns are the time in nanoseconds, the tags and the fields, both in bytewise order. A
//! field that nodes wrote with several types has a column per type: `v`, and `v_float` beside it.
//! An absent value is empty, and an empty string is `""`: the CSV library quotes either a whole
//! record or only what needs it and cannot express this difference, which is why the writer is
//! hand-written. Floats have the shortest digits that read back the same.

use std::fmt::Write;

use super::pace::{Ended, TextPieces};
use crate::columnar::FieldValue;
use crate::read::Rows;

/// Writes rows of a measurement.
pub(super) struct CsvWriter {
    fields: usize,
    /// The text of the tags in the rows of the current series.
    tags: String,
}

impl CsvWriter {
    /// A writer for the rows of a measurement; writes the header to `out`.
    pub(super) fn new(rows: &Rows, out: &mut String) -> Self {
        out.push_str("time");
        let fields = rows.fields().iter().map(|field| &*field.label);
        for key in rows.tag_keys().chain(fields) {
            out.push(',');
            push_text(out, key);
        }
        out.push_str("\r\n");
        Self {
            fields: rows.fields().len(),
            tags: String::new(),
        }
    }

    /// Appends the current row to `out`.
    pub(super) fn write(&mut self, row: &Rows, out: &mut TextPieces<'_>) -> Result<(), Ended> {
        if row.is_new_series() {
            self.tags.clear();
            let mut tags = row.row_tags().peekable();
            for key in row.tag_keys() {
                self.tags.push(',');
                if let Some((_, value)) = tags.next_if(|(tag, _)| *tag == key) {
                    push_text(&mut self.tags, value);
                }
            }
        }
        let _ = write!(out.text, "{}", row.time_ns());
        out.text.push_str(&self.tags);
        let mut next = 0;
        for (place, value) in row.row_values() {
            // One comma per absent value before it, and its own.
            let commas = (place + 1).saturating_sub(next);
            out.text.extend(std::iter::repeat_n(',', commas));
            next = place + 1;
            push_value(&mut out.text, value);
            out.offer()?;
        }
        let commas = self.fields.saturating_sub(next);
        out.text.extend(std::iter::repeat_n(',', commas));
        out.text.push_str("\r\n");
        out.offer()
    }
}

// Writing to a string cannot fail.
fn push_value(out: &mut String, value: FieldValue<'_>) {
    match value {
        FieldValue::Float(value) => {
            let _ = write!(out, "{value:?}");
        }
        FieldValue::Integer(value) => {
            let _ = write!(out, "{value}");
        }
        FieldValue::Unsigned(value) => {
            let _ = write!(out, "{value}");
        }
        FieldValue::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
        FieldValue::String(text) => push_text(out, text),
    }
}

/// Appends text, in quotes if it is empty or would end a field, a record or a quote.
fn push_text(out: &mut String, text: &str) {
    if !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) {
        return out.push_str(text);
    }
    out.push('"');
    for (index, part) in text.split('"').enumerate() {
        out.push_str(if index == 0 { "" } else { "\"\"" });
        out.push_str(part);
    }
    out.push('"');
}
