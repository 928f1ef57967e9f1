//! `tidegate bucket update`.

use clap::Args;
use http::Method;
use serde_json::json;

use super::{Entry, path_of};
use crate::cli::connection::Connection;
use crate::cli::values::{self, Retention};
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
A shorter retention takes points away that are older, from reads at once and then from the disk.

Examples:
  tidegate bucket update home --retention 3650d
  tidegate bucket update home --retention forever";

/// Clap's own is longer than narrow terminals are wide.
const USAGE: &str = "tidegate bucket update <NAME> --retention <DURATION>";

/// Change how long a bucket keeps its points.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP, override_usage = USAGE)]
pub(super) struct Update {
    /// Its name.
    name: String,
    /// How long points are kept, such as 24h or 30d, or forever.
    #[arg(long, value_name = "DURATION", value_parser = values::retention)]
    retention: Retention,
    /// Print the bucket as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Update {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let body = json!({"retention_seconds": self.retention.seconds()});
        let session = self.connection.session()?;
        let request = Request::new(Method::PATCH, path_of(&self.name)).json(&body);
        let answer = session.ask(request).await?;
        if self.json {
            return output::json(&answer);
        }
        let bucket: Entry = answer.json().map_err(|error| session.explain(error))?;
        output::line(&bucket.line("updated"))
    }
}
