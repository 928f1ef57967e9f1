//! `tidegate wal`: the log of a stopped server, to look at and to save.

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

/// Why a command on the log failed.
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
    /// A folder within the one that is not to be changed.
    #[error(
        "{out} lies in the data folder {data_dir}, which is not changed: name a folder elsewhere"
    )]
    OutInside {
        /// Where the copy was wanted.
        out: String,
        /// The data folder.
        data_dir: String,
    },
    /// A path that means nothing.
    #[error("cannot make sense of the path {path}")]
    Path {
        /// As it was given.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody takes what the command has to say.
    #[error("cannot write to standard output")]
    Output(#[from] io::Error),
}
