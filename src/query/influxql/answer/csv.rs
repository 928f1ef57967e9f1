//! CSV (query contract, 8.5): a block per statement, its header first.

use std::ops::Range;
use std::sync::Arc;

use super::column::{Cell, Column};
use super::flow::{Ending, Form};
use super::number::{write_integer, write_plain_float, write_unsigned};
use super::text::{push_tag, write_csv_text};
use super::time::Clock;
use super::{Head, Times};
use crate::influxql::series::{SeriesPart, Tags};

/// A writer of blocks.
pub(super) struct Csv {
    times: Times,
    clock: Clock,
    /// The statement whose block is open.
    statement: Option<usize>,
    /// The columns of the header above.
    header: Option<Arc<[String]>>,
    /// Name and tags of the series, with the comma after each.
    prefix: Vec<u8>,
    /// True once there is a block.
    has_blocks: bool,
}

impl Csv {
    pub(super) fn new(times: Times) -> Self {
        Self {
            times,
            clock: Clock::new(None),
            statement: None,
            header: None,
            prefix: Vec::new(),
            has_blocks: false,
        }
    }

    /// Separates a block from the one before.
    fn block(&mut self, out: &mut Vec<u8>) {
        if self.has_blocks {
            out.push(b'\n');
        }
        self.has_blocks = true;
    }

    #[inline]
    fn value(&mut self, cell: &Cell<'_>, out: &mut Vec<u8>) {
        match *cell {
            Cell::Null => {}
            Cell::Time(time_ns) => match self.times {
                Times::Usual => write_integer(time_ns, out),
                Times::Rfc3339 => self.clock.write(time_ns, out),
                Times::Epoch(unit) => write_integer(unit.count(time_ns), out),
            },
            Cell::Float(value) => write_plain_float(value, out),
            Cell::Integer(value) => write_integer(value, out),
            Cell::Unsigned(value) => write_unsigned(value, out),
            Cell::Boolean(true) => out.extend_from_slice(b"true"),
            Cell::Boolean(false) => out.extend_from_slice(b"false"),
            Cell::Text(text) => write_csv_text(text, out),
        }
    }
}

impl Form for Csv {
    fn open_document(&mut self, _: usize, _: &mut Vec<u8>) {}

    fn close_document(&mut self, _: &mut Vec<u8>) {}

    fn open_result(&mut self, statement: usize, head: &Head, _: &mut Vec<u8>) {
        if self.statement != Some(statement) {
            self.statement = Some(statement);
            self.header = None;
            self.clock = Clock::new(head.zone);
        }
    }

    fn close_result(&mut self, ending: Ending<'_>, out: &mut Vec<u8>) {
        if let Ending::Failed(text) = ending {
            self.block(out);
            write_error(text, out);
        }
    }

    fn open_series(&mut self, part: &SeriesPart, out: &mut Vec<u8>) {
        if self.header.as_ref() != Some(&part.columns) {
            self.block(out);
            out.extend_from_slice(b"name,tags");
            for name in part.columns.iter() {
                out.push(b',');
                write_csv_text(name, out);
            }
            out.push(b'\n');
            self.header = Some(Arc::clone(&part.columns));
        }
        self.prefix.clear();
        write_csv_text(&part.name, &mut self.prefix);
        self.prefix.push(b',');
        if let Some(tags) = &part.tags {
            write_csv_text(&key(tags), &mut self.prefix);
        }
    }

    fn rows(&mut self, columns: &[Column<'_>], rows: Range<usize>, out: &mut Vec<u8>) {
        for row in rows {
            out.extend_from_slice(&self.prefix);
            for column in columns {
                out.push(b',');
                self.value(&column.cell(row), out);
            }
            out.push(b'\n');
        }
    }

    fn close_series(&mut self, _: bool, _: &mut Vec<u8>) {}
}

/// Writes the two lines that stand for an error.
pub(super) fn write_error(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"error\n");
    write_csv_text(text, out);
    out.push(b'\n');
}

/// Returns tags as line protocol has them; those without a value are left out.
fn key(tags: &Tags) -> String {
    let mut key = String::new();
    for (name, value) in tags.0.iter().filter(|(_, value)| !value.is_empty()) {
        if !key.is_empty() {
            key.push(',');
        }
        push_tag(name, &mut key);
        key.push('=');
        push_tag(value, &mut key);
    }
    key
}
