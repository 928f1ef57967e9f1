//! The errors of a merge.

use thiserror::Error;

use super::run::ChunksError;

/// The reason why a merge has no more rows.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A run could not be read further.
    #[error("{run} cannot be read: {source}")]
    Chunks {
        /// The run's name.
        run: Box<str>,
        /// The error of its source.
        source: ChunksError,
    },
    /// A run's rows do not come by series and time.
    #[error(
        "{run} is not sorted by its tags (by name) and time as Tidegate sorts: another program may \
         have written it, and must sort it or remove it"
    )]
    OutOfOrder {
        /// The run's name.
        run: Box<str>,
    },
}
