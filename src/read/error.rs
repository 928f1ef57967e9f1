//! The reasons for which reading ends early.

use thiserror::Error;

use super::sources::LakeError;
use crate::memory::Exhausted;
use crate::merge::MergeError;

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
