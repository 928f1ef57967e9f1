//! The error of a merge in memory.

use thiserror::Error;

/// The input has more rows than can be numbered.
#[derive(Debug, Error)]
#[error("{rows} rows are more than one flush can take")]
pub struct TooManyRows {
    /// The number of rows.
    pub rows: usize,
}
