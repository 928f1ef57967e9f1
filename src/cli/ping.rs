//! `tidegate ping`: one request, one line, one exit code, for health checks.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::connection::Location;
use super::terminal::visible;
use super::{CliError, output, values};
use crate::client::{ClientError, Request};

const HELP: &str = "\
Exit status: 0 if the server takes writes; 1 if it does not (starting, disk full) or cannot be \
reached. It needs no token.

Examples:
  tidegate ping
  tidegate ping --timeout 1s";

/// Ask a server whether it takes writes, for health checks.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Ping {
    /// Wait for the answer at most this long.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::patience)]
    timeout: Duration,
    #[command(flatten)]
    location: Location,
}

#[derive(Deserialize)]
struct Health {
    status: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    version: String,
}

impl Ping {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.location.session()?;
        let request = Request::new(Method::GET, "/health").patience(self.timeout);
        let answer = session.client().send(request).await;
        let answer = answer.map_err(|error| session.explain(error))?;
        let address = session.client().address();
        // An answer of 503 has the same form, and says why.
        let Ok(health) = answer.json::<Health>() else {
            return Err(session.explain(ClientError::Refused(Box::new(answer.refusal()))));
        };
        let message = visible(&health.message);
        if answer.status.is_success() && health.status == "pass" {
            output::line(&format!(
                "pass: {message} ({address}, version {})",
                visible(&health.version)
            ))
        } else {
            let text = format!("{address} takes no writes: {message}");
            Err(CliError::Failed(text))
        }
    }
}
