//! The faults that a test sets up, and when they occur.

use std::io;

use crate::storage::error::Operation;

/// An injected fault, as the program sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An input/output error; nothing was done. A failed sync loses what was not synced.
    Io,
    /// No space; nothing was done.
    Full,
    /// An input/output error after a part of a write was done.
    ShortIo,
    /// No space after a part of a write was done.
    ShortFull,
}

impl Fault {
    pub(super) fn error(self) -> io::Error {
        // EIO and ENOSPC.
        io::Error::from_raw_os_error(match self {
            Self::Io | Self::ShortIo => 5,
            Self::Full | Self::ShortFull => 28,
        })
    }

    pub(super) fn is_short(self) -> bool {
        matches!(self, Self::ShortIo | Self::ShortFull)
    }
}

/// A fault that waits for its operation.
#[derive(Debug)]
pub(super) struct Trap {
    pub(super) operation: Operation,
    pub(super) after: u64,
    pub(super) fault: Fault,
    pub(super) forever: bool,
}
