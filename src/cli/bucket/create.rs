//! `tidegate bucket create`.

use clap::Args;
use http::Method;
use serde_json::json;

use super::entry::{Entry, PATH};
use crate::cli::connection::Connection;
use crate::cli::values::{self, Retention};
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
Examples:
  tidegate bucket create kitchen
  tidegate bucket create attic --retention 30d
  tidegate bucket create cellar --retention 1h --json";

/// Create a bucket.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Create {
    /// Its name.
    name: String,
    /// Keep points for this long, such as 24h or 30d, or forever.
    #[arg(long, value_name = "DURATION", default_value = "forever", value_parser = values::retention)]
    retention: Retention,
    /// Print the bucket as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Create {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let body = json!({"name": self.name, "retention_seconds": self.retention.seconds()});
        let session = self.connection.session()?;
        let answer = session
            .ask(Request::new(Method::POST, PATH).json(&body))
            .await?;
        if self.json {
            return output::json(&answer);
        }
        let bucket: Entry = answer.json().map_err(|error| session.explain(error))?;
        output::line(&bucket.line("created"))
    }
}
