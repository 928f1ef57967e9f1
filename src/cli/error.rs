//! Why a command failed.

use std::io;

use thiserror::Error;

use super::check::CheckFailure;
use super::serve::ServeError;

/// A command's error.
#[derive(Debug, Error)]
pub enum CliError {
    /// `tidegate serve`.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// `tidegate check`.
    #[error(transparent)]
    Check(#[from] CheckFailure),
    /// Nobody takes what a command has to say.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}
