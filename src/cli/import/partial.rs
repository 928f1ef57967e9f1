//! A server's answer about individual lines, and where to continue if it did not name all of them.

use http::StatusCode;
use serde::Deserialize;

use crate::certain::Certain as _;
use crate::client::Answer;
use crate::line_protocol::{Parser, Point, Precision};
use crate::narrow;

use super::cutter::lines_in;

/// The code for a line that is written without one of its fields.
const FIELD_DROPPED: &str = "field_dropped";

/// An answer that names lines that were rejected, or lost a field.
#[derive(Debug, Deserialize)]
pub(super) struct Partial {
    message: String,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) errors: Vec<LineError>,
}

/// A line that is named.
#[derive(Debug, Deserialize)]
pub(super) struct LineError {
    /// The line of the request, from 1.
    pub(super) line: u64,
    pub(super) column: u64,
    code: String,
    pub(super) message: String,
}

impl LineError {
    /// Returns true if the line is written, without a field.
    pub(super) fn is_warning(&self) -> bool {
        self.code == FIELD_DROPPED
    }
}

/// The first part of a text, which ends with a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its length, in bytes.
    pub(super) bytes: usize,
    /// The number of its points, bad ones included.
    pub(super) points: u64,
    /// The number of its physical lines.
    pub(super) lines: u64,
}

impl Partial {
    /// The answer, if it is one.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let is_one = answer.status == StatusCode::BAD_REQUEST;
        is_one.then(|| serde_json::from_slice(&answer.body).ok())?
    }

    /// The number of named lines that were not written.
    pub(super) fn rejections(&self) -> u64 {
        let rejections = self.errors.iter().filter(|error| !error.is_warning());
        narrow::to_u64(rejections.count())
    }

    /// Returns the part of `text` whose lines are all named, if not every line is (a server names a
    /// hundred).
    pub(super) fn named(&self, text: &[u8], precision: Precision) -> Option<Part> {
        let last_line = self.message.lines().next_back().unwrap_or_default();
        let more = last_line.trim_start().starts_with("… and ") && last_line.ends_with(" more");
        if !more && self.rejections() >= self.rejected {
            return None;
        }
        let last = self.errors.last()?.line;
        let named = Part::of(text, precision, |line, _| line >= last);
        (named.bytes < text.len()).then_some(named)
    }
}

impl Part {
    /// A part of at least this many bytes, or all of the text.
    pub(super) fn of_bytes(text: &[u8], bytes: usize, precision: Precision) -> Self {
        Self::of(text, precision, |_, end| end >= bytes)
    }

    /// A part up to the point that is enough, by its line and its end; at least one point.
    fn of(text: &[u8], precision: Precision, is_enough: impl Fn(u64, usize) -> bool) -> Self {
        let mut parser = Parser::new(text, precision);
        let mut point = Point::default();
        let mut points = 0;
        while let Some(parsed) = parser.next_point(&mut point) {
            points += 1;
            let line = match parsed {
                Ok(()) => point.line,
                Err(error) => error.line,
            };
            if is_enough(u64::from(line), parser.offset()) {
                break;
            }
        }
        let bytes = parser.offset();
        Self {
            bytes,
            points,
            lines: lines_in(
                text.get(..bytes)
                    .certain("the parser stays within its text"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Part;
    use crate::line_protocol::Precision;

    #[test]
    fn a_part_ends_with_a_point_and_is_as_large_as_was_asked_for() {
        let text = b"a f=1 1\n# c\nb f=\"x\ny\" 2\nc f=\nd f=4 4";
        let part = |bytes| {
            let part = Part::of_bytes(text, bytes, Precision::Nanosecond);
            (part.bytes, part.points, part.lines)
        };
        assert_eq!(part(0), (8, 1, 1));
        assert_eq!(part(8), (8, 1, 1));
        assert_eq!(part(9), (24, 2, 4));
        assert_eq!(part(25), (29, 3, 5));
        assert_eq!(part(1000), (36, 4, 6));
        let none = Part::of_bytes(b"# c\n\n", 1, Precision::Nanosecond);
        assert_eq!((none.points, none.lines), (0, 2));
    }
}
