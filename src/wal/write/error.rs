//! The reasons why a frame is not acknowledged.

use std::sync::Arc;

use thiserror::Error;

use crate::storage::StorageError;
use crate::wal::format::frame::FRAME_BYTES_MAX;

/// A frame was not acknowledged.
#[derive(Clone, Debug, Error)]
pub enum CommitError {
    /// The disk failed. The frame may or may not be found after a restart; it will not be if a
    /// later frame is acknowledged.
    ///
    /// The text names no file, because clients see it; the server's log names the file.
    #[error("{}", cause(.0))]
    Failed(Arc<StorageError>),
    /// Queued after a failed frame and never written. The log works (again): what relied on the
    /// failed frames can be decided anew and submitted once more.
    #[error("queued behind a failed write of the log")]
    NotAttempted,
    /// The disk is full. As after `Failed`, the frame may or may not be found after a restart.
    /// Freeing space is enough: the log continues by itself.
    #[error("the disk of the log is full")]
    DiskFull,
    /// A frame above the size limit, never written.
    #[error("a log frame of {bytes} bytes is larger than {FRAME_BYTES_MAX} bytes")]
    TooLarge {
        /// The size of its payload.
        bytes: usize,
    },
    /// Submitted after the log was closed, never written.
    #[error("the log is closed")]
    Closed,
}

/// The system's message without the path: strangers read health texts and answers.
pub(in crate::wal) fn cause(error: &StorageError) -> String {
    match error {
        StorageError::Io {
            operation, source, ..
        } => format!("cannot {operation} it: {source}"),
        _ => "the data folder cannot be used, the server's log says why".to_owned(),
    }
}
