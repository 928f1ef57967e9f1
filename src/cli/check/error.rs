//! The reasons for which a check fails, and its counts.

use std::io;

use thiserror::Error;

use crate::config::ConfigError;
use crate::ingest::CheckError;
use crate::line_protocol::Oddities;

/// A check that found problems, or could not finish.
#[derive(Debug, Error)]
pub enum CheckFailure {
    /// The settings were refused.
    #[error("configuration")]
    Config(#[from] ConfigError),
    /// A file could not be read to its end.
    #[error("cannot read {file}")]
    Input {
        /// Its name, as it was given.
        file: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A file is not line protocol at all.
    #[error("{file}: {source}")]
    Check {
        /// Its name, as it was given.
        file: String,
        /// The fault.
        #[source]
        source: CheckError,
    },
    /// The check itself worked, and found problems.
    #[error("{0}")]
    Problems(Summary),
}

/// The counts over all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files.
    pub files: u64,
    /// Lines that hold a point and would be stored.
    pub accepted: u64,
    /// Lines that would not be stored.
    pub rejected: u64,
    /// Lines that would be stored without their field `time`.
    pub dropped: u64,
    /// Lines that would be stored as written, but are probably mistakes.
    pub oddities: Oddities,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            accepted,
            rejected,
            dropped,
            ..
        } = self;
        write!(
            f,
            "points ok: {accepted}, lines rejected: {rejected}, fields dropped: {dropped}"
        )
    }
}
