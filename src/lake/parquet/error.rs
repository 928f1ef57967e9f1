//! Errors of the conversion between segments and files.

use std::sync::Arc;

use parquet::errors::ParquetError;
use thiserror::Error;

use crate::merge::at_once::TooManyRows;
use crate::telemetry::causes;

/// An error of encoding a file.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// The rows have a column that the table lacks: its values would be lost.
    #[error("the {kind} {name:?} is not a column of the table: add it to the table's schema first")]
    NoSuchColumn {
        /// The name in line protocol.
        name: String,
        /// `tag`, or the type of a field.
        kind: &'static str,
    },
    /// There are more rows than can be numbered.
    #[error(transparent)]
    TooManyRows(#[from] TooManyRows),
    /// The file would have no rows.
    #[error("a file of a table would have no rows: report this")]
    NoRows,
    /// There are more columns than can be numbered.
    #[error("the table has more columns than a Parquet file can have")]
    TooManyColumns,
    /// The compressor failed.
    #[error("compressing a page: {0}")]
    Compress(#[source] std::io::Error),
    /// The writer of the file's structure failed.
    #[error("writing a Parquet file: {0}")]
    Write(#[from] ParquetError),
}

impl DecodeError {
    /// The damage, if the file could be read and its bytes are not what its writer wrote.
    pub(in crate::lake) fn damage(&self) -> Option<String> {
        match self {
            Self::Damaged { source, .. } => Some(causes(source)),
            Self::Value { column, what, .. } => Some(format!("column {column:?} has {what}")),
            Self::NotSorted { row, .. } => Some(format!(
                "its footer says that its rows are sorted by tags and time, but a row after row {row} \
                 should come before it"
            )),
            Self::Read { .. } | Self::Type { .. } | Self::NoTime { .. } | Self::Sort { .. } => None,
        }
    }
}

/// An error of the source that reads the bytes.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error of decoding a file.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The bytes could not be read.
    #[error("reading {path}: {}", causes(&**source))]
    Read {
        /// The file.
        path: Arc<str>,
        /// The error of the storage.
        source: BoxError,
    },
    /// The file is not a Parquet file, or is damaged.
    #[error("{path} is not a readable Parquet file: {source}")]
    Damaged {
        /// The file.
        path: Arc<str>,
        /// The error of the format's reader.
        source: ParquetError,
    },
    /// A column is of a type that its kind cannot be read from.
    #[error("{path}: column {column:?} is of type {found}, which cannot be read as {expected}")]
    Type {
        /// The file.
        path: Arc<str>,
        /// The column's name in the file.
        column: String,
        /// The type in the file.
        found: String,
        /// The kind in the table.
        expected: &'static str,
    },
    /// The file has a value that a column of its kind cannot have.
    #[error("{path}: column {column:?} has {what}")]
    Value {
        /// The file.
        path: Arc<str>,
        /// The column's name in the file.
        column: String,
        /// The value, in words.
        what: String,
    },
    /// There is neither `time_ns` nor `time`.
    #[error(
        "{path} has no column \"time_ns\" and no column \"time\": it is not a file of this table"
    )]
    NoTime {
        /// The file.
        path: Arc<str>,
    },
    /// The rows are not sorted although the footer says so.
    #[error(
        "{path} says that its rows are sorted by tags and time, but a row after row {row} should come \
         before it: rewrite or remove the file"
    )]
    NotSorted {
        /// The file.
        path: Arc<str>,
        /// The number of rows before the wrong one, within the chunk that was read.
        row: usize,
    },
    /// A file that another program wrote, with its rows in no order, could not be sorted.
    #[error("sorting the rows of {path}: {source}")]
    Sort {
        /// The file.
        path: Arc<str>,
        /// The reason.
        source: EncodeError,
    },
}
