//! `tidegate token revoke`.

use clap::Args;
use http::Method;

use super::PATH;
use crate::cli::connection::Connection;
use crate::cli::output::visible;
use crate::cli::{CliError, output};
use crate::client::{Request, path_segment};

const HELP: &str = "\
It is in force for the next request. The last operator token that does not expire cannot be \
revoked.

Examples:
  tidegate token revoke 2";

/// Revoke a token for good.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Revoke {
    /// Its number in `tidegate token list`.
    id: String,
    #[command(flatten)]
    connection: Connection,
}

impl Revoke {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let path = format!("{PATH}/{}", path_segment(&self.id));
        session.ask(Request::new(Method::DELETE, path)).await?;
        output::line(&format!("token {} revoked", visible(&self.id)))
    }
}
