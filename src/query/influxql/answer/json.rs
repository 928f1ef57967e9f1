//! JSON (query contract, 8.3 and 8.4): fixed order of members, empty ones left out.

use std::ops::Range;

use chrono_tz::Tz;

use super::column::{Cell, Column};
use super::flow::{Ending, Form};
use super::layout::Layout;
use super::number::{write_integer, write_json_float, write_unsigned};
use super::text::write_json_text;
use super::time::Clock;
use super::{Head, Message, Times};
use crate::influxql::series::{SeriesPart, Tags};

/// A writer of documents `{"results":[…]}`.
pub(super) struct Json {
    layout: Layout,
    times: Times,
    clock: Clock,
    zone: Option<Tz>,
    /// Of the result that is open; they come after its series.
    messages: Vec<Message>,
    /// The results that the document has.
    results: usize,
    /// The series that the result has.
    series: usize,
    /// True once the series has a row.
    has_rows: bool,
}

impl Json {
    pub(super) fn new(pretty: bool, times: Times) -> Self {
        Self {
            layout: Layout::new(pretty),
            times,
            clock: Clock::new(None),
            zone: None,
            messages: Vec::new(),
            results: 0,
            series: 0,
            has_rows: false,
        }
    }

    fn tags(&self, tags: &Tags, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (key, value)) in tags.0.iter().enumerate() {
            self.layout.next(at == 0, 6, out);
            write_json_text(key, out);
            self.layout.colon(out);
            write_json_text(value, out);
        }
        self.layout.line(5, out);
        out.push(b'}');
    }

    fn columns(&self, columns: &[String], out: &mut Vec<u8>) {
        out.push(b'[');
        for (at, name) in columns.iter().enumerate() {
            self.layout.next(at == 0, 6, out);
            write_json_text(name, out);
        }
        self.layout.line(5, out);
        out.push(b']');
    }

    fn messages(&mut self, out: &mut Vec<u8>) {
        let messages = std::mem::take(&mut self.messages);
        if messages.is_empty() {
            return;
        }
        let layout = &self.layout;
        layout.next(false, 3, out);
        layout.name("messages", out);
        out.push(b'[');
        for (at, message) in messages.iter().enumerate() {
            layout.next(at == 0, 4, out);
            out.push(b'{');
            layout.line(5, out);
            layout.name("level", out);
            write_json_text(message.level, out);
            layout.next(false, 5, out);
            layout.name("text", out);
            write_json_text(&message.text, out);
            layout.line(4, out);
            out.push(b'}');
        }
        layout.line(3, out);
        out.push(b']');
    }

    fn partial(&self, depth: usize, out: &mut Vec<u8>) {
        self.layout.next(false, depth, out);
        self.layout.name("partial", out);
        out.extend_from_slice(b"true");
    }

    #[inline]
    fn value(&mut self, cell: &Cell<'_>, out: &mut Vec<u8>) {
        match *cell {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Time(time_ns) => self.time(time_ns, out),
            Cell::Float(value) => write_json_float(value, out),
            Cell::Integer(value) => write_integer(value, out),
            Cell::Unsigned(value) => write_unsigned(value, out),
            Cell::Boolean(true) => out.extend_from_slice(b"true"),
            Cell::Boolean(false) => out.extend_from_slice(b"false"),
            Cell::Text(text) => write_json_text(text, out),
        }
    }

    #[inline]
    fn time(&mut self, time_ns: i64, out: &mut Vec<u8>) {
        if let Times::Epoch(unit) = self.times {
            write_integer(unit.count(time_ns), out);
        } else {
            out.push(b'"');
            self.clock.write(time_ns, out);
            out.push(b'"');
        }
    }
}

impl Form for Json {
    fn open_document(&mut self, results: usize, out: &mut Vec<u8>) {
        self.results = 0;
        out.push(b'{');
        // As 1.x: a text of no statement has no list of results.
        if results > 0 {
            self.layout.line(1, out);
            self.layout.name("results", out);
            out.push(b'[');
        }
    }

    fn close_document(&mut self, out: &mut Vec<u8>) {
        if self.results > 0 {
            self.layout.line(1, out);
            out.push(b']');
            self.layout.line(0, out);
        }
        out.extend_from_slice(b"}\n");
    }

    fn open_result(&mut self, statement: usize, head: &Head, out: &mut Vec<u8>) {
        if head.zone != self.zone {
            self.clock = Clock::new(head.zone);
            self.zone = head.zone;
        }
        self.messages.clone_from(&head.messages);
        self.series = 0;
        self.layout.next(self.results == 0, 2, out);
        out.push(b'{');
        self.layout.line(3, out);
        self.layout.name("statement_id", out);
        out.extend_from_slice(itoa::Buffer::new().format(statement).as_bytes());
        self.results += 1;
    }

    fn close_result(&mut self, ending: Ending<'_>, out: &mut Vec<u8>) {
        if self.series > 0 {
            self.layout.line(3, out);
            out.push(b']');
        }
        self.messages(out);
        match ending {
            Ending::Complete => {}
            Ending::Partial => self.partial(3, out),
            Ending::Failed(text) => {
                self.layout.next(false, 3, out);
                self.layout.name("error", out);
                write_json_text(text, out);
            }
        }
        self.layout.line(2, out);
        out.push(b'}');
    }

    fn open_series(&mut self, part: &SeriesPart, out: &mut Vec<u8>) {
        let layout = &self.layout;
        if self.series == 0 {
            layout.next(false, 3, out);
            layout.name("series", out);
            out.push(b'[');
        }
        layout.next(self.series == 0, 4, out);
        out.push(b'{');
        let mut is_first = true;
        if !part.name.is_empty() {
            layout.line(5, out);
            layout.name("name", out);
            write_json_text(&part.name, out);
            is_first = false;
        }
        if let Some(tags) = part.tags.as_ref().filter(|tags| !tags.0.is_empty()) {
            layout.next(is_first, 5, out);
            layout.name("tags", out);
            self.tags(tags, out);
            is_first = false;
        }
        layout.next(is_first, 5, out);
        layout.name("columns", out);
        self.columns(&part.columns, out);
        self.series += 1;
        self.has_rows = false;
    }

    fn rows(&mut self, columns: &[Column<'_>], rows: Range<usize>, out: &mut Vec<u8>) {
        if !self.has_rows {
            self.layout.next(false, 5, out);
            self.layout.name("values", out);
            out.push(b'[');
        }
        for row in rows {
            let mut before = if self.has_rows {
                self.layout.next_row
            } else {
                self.layout.first_row
            };
            self.has_rows = true;
            for column in columns {
                out.extend_from_slice(before);
                before = self.layout.next_value;
                self.value(&column.cell(row), out);
            }
            out.extend_from_slice(self.layout.row_end);
        }
    }

    fn close_series(&mut self, partial: bool, out: &mut Vec<u8>) {
        if self.has_rows {
            self.layout.line(5, out);
            out.push(b']');
        }
        if partial {
            self.partial(5, out);
        }
        self.layout.line(4, out);
        out.push(b'}');
    }
}
