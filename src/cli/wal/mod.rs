//! `tidegate wal`: shows the log of a stopped server, or saves what can be read of it.

mod inspect;
mod salvage;
#[cfg(test)]
mod tests;

use std::io;

use clap::{Args, Subcommand};
use thiserror::Error;

use crate::storage::StorageError;
use crate::wal::WalError;
use inspect::Inspect;
use salvage::Salvage;

const HELP: &str = "\
Examples:
  tidegate wal inspect --data-dir tidegate-data
  tidegate wal salvage --data-dir tidegate-data \\
    --out tidegate-salvaged";

/// Look at the log of a stopped server, or save what can be read of a damaged one.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Wal {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Inspect(Inspect),
    Salvage(Salvage),
}

impl Wal {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), WalCommandError> {
        match self.command {
            Command::Inspect(inspect) => inspect.run(),
            Command::Salvage(salvage) => salvage.run(),
        }
    }
}

/// The reasons for which a command on the log fails.
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
