//! The body that is being parsed: what the grammar needs of it to turn the bytes that it found into
//! text and columns.

use std::str::from_utf8;

use nom::Err;

use super::fault::{Fault, Reason};
use crate::certain::Certain;
use crate::narrow;

/// A view of the body, cheap to copy into every parser.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    body: &'a [u8],
    /// The body as text if all of it is UTF-8, which is checked once. A character that is cut off at
    /// its end does not count.
    text: Option<&'a str>,
    /// The number of bytes that were left at the start of the point's line.
    left_at_start: usize,
}

impl<'a> Source<'a> {
    /// Checks the whole body once. If it is not all UTF-8, each name and string is checked by
    /// itself, so that only the bad lines are rejected.
    pub(super) fn new(body: &'a [u8]) -> Self {
        let text = match simdutf8::compat::from_utf8(body) {
            Ok(text) => Some(text),
            Err(error) if error.error_len().is_none() => body
                .get(..error.valid_up_to())
                .and_then(|whole| from_utf8(whole).ok()),
            Err(_) => None,
        };
        Self {
            text,
            ..Self::unchecked(body)
        }
    }

    /// Checks nothing now: each name and string is checked by itself.
    pub(super) fn unchecked(body: &'a [u8]) -> Self {
        Self {
            body,
            text: None,
            left_at_start: body.len(),
        }
    }

    pub(super) fn body(self) -> &'a [u8] {
        self.body
    }

    /// The same body for a point whose line starts at `input`.
    pub(super) fn starting(self, input: &[u8]) -> Self {
        Self {
            left_at_start: input.len(),
            ..self
        }
    }

    /// The 1-based byte at which `input` starts in the first line of the point.
    pub(super) fn column(self, input: &[u8]) -> u32 {
        let before = self.left_at_start.saturating_sub(input.len());
        narrow::capped_u32(narrow::to_u64(before)).saturating_add(1)
    }

    /// The body from `column` of the point's first line on: the inverse of [`Source::column`].
    pub(super) fn at_column(self, column: u32) -> &'a [u8] {
        let line_start = self.body.len().saturating_sub(self.left_at_start);
        let before = column.saturating_sub(1) as usize;
        self.body
            .get(line_start.saturating_add(before)..)
            .unwrap_or_default()
    }

    /// `raw`, which starts where `input` does, as text.
    pub(super) fn text(
        self,
        input: &'a [u8],
        raw: &'a [u8],
        not_utf8: Reason,
    ) -> Result<&'a str, Err<Fault>> {
        let start = self.body.len().saturating_sub(input.len());
        let known = self
            .text
            .and_then(|text| text.get(start..start.saturating_add(raw.len())));
        match known {
            Some(text) => Ok(text),
            None => from_utf8(raw).map_err(|error| {
                let bad = input.get(error.valid_up_to()..);
                let bad = bad.certain("it begins with the text");
                Err::Failure(Fault::at(bad, not_utf8))
            }),
        }
    }
}
