//! Why a command failed.

use thiserror::Error;

use super::check::CheckFailure;
use super::serve::ServeError;
use super::token::ResetError;
use super::wal::WalCommandError;

/// A command's error.
#[derive(Debug, Error)]
pub enum CliError {
    /// `tidegate serve`.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// `tidegate check`.
    #[error(transparent)]
    Check(#[from] CheckFailure),
    /// `tidegate wal`.
    #[error(transparent)]
    Wal(#[from] WalCommandError),
    /// `tidegate token`.
    #[error(transparent)]
    Token(#[from] ResetError),
}
