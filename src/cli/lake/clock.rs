//! `tidegate lake trust-clock`.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::which::PATH;
use crate::cli::connection::Connection;
use crate::cli::terminal::visible;
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
The server drops nothing by age while its clock is more than a day ahead of what it expects: \
retention and vacuum wait, and its log warns. The server trusts the clock again after it has \
advanced evenly for an hour. If you have checked the clock, this makes the server trust it now.

Examples:
  tidegate lake trust-clock";

/// Confirm that the server's clock is right after a jump.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct TrustClock {
    #[command(flatten)]
    connection: Connection,
}

#[derive(Deserialize)]
struct Trusted {
    time: String,
}

impl TrustClock {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let path = format!("{PATH}/trust-clock");
        let answer = session.ask(Request::new(Method::POST, path)).await?;
        let Trusted { time } = answer.json().map_err(|error| session.explain(error))?;
        let time = visible(&time);
        output::line(&format!("the server's clock is trusted: it says {time}"))
    }
}
