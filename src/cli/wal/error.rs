//! The reasons for which a command on the log fails.

use std::io;

use thiserror::Error;

use crate::storage::StorageError;
use crate::wal::WalError;

/// A command on the log that failed.
#[derive(Debug, Error)]
pub enum WalCommandError {
    /// A data folder could not be opened, read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] WalError),
    /// The log was shown, and is damaged.
    #[error("a server would refuse to start with this log, the verdict above says why")]
    NoStart,
    /// The copy would be inside the data folder, which must not change.
    #[error(
        "{out} lies in the data folder {data_dir}, which is not changed: name a folder elsewhere"
    )]
    OutInside {
        /// The folder for the copy.
        out: String,
        /// The data folder.
        data_dir: String,
    },
    /// A path that cannot be resolved.
    #[error("cannot make sense of the path {path}")]
    Path {
        /// The path, as it was given.
        path: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Standard output is closed, or its target fails.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}
