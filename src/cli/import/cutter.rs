//! Cuts text into batches at the boundaries of points, and gives points without a timestamp one.
//!
//! A string may span lines, so a line's end is no boundary by itself: the parser says where points
//! end. It reads what is there; a string that is not closed there may be closed further on, so
//! before it is believed to be unterminated, as much text is read as a point may have at most. The
//! server, which sees the batch alone, then comes to the same judgement.
//!
//! Bad lines are left as they are: what is wrong with them is the server's to say.

use std::io::{self, Read};

use bytes::Bytes;
use memchr::{memchr_iter, memrchr};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;

use crate::line_protocol::{Oddities, Parser, Point, Precision, Reason};
use crate::narrow;

/// No server accepts longer points (`limits.point_bytes_max` at its highest), in bytes.
const POINT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A line of which the end has not come by then is not line protocol, in bytes.
const LINE_BYTES_MAX: usize = 4 * POINT_BYTES_MAX;

/// Bounds what reports about a batch can take, however short its lines are.
const POINTS_MAX: u64 = 20_000;

const READ_BYTES: u64 = 128 * 1024;

/// How text is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// The unit of the timestamps.
    pub(super) precision: Precision,
    /// A batch ends with the point that reaches this size.
    pub(super) batch_bytes: usize,
    /// The timestamp of points that have none, in that unit.
    pub(super) default_time: i64,
}

/// A piece of an input that is sent as one.
#[derive(Debug)]
pub(super) struct Batch {
    /// Its place among all batches, from 0.
    pub(super) number: u64,
    /// Its file's place among the inputs.
    pub(super) file: usize,
    /// What is sent.
    pub(super) text: Bytes,
    /// The number in the file of its first line.
    pub(super) first_line: u64,
    /// How many physical lines it has.
    pub(super) lines: u64,
    /// How many points it has, bad ones too.
    pub(super) points: u64,
    /// How many bytes of the stored input it stands for.
    pub(super) progress: u64,
    /// Whether the file ends with it.
    pub(super) is_last: bool,
    /// What in it is probably not meant as it says.
    pub(super) oddities: Oddities,
    /// Its place in the window, given back when it is done with.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Batch {
    /// Nothing, behind `line`.
    pub(super) fn empty(line: u64) -> Self {
        Self {
            number: 0,
            file: 0,
            text: Bytes::new(),
            first_line: line.saturating_add(1),
            lines: 0,
            points: 0,
            oddities: Oddities::default(),
            progress: 0,
            is_last: false,
            place: None,
        }
    }
}

/// Why there are no more batches.
#[derive(Debug, Error)]
pub(super) enum CutError {
    #[error("{0}")]
    Read(#[from] io::Error),
    #[error("the next line is longer than {LINE_BYTES_MAX} bytes; is it line protocol?")]
    LineTooLong,
}

/// An input on its way into batches.
pub(super) struct Cutter<R> {
    reader: R,
    rules: Rules,
    /// Text that is in no batch yet; starts at the start of a line.
    buffer: Vec<u8>,
    at_end: bool,
    /// Lines that are in batches.
    line: u64,
}

impl<R: Read> Cutter<R> {
    pub(super) fn new(reader: R, rules: Rules) -> Self {
        Self {
            reader,
            rules,
            buffer: Vec::new(),
            at_end: false,
            line: 0,
        }
    }

    /// Where the text comes from.
    pub(super) fn reader(&self) -> &R {
        &self.reader
    }

    /// How many lines went into batches.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next batch; nothing at the end. After an error there is no way on.
    pub(super) fn next(&mut self) -> Result<Option<Batch>, CutError> {
        let mut wanted = self.rules.batch_bytes;
        loop {
            self.fill(wanted)?;
            if self.buffer.is_empty() {
                return Ok(None);
            }
            let whole_lines = match self.at_end {
                true => Some(self.buffer.len()),
                false => memrchr(b'\n', &self.buffer).map(|end| end + 1),
            };
            let cut = whole_lines.map(|end| self.cut(end));
            match cut {
                Some(Some((batch, end))) => {
                    self.buffer.drain(..end);
                    self.line += batch.lines;
                    return Ok(Some(batch));
                }
                Some(None) => wanted = self.rules.batch_bytes + POINT_BYTES_MAX,
                None if self.buffer.len() >= LINE_BYTES_MAX => return Err(CutError::LineTooLong),
                None => wanted = self.buffer.len() * 2,
            }
        }
    }

    /// Reads until there are `wanted` bytes, or no more.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while !self.at_end && self.buffer.len() < wanted {
            let read = self.reader.by_ref().take(READ_BYTES);
            // Less than it may read is the end: a terminal would have to be told so twice.
            let length = { read }.read_to_end(&mut self.buffer)?;
            self.at_end = narrow::to_u64(length) < READ_BYTES;
        }
        Ok(())
    }

    /// A batch from the first `end` bytes, and how many of them it took. Nothing if more has to be
    /// read to know where a point ends.
    fn cut(&self, end: usize) -> Option<(Batch, usize)> {
        let window = self.buffer.get(..end).unwrap_or_default();
        let mut parser = Parser::new(window, self.rules.precision);
        let mut point = Point::default();
        let mut text = Vec::with_capacity(self.rules.batch_bytes.min(window.len()));
        let (mut from, mut points) = (0, 0);
        while from < self.rules.batch_bytes && points < POINTS_MAX {
            let parsed = parser.next_point(&mut point);
            let lines = window.get(from..parser.offset()).unwrap_or_default();
            match &parsed {
                Some(Ok(())) if point.timestamp.is_none() => self.push_stamped(&mut text, lines),
                Some(Err(error)) if self.may_end_later(error.reason, from) => return None,
                _ => text.extend_from_slice(lines),
            }
            from = parser.offset();
            if parsed.is_none() {
                break;
            }
            points += 1;
        }
        let taken = window.get(..from).unwrap_or_default();
        let batch = Batch {
            text: Bytes::from(text),
            lines: lines_in(taken),
            points,
            oddities: parser.take_oddities(),
            progress: narrow::to_u64(taken.len()),
            ..Batch::empty(self.line)
        };
        Some((batch, from))
    }

    fn may_end_later(&self, reason: Reason, from: usize) -> bool {
        let known = self.buffer.len().saturating_sub(from);
        reason == Reason::UnterminatedString && !self.at_end && known < POINT_BYTES_MAX
    }

    /// Appends lines of which the last has a point without a timestamp, and gives it one.
    fn push_stamped(&self, text: &mut Vec<u8>, lines: &[u8]) {
        let bare = lines.strip_suffix(b"\n").unwrap_or(lines);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        text.extend_from_slice(bare);
        text.extend_from_slice(format!(" {}", self.rules.default_time).as_bytes());
        text.extend_from_slice(lines.get(bare.len()..).unwrap_or_default());
    }
}

/// Physical lines of whole lines of text, of which the last may lack its end.
pub(super) fn lines_in(text: &[u8]) -> u64 {
    let unended = text.last().is_some_and(|last| *last != b'\n');
    let lines = memchr_iter(b'\n', text).count() + usize::from(unended);
    narrow::to_u64(lines)
}
