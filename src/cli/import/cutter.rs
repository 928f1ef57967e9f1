//! Cuts text into batches at the boundaries of points, and adds timestamps to points without one.
//!
//! A string may span lines, so a line feed is no boundary by itself: the parser finds the end of a
//! point. A string that is not closed in the text so far may be closed further on. So before it is
//! taken for unterminated, as much text is read as the longest point may have. The server, which sees
//! only the batch, then comes to the same judgement.
//!
//! Bad lines are passed on unchanged: the server reports what is wrong with them.

use std::io::{self, Read};

use bytes::Bytes;
use memchr::{memchr_iter, memrchr};
use thiserror::Error;
use tokio::sync::OwnedSemaphorePermit;

use crate::certain::Certain as _;
use crate::line_protocol::{Oddities, Parser, Point, Precision, Reason};
use crate::narrow;

/// The longest point that any server accepts (the highest `limits.point_bytes_max`), in bytes.
const POINT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The longest line, in bytes: anything longer is not line protocol.
const LINE_BYTES_MAX: usize = 4 * POINT_BYTES_MAX;

/// The most points of a batch, which bounds the memory for reports however short its lines are.
const POINTS_MAX: u64 = 20_000;

const READ_BYTES: u64 = 128 * 1024;

/// The rules by which text is cut.
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
    /// The text to send.
    pub(super) text: Bytes,
    /// The number in the file of its first line.
    pub(super) first_line: u64,
    /// The number of its physical lines.
    pub(super) lines: u64,
    /// The number of its points, bad ones included.
    pub(super) points: u64,
    /// The bytes of the stored input that it covers.
    pub(super) progress: u64,
    /// True if the file ends with it.
    pub(super) is_last: bool,
    /// The number of its lines that are probably mistakes, by kind.
    pub(super) oddities: Oddities,
    /// Its place in the window, given back when it is done.
    pub(super) place: Option<OwnedSemaphorePermit>,
}

impl Batch {
    /// An empty batch after `line`.
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

/// The reasons for which there are no more batches.
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

    /// The source of the text.
    pub(super) fn reader(&self) -> &R {
        &self.reader
    }

    /// The number of lines that are in batches.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Returns the next batch, or none at the end. After an error it must not be called again.
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
            // A short read is the end: on a terminal, a further read would ask for a second Ctrl-D.
            let length = { read }.read_to_end(&mut self.buffer)?;
            self.at_end = narrow::to_u64(length) < READ_BYTES;
        }
        Ok(())
    }

    /// Returns a batch from the first `end` bytes, and how many of them it took. None if more has to be
    /// read to find the end of a point.
    fn cut(&self, end: usize) -> Option<(Batch, usize)> {
        let window = self.buffer.get(..end);
        let window = window.certain("the end of a line was found in the buffer");
        let mut parser = Parser::new(window, self.rules.precision);
        let mut point = Point::default();
        let mut text = Vec::with_capacity(self.rules.batch_bytes.min(window.len()));
        let (mut from, mut points) = (0, 0);
        while from < self.rules.batch_bytes && points < POINTS_MAX {
            let parsed = parser.next_point(&mut point);
            let lines = window.get(from..parser.offset());
            let lines = lines.certain("the parser advances within its text");
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
        let taken = window.get(..from);
        let taken = taken.certain("the parser stays within its text");
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

    /// Appends lines, the last of which has a point without a timestamp, and adds one to it.
    fn push_stamped(&self, text: &mut Vec<u8>, lines: &[u8]) {
        let bare = lines.strip_suffix(b"\n").unwrap_or(lines);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        text.extend_from_slice(bare);
        text.extend_from_slice(format!(" {}", self.rules.default_time).as_bytes());
        let line_end = lines.get(bare.len()..);
        text.extend_from_slice(line_end.certain("it is what was stripped"));
    }
}

/// The number of physical lines of a text, whose last line may lack its line feed.
pub(super) fn lines_in(text: &[u8]) -> u64 {
    let unended = text.last().is_some_and(|last| *last != b'\n');
    let lines = memchr_iter(b'\n', text).count() + usize::from(unended);
    narrow::to_u64(lines)
}
