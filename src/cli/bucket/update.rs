//! `tidegate bucket update`.

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::entry::{Entry, path_of};
use crate::cli::confirmation::is_confirmed;
use crate::cli::connection::{Connection, Session};
use crate::cli::terminal::visible;
use crate::cli::values::{self, Retention};
use crate::cli::{CliError, output};
use crate::client::{ClientError, Request};

const HELP: &str = "\
A shorter retention removes older points, from reads at once and then from the disk. If there are any, \
the command says how many and asks first; without a terminal it requires --yes.

Examples:
  tidegate bucket update home --retention 3650d
  tidegate bucket update home --retention 30d --yes
  tidegate bucket update home --retention forever";

/// Clap's own is wider than narrow terminals.
const USAGE: &str = "tidegate bucket update <NAME> --retention <DURATION>";

/// Change how long a bucket keeps its points.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP, override_usage = USAGE)]
pub(super) struct Update {
    /// Its name.
    name: String,
    /// Keep points for this long, such as 24h or 30d, or forever.
    #[arg(long, value_name = "DURATION", value_parser = values::retention)]
    retention: Retention,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
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
        if !self.yes && !self.is_wanted(&session).await? {
            return Err(CliError::Failed("nothing was changed".to_owned()));
        }
        let request = Request::new(Method::PATCH, path_of(&self.name)).json(&body);
        let answer = session.ask(request).await?;
        if self.json {
            return output::json(&answer);
        }
        let bucket: Entry = answer.json().map_err(|error| session.explain(error))?;
        output::line(&bucket.line("updated"))
    }

    /// Returns true if nothing would be hidden, or the user has agreed.
    async fn is_wanted(&self, session: &Session) -> Result<bool, CliError> {
        let Some(seconds) = self.retention.seconds() else {
            return Ok(true);
        };
        let name = visible(&self.name);
        let kept = Retention::text(Some(seconds));
        let rows = match self.hidden(session, seconds).await? {
            Some(hidden) if hidden.is_nothing() => return Ok(true),
            Some(hidden) => format!("{} of bucket \"{name}\"", hidden.words()),
            None => format!("what bucket \"{name}\" has that is older than {kept}"),
        };
        let danger = format!(
            "retention of {kept} takes {rows} away, from readers at once and then from the disk"
        );
        let question = format!("A {danger}. Go on?");
        is_confirmed(&question, &format!("a {danger}"))
    }

    /// The points that would be hidden, or none if the server cannot say.
    async fn hidden(&self, session: &Session, seconds: u64) -> Result<Option<Hidden>, CliError> {
        let path = path_of(&self.name);
        let path = format!("{path}/hidden?retention_seconds={seconds}");
        match session.ask(Request::new(Method::GET, path)).await {
            Ok(answer) => {
                let hidden = answer.json().map_err(|error| session.explain(error))?;
                Ok(Some(hidden))
            }
            Err(CliError::Client {
                error: ClientError::Refused(refusal),
                ..
            }) if refusal.is_of_the_path() || refusal.status.is_server_error() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The API's answer about points that a retention would hide.
#[derive(Debug, Deserialize)]
struct Hidden {
    rows_max: Option<u64>,
    first: Option<String>,
    last: Option<String>,
}

impl Hidden {
    fn is_nothing(&self) -> bool {
        self.first.is_none()
    }

    /// `up to 7 rows from … to …`.
    fn words(&self) -> String {
        let rows = match self.rows_max {
            Some(1) => "a row".to_owned(),
            Some(rows) => format!("up to {rows} rows"),
            None => "an unknown number of rows".to_owned(),
        };
        let time = |time: &Option<String>| visible(time.as_deref().unwrap_or("an unknown time"));
        let (first, last) = (time(&self.first), time(&self.last));
        match first == last {
            true => format!("{rows} at {first}"),
            false => format!("{rows} from {first} to {last}"),
        }
    }
}
