//! `tidegate bucket delete`: asks first, because there is no way back.

use clap::Args;
use http::Method;

use super::entry::path_of;
use crate::cli::confirmation::is_confirmed;
use crate::cli::connection::Connection;
use crate::cli::terminal::visible;
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
On a terminal it asks first; elsewhere it requires --yes.

Examples:
  tidegate bucket delete old --yes";

/// Delete a bucket with everything in it.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Delete {
    /// Its name.
    name: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Delete {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let name = visible(&self.name);
        let question = format!("Delete bucket \"{name}\" with everything in it?");
        if !self.yes && !is_confirmed(&question, "this deletes data for good")? {
            return Err(CliError::Failed("nothing was deleted".to_owned()));
        }
        session
            .ask(Request::new(Method::DELETE, path_of(&self.name)))
            .await?;
        output::line(&format!("bucket \"{name}\" deleted"))
    }
}
