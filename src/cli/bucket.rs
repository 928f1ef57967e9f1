//! `tidegate bucket`: creates, lists, changes and deletes buckets, with an operator token.

mod create;
mod delete;
mod list;
mod update;

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::CliError;
use super::values::Retention;
use crate::client::path_segment;

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

const PATH: &str = "/api/v1/buckets";

/// A bucket in the API's answers.
#[derive(Debug, Deserialize)]
struct Entry {
    id: String,
    name: String,
    retention_seconds: Option<u64>,
    created: String,
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

impl Entry {
    /// One line about the bucket, after what was done to it.
    fn line(&self, what: &str) -> String {
        let name = super::output::visible(&self.name);
        let kept = Retention::text(self.retention_seconds);
        format!(
            "bucket \"{name}\" {what}, id {}, points are kept {}{kept}",
            self.id,
            match self.retention_seconds {
                Some(_) => "for ",
                None => "",
            }
        )
    }
}

/// The path of one bucket.
fn path_of(name: &str) -> String {
    format!("{PATH}/{}", path_segment(name))
}
