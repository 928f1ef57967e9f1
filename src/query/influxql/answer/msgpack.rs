//! MessagePack (query contract, 8.6), in the encodings that 1.x takes.
//!
//! A list says first how long it is. So a result is held until it ends, and the headers of its
//! lists are put in where they belong.

use std::ops::Range;

use super::column::{Cell, Column};
use super::flow::{Ending, Form};
use super::time::Clock;
use super::{Head, Message, Times};
use crate::influxql::series::{SeriesPart, Tags};

/// A writer of maps `{results: […]}`.
pub(super) struct Msgpack {
    times: Times,
    clock: Clock,
    statement: usize,
    /// The result that is open, as far as it is known.
    held: Vec<u8>,
    /// The members of the result's map.
    members: u8,
    /// Where the header of the list of series belongs, and its length.
    series_at: usize,
    series: usize,
    /// Where the header of the map of the open series is, and the members of the map.
    map_at: usize,
    series_members: u8,
    /// Where the header of the list of rows belongs, and its length.
    rows_at: usize,
    rows: usize,
    /// A time as a text.
    text: Vec<u8>,
}

impl Msgpack {
    pub(super) fn new(times: Times) -> Self {
        Self {
            times,
            clock: Clock::new(None),
            statement: 0,
            held: Vec::new(),
            members: 0,
            series_at: 0,
            series: 0,
            map_at: 0,
            series_members: 0,
            rows_at: 0,
            rows: 0,
            text: Vec::new(),
        }
    }

    #[inline]
    fn value(&mut self, cell: &Cell<'_>) {
        match *cell {
            Cell::Null => self.held.push(0xc0),
            Cell::Time(time_ns) => self.time(time_ns),
            Cell::Float(value) => {
                self.held.push(0xcb);
                self.held.extend_from_slice(&value.to_be_bytes());
            }
            Cell::Integer(value) => write_integer(value, &mut self.held),
            Cell::Unsigned(value) => write_unsigned(value, &mut self.held),
            Cell::Boolean(value) => write_boolean(value, &mut self.held),
            Cell::Text(text) => write_text(text.as_bytes(), &mut self.held),
        }
    }

    #[inline]
    fn time(&mut self, time_ns: i64) {
        match self.times {
            Times::Usual => write_time(time_ns, &mut self.held),
            Times::Rfc3339 => {
                self.text.clear();
                self.clock.write(time_ns, &mut self.text);
                write_text(&self.text, &mut self.held);
            }
            Times::Epoch(unit) => write_integer(unit.count(time_ns), &mut self.held),
        }
    }

    fn messages(&mut self, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        self.members += 1;
        write_name("messages", &mut self.held);
        write_list(messages.len(), &mut self.held);
        for message in messages {
            self.held.push(map_header(2));
            write_name("level", &mut self.held);
            write_name(message.level, &mut self.held);
            write_name("text", &mut self.held);
            write_name(&message.text, &mut self.held);
        }
    }

    fn partial(&mut self) {
        write_name("partial", &mut self.held);
        write_boolean(true, &mut self.held);
    }

    /// Puts the header of a list of this length where the list begins.
    fn put_list(&mut self, at: usize, length: usize) {
        let mut header = Vec::new();
        write_list(length, &mut header);
        self.held.splice(at..at, header);
    }

    /// Puts the header of a map where it was left open.
    fn put_map(&mut self, at: usize, members: u8) {
        let header = self.held.get_mut(at);
        debug_assert!(header.is_some(), "the map was opened");
        if let Some(header) = header {
            *header = map_header(members);
        }
    }
}

impl Form for Msgpack {
    fn open_document(&mut self, results: usize, out: &mut Vec<u8>) {
        out.push(map_header(1));
        write_name("results", out);
        write_list(results, out);
    }

    fn close_document(&mut self, _: &mut Vec<u8>) {}

    fn open_result(&mut self, statement: usize, head: &Head, _: &mut Vec<u8>) {
        self.clock = Clock::new(head.zone);
        self.statement = statement;
        self.series = 0;
        self.members = 2;
        self.held.push(map_header(0));
        write_name("statement_id", &mut self.held);
        write_count(statement, &mut self.held);
        self.messages(&head.messages);
        write_name("series", &mut self.held);
        self.series_at = self.held.len();
    }

    fn close_result(&mut self, ending: Ending<'_>, out: &mut Vec<u8>) {
        match ending {
            Ending::Failed(text) => {
                self.held.clear();
                self.held.push(map_header(2));
                write_name("statement_id", &mut self.held);
                write_count(self.statement, &mut self.held);
                write_name("error", &mut self.held);
                write_name(text, &mut self.held);
            }
            Ending::Complete | Ending::Partial => {
                self.put_list(self.series_at, self.series);
                if matches!(ending, Ending::Partial) {
                    self.members += 1;
                    self.partial();
                }
                self.put_map(0, self.members);
            }
        }
        if out.is_empty() {
            // Spares a copy of what may be large.
            std::mem::swap(out, &mut self.held);
        } else {
            out.append(&mut self.held);
        }
    }

    fn open_series(&mut self, part: &SeriesPart, _: &mut Vec<u8>) {
        self.map_at = self.held.len();
        self.series_members = 2;
        self.held.push(map_header(0));
        if !part.name.is_empty() {
            self.series_members += 1;
            write_name("name", &mut self.held);
            write_name(&part.name, &mut self.held);
        }
        if let Some(tags) = part.tags.as_ref().filter(|tags| !tags.0.is_empty()) {
            self.series_members += 1;
            write_name("tags", &mut self.held);
            write_tags(tags, &mut self.held);
        }
        write_name("columns", &mut self.held);
        write_list(part.columns.len(), &mut self.held);
        for name in part.columns.iter() {
            write_name(name, &mut self.held);
        }
        write_name("values", &mut self.held);
        self.rows_at = self.held.len();
        self.rows = 0;
    }

    fn rows(&mut self, columns: &[Column<'_>], rows: Range<usize>, _: &mut Vec<u8>) {
        self.rows += rows.len();
        for row in rows {
            write_list(columns.len(), &mut self.held);
            for column in columns {
                self.value(&column.cell(row));
            }
        }
    }

    fn close_series(&mut self, partial: bool, _: &mut Vec<u8>) {
        self.put_list(self.rows_at, self.rows);
        if partial {
            self.series_members += 1;
            self.partial();
        }
        self.put_map(self.map_at, self.series_members);
        self.series += 1;
    }

    fn held_bytes(&self) -> usize {
        self.held.len()
    }
}

/// Writes the body of a request that failed: a map of one member.
pub(super) fn write_error(text: &str, out: &mut Vec<u8>) {
    out.push(map_header(1));
    write_name("error", out);
    write_name(text, out);
}

/// Returns the header of a map of at most 15 members.
fn map_header(members: u8) -> u8 {
    debug_assert!(members < 16, "the maps of answers are small");
    0x80 | members
}

fn write_tags(tags: &Tags, out: &mut Vec<u8>) {
    write_sized(
        tags.0.len(),
        (0x80, 16),
        [None, Some(0xde), Some(0xdf)],
        out,
    );
    for (key, value) in tags.0.iter() {
        write_name(key, out);
        write_name(value, out);
    }
}

fn write_list(length: usize, out: &mut Vec<u8>) {
    write_sized(length, (0x90, 16), [None, Some(0xdc), Some(0xdd)], out);
}

fn write_name(text: &str, out: &mut Vec<u8>) {
    write_text(text.as_bytes(), out);
}

#[inline]
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    let headers = [Some(0xd9), Some(0xda), Some(0xdb)];
    write_sized(text.len(), (0xa0, 32), headers, out);
    out.extend_from_slice(text);
}

/// Writes a length in the shortest form: within the header below a limit, else in 1, 2 or 4 bytes
/// after the header for it.
#[inline]
fn write_sized(length: usize, short: (u8, u8), long: [Option<u8>; 3], out: &mut Vec<u8>) {
    let [byte, word, double] = long;
    match (
        u8::try_from(length),
        u16::try_from(length),
        u32::try_from(length),
    ) {
        (Ok(length), ..) if length < short.1 => out.push(short.0 | length),
        (Ok(length), ..) if let Some(header) = byte => out.extend_from_slice(&[header, length]),
        (_, Ok(length), _) if let Some(header) = word => {
            out.push(header);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, _, length) => {
            debug_assert!(length.is_ok(), "more than 4 GiB would be refused before");
            out.extend(double);
            out.extend_from_slice(&length.unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}

/// Writes an integer in the shortest signed form, as 1.x does also for those that are not negative.
#[inline]
fn write_integer(value: i64, out: &mut Vec<u8>) {
    if let Ok(small @ -32..=127) = i8::try_from(value) {
        out.extend_from_slice(&small.to_be_bytes());
    } else if let Ok(value) = i8::try_from(value) {
        out.push(0xd0);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(0xd1);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(0xd2);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Writes an unsigned integer in the shortest unsigned form.
#[inline]
fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    if let Ok(value) = u8::try_from(value) {
        out.extend((value > 127).then_some(0xcc));
        out.push(value);
    } else if let Ok(value) = u16::try_from(value) {
        out.push(0xcd);
        out.extend_from_slice(&value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        out.push(0xce);
        out.extend_from_slice(&value.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Writes the number of a statement.
fn write_count(value: usize, out: &mut Vec<u8>) {
    write_integer(i64::try_from(value).unwrap_or(i64::MAX), out);
}

fn write_boolean(value: bool, out: &mut Vec<u8>) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

/// Writes a time as the extension type 5: seconds in 8 bytes, nanoseconds in 4.
#[inline]
fn write_time(time_ns: i64, out: &mut Vec<u8>) {
    let second = time_ns.div_euclid(1_000_000_000);
    // Below 10^9, so that the upper half of the eight bytes is zero.
    let [_, _, _, _, nanosecond @ ..] = time_ns.rem_euclid(1_000_000_000).to_be_bytes();
    out.extend_from_slice(&[0xc7, 12, 5]);
    out.extend_from_slice(&second.to_be_bytes());
    out.extend_from_slice(&nanosecond);
}
