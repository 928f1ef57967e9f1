//! `tidegate bucket`: creates, lists, changes and deletes buckets, with an operator token.

mod create;
mod delete;
mod entry;
mod list;
mod update;

use clap::{Args, Subcommand};

use super::CliError;

const HELP: &str = "\
All of them need an operator token.

Examples:
  tidegate bucket create sensors --retention 30d
  tidegate bucket list
  tidegate bucket update home --retention forever";

/// Create, list, change and delete buckets.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Bucket {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Create(create::Create),
    List(list::List),
    Update(update::Update),
    Delete(delete::Delete),
}

impl Bucket {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Create(create) => create.run().await,
            Command::List(list) => list.run().await,
            Command::Update(update) => update.run().await,
            Command::Delete(delete) => delete.run().await,
        }
    }
}
