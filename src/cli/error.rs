//! Why a command failed, and with which exit code: 0 done, 1 failed, 2 not understood.

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
    /// What was asked for does not make sense.
    #[error("{0}")]
    Usage(String),
    /// The request to a server failed.
    #[error("{error}{advice}")]
    Client {
        /// How.
        error: ClientError,
        /// What to do about it with the flags of this program.
        advice: String,
    },
    /// The token cannot be one.
    #[error("the token {given} {error}")]
    Token {
        /// Where it was given.
        given: String,
        /// What is wrong with it.
        error: TokenError,
    },
    /// A file that was named cannot be used.
    #[error("cannot {operation} {}", .path.display())]
    File {
        /// What was attempted.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody takes the output.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The system refused something else.
    #[error("cannot {operation}")]
    System {
        /// What was attempted.
        operation: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A signal ended the command.
    #[error("interrupted")]
    Interrupted,
    /// Bad news, told whole.
    #[error("{0}")]
    Failed(String),
    /// Not everything was imported.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl CliError {
    /// The exit code that tells it to scripts.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// The line that tells it to people. None if there is nobody to tell: the program that read
    /// the output has ended (`tidegate export … | head`), and knows.
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
