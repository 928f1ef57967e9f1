//! `tidegate bucket delete`: asks first, for there is no way back.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use http::Method;

use super::path_of;
use crate::cli::connection::Connection;
use crate::cli::output::visible;
use crate::cli::{CliError, output};
use crate::client::Request;

const HELP: &str = "\
On a terminal it asks first; elsewhere it wants --yes.

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
        if !self.yes && !is_confirmed(&format!("Delete bucket \"{name}\" with everything in it?"))?
        {
            return Err(CliError::Failed("nothing was deleted".to_owned()));
        }
        session
            .ask(Request::new(Method::DELETE, path_of(&self.name)))
            .await?;
        output::line(&format!("bucket \"{name}\" deleted"))
    }
}

fn is_confirmed(question: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        let text = "this deletes data for good: confirm with --yes, there is no terminal to ask on";
        return Err(CliError::Usage(text.to_owned()));
    }
    let mut answer = String::new();
    let asked = write!(io::stderr().lock(), "{question} [y/N] ")
        .and_then(|()| io::stdin().read_line(&mut answer));
    asked.map_err(CliError::system("ask on the terminal"))?;
    if !answer.ends_with('\n') {
        // The terminal was closed or told of its end: what follows is not part of the question.
        output::remark("");
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
