//! A window that moves over a text, which may be larger than memory.

use std::io::{self, Read as _};

use crate::certain::Certain as _;
use crate::cli::plain_text::Text;
use crate::narrow;

/// Text is read in steps of at least this size, in bytes.
const STEP_BYTES: usize = 1536 * 1024;

/// The part of a text that is held.
pub(super) struct Window {
    text: Text,
    held: Vec<u8>,
    /// The number of its first bytes that are done.
    start: usize,
    is_last: bool,
}

impl Window {
    pub(super) fn new(text: Text) -> Self {
        Self {
            text,
            held: Vec::new(),
            start: 0,
            is_last: false,
        }
    }

    /// The text that is held and not done.
    pub(super) fn text(&self) -> &[u8] {
        self.held
            .get(self.start..)
            .certain("only bytes of the window are done")
    }

    /// Returns true if the text ends with this window.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// Marks this many bytes as done.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes);
    }

    /// Reads more, as much as is held already, so that a long search for the end of a point does not
    /// start over too often.
    pub(super) fn more(&mut self) -> io::Result<()> {
        self.held.drain(..self.start.min(self.held.len()));
        self.start = 0;
        let wanted = self.held.len().max(STEP_BYTES);
        let limit = narrow::to_u64(wanted);
        let read = self.text.by_ref().take(limit).read_to_end(&mut self.held)?;
        self.is_last = read < wanted;
        Ok(())
    }
}
