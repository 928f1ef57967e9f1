//! `tidegate token`: who may use the server.

mod reset_operator;

use clap::{Args, Subcommand};

pub use reset_operator::ResetError;
use reset_operator::ResetOperator;

/// Manage tokens.
#[derive(Args, Clone, Debug)]
pub struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    ResetOperator(ResetOperator),
}

impl Token {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), ResetError> {
        match self.command {
            Command::ResetOperator(reset) => reset.run(),
        }
    }
}
