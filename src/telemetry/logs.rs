//! Log lines, on standard error: for people or, as JSON, for machines. What may be written is up
//! to whoever writes (style rule 8): never a token, a body, or a query string with credentials.

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

/// Logs could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// The level does not read as directives.
    #[error("log.level = {level:?} is not understood")]
    Level {
        /// What was given.
        level: String,
        /// What the filter said.
        #[source]
        source: ParseError,
    },
    /// Logs were set up before, in this process.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
}

/// Sends the process's log lines to standard error from now on. Once a process.
pub fn init_logs(log: &Log) -> Result<(), LogError> {
    let targets: Targets = log.level.parse().map_err(|source| LogError::Level {
        level: log.level.clone(),
        source,
    })?;
    let to_stderr = layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => to_stderr
            .with_ansi(std::io::stderr().is_terminal())
            .with_filter(targets)
            .boxed(),
        LogFormat::Json => to_stderr
            .json()
            .flatten_event(true)
            .with_filter(targets)
            .boxed(),
    };
    tracing_subscriber::registry().with(lines).try_init()?;
    Ok(())
}
