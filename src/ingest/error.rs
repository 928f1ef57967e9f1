//! The errors that refuse a request as a whole.

use thiserror::Error;

use crate::catalog::CatalogError;
use crate::memory::Exhausted;

/// The reason why nothing can be said about individual lines: the request as a whole was not
/// written, or may not have been.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Memory is short now; the same request may succeed later.
    #[error("memory is short: {0}")]
    Overloaded(Exhausted),
    /// The request needs more memory than there ever is.
    #[error("the request does not fit: {0}")]
    TooLarge(Exhausted),
    /// The bucket has used up its share of the memory.
    #[error(
        "bucket \"{bucket}\" holds {used_bytes} bytes of memory, its share is {bucket_bytes_max} (memory.bucket_percent)"
    )]
    BucketFull {
        /// Its name.
        bucket: String,
        /// The memory that it holds.
        used_bytes: u64,
        /// The memory that it may hold.
        bucket_bytes_max: u64,
    },
    /// The log has used up its share of the disk: what it holds must go elsewhere first.
    #[error(
        "the log holds {log_bytes} bytes, it may hold {log_bytes_max} (wal.log_bytes_max): it shrinks when its points are safe elsewhere"
    )]
    LogFull {
        /// The disk space that it takes.
        log_bytes: u64,
        /// The disk space that it may take.
        log_bytes_max: u64,
    },
    /// A table cannot be flushed and keeps the log from shrinking. Nothing of the slice that names
    /// it is logged.
    #[error(
        "table \"{table}\" of bucket \"{bucket}\" cannot be flushed and keeps the log from shrinking: \
         its points are refused until an operator has mended that (the server's log says what is \
         wrong); leave its lines out to write to other tables"
    )]
    TableStuck {
        /// The bucket's name.
        bucket: String,
        /// The measurement.
        table: String,
    },
    /// The log could not be written or synced: nothing is acknowledged.
    #[error("the log cannot be written: {0}")]
    LogUnavailable(String),
    /// The bucket was deleted while the request was on its way.
    #[error("bucket \"{0}\" not found")]
    BucketGone(String),
    /// The bucket could not be created.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A fault of ours.
    #[error("the write was lost inside the server: {0}")]
    Internal(&'static str),
}

impl From<Exhausted> for WriteError {
    fn from(exhausted: Exhausted) -> Self {
        if exhausted.fits_when_idle() {
            Self::Overloaded(exhausted)
        } else {
            Self::TooLarge(exhausted)
        }
    }
}
