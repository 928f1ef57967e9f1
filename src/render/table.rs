//! A table for people to look at, as Arrow and DataFusion print it:
//!
//! ```text
//! +---------+------+
//! | room    | temp |
//! +---------+------+
//! | Kitchen | 21.5 |
//! +---------+------+
//! ```
//!
//! How wide a column is depends on all of its values, and all of them may be more than there is
//! memory for. So the width is that of the first mebibyte of rows; a longer value further down
//! pushes its row out of line. Control characters are escaped: a table is shown on terminals, which
//! obey them.

use arrow_array::{RecordBatch, new_empty_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, SchemaRef};
use unicode_width::UnicodeWidthStr;

use super::error::RenderError;
use super::format::Format;
use super::renderer::Renderer;

const FORMAT: Format = Format::Table;

/// The most bytes of rows that are held back to see how wide they are.
const HELD_BYTES_MAX: usize = 1 << 20;

/// The cells of a row, each with its lines.
type Row = Vec<Vec<String>>;

/// A writer of a table.
pub(super) struct Table {
    header: Row,
    /// The first rows, until the widths are decided.
    held: Vec<Row>,
    held_bytes: usize,
    /// The width of each column, in columns of a terminal, once it is decided.
    widths: Option<Vec<usize>>,
}

impl Table {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, RenderError> {
        for field in schema.fields() {
            let none = new_empty_array(field.data_type());
            if ArrayFormatter::try_new(&none, &FormatOptions::default()).is_err() {
                return Err(RenderError::no_room(FORMAT, field));
            }
        }
        let names = schema.fields().iter().map(|field| cell(field.name()));
        Ok(Self {
            header: names.collect(),
            held: Vec::new(),
            held_bytes: 0,
            widths: None,
        })
    }

    /// Decides the widths, and writes what was held back.
    fn begin(&mut self, out: &mut Vec<u8>) -> Vec<usize> {
        let mut widths = vec![0; self.header.len()];
        for row in std::iter::once(&self.header).chain(&self.held) {
            for (width, lines) in widths.iter_mut().zip(row) {
                let lines = lines.iter().map(|line| line.width());
                *width = lines.fold(*width, usize::max);
            }
        }
        push_rule(out, &widths);
        push_row(out, &self.header, &widths);
        push_rule(out, &widths);
        for row in self.held.drain(..) {
            push_row(out, &row, &widths);
        }
        widths
    }

    fn push(&mut self, row: Row, out: &mut Vec<u8>) {
        if let Some(widths) = &self.widths {
            return push_row(out, &row, widths);
        }
        let lines = row.iter().flatten();
        self.held_bytes += lines
            .map(|line| line.len() + size_of::<String>())
            .sum::<usize>();
        self.held.push(row);
        if self.held_bytes > HELD_BYTES_MAX {
            self.widths = Some(self.begin(out));
        }
    }
}

impl Renderer for Table {
    fn write(&mut self, rows: &RecordBatch, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let options = FormatOptions::default();
        let columns = rows.columns().iter();
        let columns = columns.map(|column| ArrayFormatter::try_new(column, &options));
        let columns: Result<Vec<_>, _> = columns.collect();
        let columns = columns.map_err(RenderError::of(FORMAT))?;
        for index in 0..rows.num_rows() {
            let cells = columns.iter().map(|column| {
                let text = column.value(index).try_to_string()?;
                Ok::<_, ArrowError>(cell(&text))
            });
            let row = cells.collect::<Result<Row, _>>();
            self.push(row.map_err(RenderError::of(FORMAT))?, out);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => self.begin(out),
        };
        push_rule(out, &widths);
        // Arrow prints no line end after the last line, and clients compare.
        out.pop();
        Ok(())
    }
}

/// The lines of a value, without characters that a terminal would obey.
fn cell(text: &str) -> Vec<String> {
    let lines = text.split('\n').map(|line| {
        let mut shown = String::with_capacity(line.len());
        for c in line.chars() {
            match c.is_control() {
                true => shown.extend(c.escape_default()),
                false => shown.push(c),
            }
        }
        shown
    });
    lines.collect()
}

fn push_rule(out: &mut Vec<u8>, widths: &[usize]) {
    for width in widths {
        out.push(b'+');
        out.extend(std::iter::repeat_n(b'-', width + 2));
    }
    out.extend_from_slice(b"+\n");
}

fn push_row(out: &mut Vec<u8>, row: &Row, widths: &[usize]) {
    let height = row.iter().map(Vec::len).max().unwrap_or_default();
    for line in 0..height {
        for (lines, width) in row.iter().zip(widths) {
            let text = lines.get(line).map_or("", String::as_str);
            out.extend_from_slice(b"| ");
            out.extend_from_slice(text.as_bytes());
            let blanks = width.saturating_sub(text.width()) + 1;
            out.extend(std::iter::repeat_n(b' ', blanks));
        }
        out.extend_from_slice(b"|\n");
    }
}
