//! `tidegate token revoke`.

use clap::Args;
use http::Method;

use super::entry::{Entry, PATH, Tokens};
use crate::cli::confirmation::is_confirmed;
use crate::cli::connection::{Connection, Session};
use crate::cli::terminal::visible;
use crate::cli::{CliError, output};
use crate::client::{Request, path_segment};

const HELP: &str = "\
A revoked token is refused from the next request on. The last operator token that does not expire \
cannot be revoked.

The command asks before it revokes the token that it uses itself; without a terminal it requires \
--yes.

Examples:
  tidegate token revoke 2";

/// Revoke a token for good.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Revoke {
    /// Its number in `tidegate token list`.
    id: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Revoke {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let id = visible(&self.id);
        let is_own = self.is_own(&session).await?;
        if is_own && !self.yes {
            let question = format!(
                "Token {id} is the one that this command uses: afterwards you need another one. \
                 Revoke it?"
            );
            let danger = format!("token {id} is the one that this command uses");
            if !is_confirmed(&question, &danger)? {
                return Err(CliError::Failed("nothing was revoked".to_owned()));
            }
        }
        let path = format!("{PATH}/{}", path_segment(&self.id));
        session.ask(Request::new(Method::DELETE, path)).await?;
        output::line(&format!("token {id} revoked"))?;
        if is_own {
            output::remark("It was the one of this command: the next one needs another token.");
        }
        Ok(())
    }

    async fn is_own(&self, session: &Session) -> Result<bool, CliError> {
        let answer = session.ask(Request::new(Method::GET, PATH)).await?;
        let list: Tokens = answer.json().map_err(|error| session.explain(error))?;
        let is_it = |token: &Entry| token.in_use && number(&token.id) == number(&self.id);
        Ok(list.tokens.iter().any(is_it))
    }
}

/// The number that a server reads: `02` is 2.
fn number(id: &str) -> Option<u64> {
    id.parse().ok()
}
