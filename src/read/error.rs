//! The reasons for which reading ends early.

use thiserror::Error;

use crate::memory::Exhausted;
use crate::merge::{ChunksError, MergeError};

/// The reason for which nothing more is read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Memory is short.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// The lake's store does not answer, or something in the lake was changed or damaged.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The rows of a file could not be merged.
    #[error(transparent)]
    Merge(MergeError),
    /// A fault of ours.
    #[error("a record batch could not be made: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

impl From<MergeError> for ReadError {
    /// Reports an error of the lake about one of its files as the lake's.
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Chunks { run, source } => match source.downcast::<LakeError>() {
                Ok(error) => Self::Lake(*error),
                Err(source) => Self::Merge(MergeError::Chunks { run, source }),
            },
            error @ MergeError::OutOfOrder { .. } => Self::Merge(error),
        }
    }
}

/// The reason for which the lake could not be read.
#[derive(Debug, Error)]
pub enum LakeError {
    /// Its store does not answer, or not in time; it may later.
    #[error("the lake cannot be reached: {0}")]
    Unreachable(ChunksError),
    /// A table, or a file of it, is damaged or lost: the text says what this means and what to do,
    /// with names that a reader of the table may know.
    #[error("{0}")]
    Damaged(ChunksError),
    /// Something in it was changed or damaged.
    #[error("the lake cannot be read: {0}")]
    Unreadable(ChunksError),
}
