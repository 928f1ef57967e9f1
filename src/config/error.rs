//! The errors of settings, in words that say what to change.

use std::path::PathBuf;

use thiserror::Error;

use super::token::TokenProblem;

/// The reason for which the settings were refused. The server does not start.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{origin}, line {line}: {message}")]
    Syntax {
        /// The file, as a phrase.
        origin: String,
        /// The line, from 1.
        line: usize,
        /// The TOML reader's message.
        message: String,
    },
    /// There is no such key.
    #[error("unknown key {key} in {origin}: {hint}")]
    UnknownKey {
        /// The key's full name.
        key: String,
        /// The place where it was found.
        origin: String,
        /// The key that was probably meant, or those that exist.
        hint: String,
    },
    /// There is no such environment variable.
    #[error("unknown environment variable {name}: {hint}")]
    UnknownVariable {
        /// The variable's name.
        name: String,
        /// The variable that was probably meant, or those that exist.
        hint: String,
    },
    /// An environment variable is not UTF-8.
    #[error("the environment variable {name} is not valid UTF-8")]
    NotText {
        /// The variable's name.
        name: String,
    },
    /// A value is of the wrong type or out of range.
    #[error("{key} = {found} (from {origin}) is not allowed: expected {allowed}")]
    Value {
        /// The key's full name.
        key: String,
        /// The value as it was given.
        found: String,
        /// The place it came from: a file, a variable, a flag.
        origin: String,
        /// The values that are allowed.
        allowed: String,
    },
    /// Two values do not fit each other.
    #[error("{key} = {found} is not allowed: it must be {rule}")]
    Conflict {
        /// The key's full name.
        key: &'static str,
        /// Its value.
        found: u64,
        /// The rule that relates it to the other one, with that one's name and value.
        rule: String,
    },
    /// Only one of two values is set that make sense only together.
    #[error(
        "{key} = {found:?} is set, but {missing} is not: set both for HTTPS, or neither for plain HTTP"
    )]
    Alone {
        /// The key that is set.
        key: &'static str,
        /// Its value.
        found: PathBuf,
        /// The key that is not.
        missing: &'static str,
    },
    /// The first start's token is unusable.
    #[error("the environment variable TIDEGATE_INIT_TOKEN is unusable: {0}")]
    Token(TokenProblem),
}
