//! `tidegate token create`: creates a token and shows it, which happens only this once.

use clap::{ArgGroup, Args};
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::entry::PATH;
use crate::cli::connection::Connection;
use crate::cli::terminal::visible;
use crate::cli::values::{self, Time};
use crate::cli::{CliError, output};
use crate::client::Request;
use crate::clock::Clock;

const HELP: &str = "\
The token is printed only this once, alone on standard output; the server keeps only its hash.

Examples:
  tidegate token create --description \"agent 7\" --write home
  tidegate token create --read home --read attic \\
    --expires 90d
  tidegate token create --read '*' --description grafana \\
    --expires 2100-01-01T00:00:00Z --json
  tidegate token create --operator > operator.token";

/// Clap's own is one long line.
const USAGE: &str = "\
tidegate token create [OPTIONS] --operator
       tidegate token create [OPTIONS] --read <BUCKET>
       tidegate token create [OPTIONS] --write <BUCKET>";

/// Create a token and print it, once.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = HELP,
    override_usage = USAGE,
    group = ArgGroup::new("permission").args(["operator", "read", "write"]).required(true).multiple(true)
)]
pub(super) struct Create {
    /// A description for `tidegate token list`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
    /// Permit everything, tokens and buckets too.
    #[arg(long)]
    operator: bool,
    /// Permit reading from this bucket, '*' for all. May be repeated.
    #[arg(long, value_name = "BUCKET")]
    read: Vec<String>,
    /// Permit writing to this bucket, '*' for all. May be repeated.
    #[arg(long, value_name = "BUCKET")]
    write: Vec<String>,
    /// Expire after a duration such as 90d, or at a time such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = values::future_time)]
    expires: Option<Time>,
    /// Print the token with its description and permissions as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    token: String,
}

impl Create {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let now_ns = Clock::system().now_ns();
        let body = json!({
            "description": self.description,
            "operator": self.operator,
            "read": self.read,
            "write": self.write,
            "expires": self.expires.map(|time| time.rfc3339(now_ns)),
        });
        let session = self.connection.session()?;
        let answer = session
            .ask(Request::new(Method::POST, PATH).json(&body))
            .await?;
        let created: Created = answer.json().map_err(|error| session.explain(error))?;
        if self.json {
            output::json(&answer)?;
        } else {
            output::line(&visible(&created.token))?;
        }
        output::remark(&format!(
            "Token {id} is shown this once: keep it now. To take it back: tidegate token revoke {id}",
            id = visible(&created.id)
        ));
        Ok(())
    }
}
