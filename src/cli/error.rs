//! The reasons for which a command fails, and its exit codes: 0 done, 1 failed, 2 not understood.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ServeError;
use super::check::CheckFailure;
use super::import::ImportError;
use super::token::ResetError;
use super::wal::WalCommandError;
use crate::client::{ClientError, TokenError};
use crate::telemetry::causes;

/// A command that failed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The server did not start, or ended.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// `tidegate check`.
    #[error(transparent)]
    Check(#[from] CheckFailure),
    /// `tidegate wal`.
    #[error(transparent)]
    Wal(#[from] WalCommandError),
    /// `tidegate token reset-operator`.
    #[error(transparent)]
    ResetOperator(#[from] ResetError),
    /// The flags or arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// The request to a server failed.
    #[error("{error}{advice}")]
    Client {
        /// The fault.
        error: ClientError,
        /// The remedy, in terms of this program's flags.
        advice: String,
    },
    /// The text that was given is not a token.
    #[error("the token {given} {error}")]
    Token {
        /// The place where it was given.
        given: String,
        /// The fault in it.
        error: TokenError,
    },
    /// A file that was named cannot be used.
    #[error("cannot {operation} {}", .path.display())]
    File {
        /// The operation that was attempted.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Standard output is closed, or its target fails.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The system refused something else.
    #[error("cannot {operation}")]
    System {
        /// The operation that was attempted.
        operation: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A signal ended the command.
    #[error("interrupted")]
    Interrupted,
    /// A failure that the text describes in full.
    #[error("{0}")]
    Failed(String),
    /// Not everything was imported.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl CliError {
    /// The exit code, for scripts.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// The line for people. None if nobody needs it: the program that read the output has ended
    /// (`tidegate export … | head`).
    pub fn line(&self) -> Option<String> {
        match self {
            Self::Output(error) | Self::Wal(WalCommandError::Output(error))
                if error.kind() == io::ErrorKind::BrokenPipe =>
            {
                None
            }
            error => Some(causes(error)),
        }
    }

    pub(super) fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn system(operation: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { operation, source }
    }
}
