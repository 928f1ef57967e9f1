//! `tidegate bucket list`.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::entry::{Entry, PATH};
use crate::cli::connection::Connection;
use crate::cli::values::{self, Retention};
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
Examples:
  tidegate bucket list
  tidegate bucket list --json";

/// List the buckets.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct List {
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Deserialize)]
struct Buckets {
    buckets: Vec<Entry>,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let answer = session.ask(Request::new(Method::GET, PATH)).await?;
        if self.json {
            return output::json(&answer);
        }
        let list: Buckets = answer.json().map_err(|error| session.explain(error))?;
        let row = |bucket: Entry| {
            let retention = Retention::text(bucket.retention_seconds);
            let created = values::shown_time(&bucket.created);
            [bucket.name, retention, created, bucket.id]
        };
        let rows: Vec<[String; 4]> = list.buckets.into_iter().map(row).collect();
        output::table(["NAME", "RETENTION", "CREATED", "ID"], &rows)
    }
}
