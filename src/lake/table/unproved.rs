//! A commit to a shared table that was written, or may have been, and of which it was not seen yet
//! that it stands: that the version before it is there, and that its bucket was not deleted while
//! it was on its way.
//!
//! One that does not stand is taken back, for it would be in the way of the table that is made after
//! the deletion. If that fails, or the look at it, it is done before anything else is done with the
//! table. A process that ends in between leaves it: then its folder must be removed by hand, or the
//! bucket deleted once more.

use sha2::{Digest as _, Sha256};

/// A commit, recognized by its bytes: in its place there may be that of another.
#[derive(Debug)]
pub(super) struct Unproved {
    pub(super) version: u64,
    /// The deletion of the bucket that was the last one when the commit was made.
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

    /// Whether these bytes are it.
    pub(super) fn is(&self, lines: &[u8]) -> bool {
        *Sha256::digest(lines) == self.digest
    }
}
