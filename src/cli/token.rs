//! `tidegate token`: creates, lists and revokes tokens, with an operator token.

mod create;
mod entry;
mod list;
mod reset_operator;
mod revoke;

use clap::{Args, Subcommand};

use super::CliError;
pub use reset_operator::ResetError;

const HELP: &str = "\
All of them but reset-operator need an operator token; that one makes a new one for a stopped server.

Examples:
  tidegate token create --description \"agent 7\" --write home
  tidegate token list";

/// Create, list and revoke tokens.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Revoke(revoke::Revoke),
    ResetOperator(reset_operator::ResetOperator),
}

impl Token {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Create(create) => create.run().await,
            Command::List(list) => list.run().await,
            Command::Revoke(revoke) => revoke.run().await,
            Command::ResetOperator(reset) => Ok(reset.run()?),
        }
    }
}
