//! What a server says about single lines, and where to go on when it did not name all of them.

use http::StatusCode;
use serde::Deserialize;

use crate::client::Answer;
use crate::line_protocol::{Parser, Point, Precision};
use crate::narrow;

use super::cutter::lines_in;

/// A field of the line was left out; the line itself is written.
const FIELD_DROPPED: &str = "field_dropped";

/// An answer of which lines were rejected, or lost a field.
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
    /// Of the request, from 1.
    pub(super) line: u64,
    pub(super) column: u64,
    code: String,
    pub(super) message: String,
}

impl LineError {
    /// Whether the line is written, without a field.
    pub(super) fn is_warning(&self) -> bool {
        self.code == FIELD_DROPPED
    }
}

/// The first part of a text, which ends with a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Where it ends.
    pub(super) bytes: usize,
    /// How many points it has, bad ones too.
    pub(super) points: u64,
    /// How many physical lines it has.
    pub(super) lines: u64,
}

impl Partial {
    /// The answer, if it is one.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let is_one = answer.status == StatusCode::BAD_REQUEST;
        is_one.then(|| serde_json::from_slice(&answer.body).ok())?
    }

    /// Lines that are named and were not written.
    pub(super) fn rejections(&self) -> u64 {
        let rejections = self.errors.iter().filter(|error| !error.is_warning());
        narrow::to_u64(rejections.count())
    }

    /// If not every line is named (a server names a hundred), what is named ends here in `text`.
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
    /// Of at least so many bytes, or all.
    pub(super) fn of_bytes(text: &[u8], bytes: usize, precision: Precision) -> Self {
        Self::of(text, precision, |_, end| end >= bytes)
    }

    /// Up to the point that is enough, by its line and its end; at least one.
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
            lines: lines_in(text.get(..bytes).unwrap_or_default()),
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
