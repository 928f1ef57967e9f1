//! Answers that the server breaks off.

use crate::cli::CliError;
use crate::cli::connection::Session;
use crate::client::ClientError;

/// An answer that has begun can only be broken off: the reason is told elsewhere.
pub(super) fn cut(session: &Session, error: ClientError) -> CliError {
    let is_cut = matches!(error, ClientError::Broken { .. });
    match session.explain(error) {
        CliError::Client { error, mut advice } if is_cut => {
            advice.push_str(
                "; the answer is not whole: if the server broke it off, its log says why",
            );
            CliError::Client { error, advice }
        }
        error => error,
    }
}
