//! `tidegate token list`.

use clap::Args;
use http::Method;

use super::entry::{Entry, PATH, Tokens};
use crate::cli::connection::Connection;
use crate::cli::{CliError, output, values};
use crate::client::Request;

const HELP: &str = "\
Examples:
  tidegate token list
  tidegate token list --json";

/// List the tokens and what they permit; the tokens themselves are not kept.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct List {
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl List {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let answer = session.ask(Request::new(Method::GET, PATH)).await?;
        if self.json {
            return output::json(&answer);
        }
        let list: Tokens = answer.json().map_err(|error| session.explain(error))?;
        let rows: Vec<[String; 5]> = list.tokens.into_iter().map(row).collect();
        output::table(
            ["ID", "DESCRIPTION", "PERMITS", "CREATED", "EXPIRES"],
            &rows,
        )
    }
}

fn row(token: Entry) -> [String; 5] {
    let permits = permits(&token);
    let created = values::shown_time(&token.created);
    let expires = token.expires.as_deref().map(values::shown_time);
    let expires = expires.unwrap_or_else(|| "never".to_owned());
    [token.id, token.description, permits, created, expires]
}

fn permits(token: &Entry) -> String {
    if token.operator {
        return "everything".to_owned();
    }
    let kinds = [("read", &token.read), ("write", &token.write)];
    let parts = kinds.iter().filter(|(_, buckets)| !buckets.is_empty());
    let parts = parts.map(|(kind, buckets)| format!("{kind} {}", buckets.join(",")));
    parts.collect::<Vec<_>>().join(" and ")
}
