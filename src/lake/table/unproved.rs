//! A commit to a shared table that was written, or may have been, and is not yet known to stand. It
//! stands if the version before it is there, and if its bucket was not deleted while it was on its
//! way.
//!
//! A commit that does not stand is taken back, as it would be in the way of the table that is made
//! after the deletion. If taking it back or the check fails, that is repeated before anything else is
//! done with the table. If the process ends in between, the commit stays: then the table's folder must
//! be removed by hand, or the bucket deleted once more.

use sha2::{Digest as _, Sha256};

/// A commit, recognized by its bytes: in its place there may be that of another.
#[derive(Debug)]
pub(super) struct Unproved {
    pub(super) version: u64,
    /// The last deletion of the bucket when the commit was made.
    pub(super) deletion: Option<String>,
    digest: [u8; 32],
}

impl Unproved {
    pub(super) fn new(version: u64, deletion: Option<String>, lines: &[u8]) -> Self {
        Self {
            version,
            deletion,
            digest: Sha256::digest(lines).into(),
        }
    }

    /// Returns whether these bytes are the commit.
    pub(super) fn is(&self, lines: &[u8]) -> bool {
        *Sha256::digest(lines) == self.digest
    }
}
