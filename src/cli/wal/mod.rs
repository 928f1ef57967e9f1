//! `tidegate wal`: shows the log of a stopped server, or saves what can be read of it.

mod error;
mod inspect;
mod salvage;
#[cfg(test)]
mod tests;

use clap::{Args, Subcommand};

pub use error::WalCommandError;
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
