//! What can go wrong between segments and files.

use parquet::errors::ParquetError;
use thiserror::Error;

/// Why rows could not become a file.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// A column that the table does not have: its values would be lost.
    #[error("the {kind} {name:?} is not a column of the table: add it to the table's schema first")]
    NoSuchColumn {
        /// The name in line protocol.
        name: String,
        /// `tag`, or the type of a field.
        kind: &'static str,
    },
    /// More rows than are numbered.
    #[error("{rows} rows are more than one flush can take")]
    TooManyRows {
        /// How many there are.
        rows: usize,
    },
    /// More columns than are numbered.
    #[error("the table has more columns than a Parquet file can")]
    TooManyColumns,
    /// The compressor failed.
    #[error("compressing a page: {0}")]
    Compress(#[source] std::io::Error),
    /// The writer of the file's structure failed.
    #[error("writing a Parquet file: {0}")]
    Write(#[from] ParquetError),
}
