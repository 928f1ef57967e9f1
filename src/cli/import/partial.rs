//! What a server says about single lines, and where to go on when it did not name all of them.

use http::StatusCode;
use serde::Deserialize;

use crate::client::Answer;
use crate::line_protocol::{Parser, Point, Precision};

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

/// The part of a text up to and including a line, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
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
        u64::try_from(rejections.count()).unwrap_or(u64::MAX)
    }

    /// If not every line is named (a server names a hundred), what is named ends here in `text`.
    pub(super) fn named(&self, text: &[u8], precision: Precision) -> Option<Named> {
        let last_line = self.message.lines().next_back().unwrap_or_default();
        let more = last_line.trim_start().starts_with("… and ") && last_line.ends_with(" more");
        if !more && self.rejections() >= self.rejected {
            return None;
        }
        let named = up_to(text, self.errors.last()?.line, precision);
        (named.bytes < text.len()).then_some(named)
    }
}

/// The part of `text` that ends with the point of `line`.
fn up_to(text: &[u8], line: u64, precision: Precision) -> Named {
    let mut parser = Parser::new(text, precision);
    let mut point = Point::default();
    let mut points = 0;
    while let Some(parsed) = parser.next_point(&mut point) {
        points += 1;
        let at = match parsed {
            Ok(()) => point.line,
            Err(error) => error.line,
        };
        if u64::from(at) >= line {
            break;
        }
    }
    let bytes = parser.offset();
    Named {
        bytes,
        points,
        lines: lines_in(text.get(..bytes).unwrap_or_default()),
    }
}
