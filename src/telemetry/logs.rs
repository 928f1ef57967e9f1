//! Log lines, on standard error: for people or, as JSON, for machines. The code that logs is
//! responsible for what it writes: never a token, a body, or a query string with credentials.
//!
//! A plain level applies to our own lines. Lines of libraries are written from warnings on: at info
//! they say how the library works, not what the server does. The libraries of the tables write
//! nothing: we log the errors that they return. Directives per module override all of this.

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::Layer;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
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
        /// The level as it was given.
        level: String,
        /// The error of the filter.
        #[source]
        source: ParseError,
    },
    /// Logs were set up before, in this process.
    #[error("logs are set up already")]
    Twice(#[from] TryInitError),
}

/// Sends the process's log lines to standard error from now on. Works once per process.
pub fn init_logs(log: &Log) -> Result<(), LogError> {
    let targets: Targets = log.level.parse().map_err(|source| LogError::Level {
        level: log.level.clone(),
        source,
    })?;
    let targets = quiet_libraries(targets);
    let to_stderr = layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => to_stderr
            .with_ansi(log.colors && std::io::stderr().is_terminal())
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

/// Limits the lines of libraries to warnings unless a directive names them; ours stay as they are.
fn quiet_libraries(targets: Targets) -> Targets {
    let Some(level) = targets.default_level() else {
        return targets;
    };
    let own = targets.iter().any(|(target, _)| target == OWN);
    let named: Vec<String> = targets
        .iter()
        .map(|(target, _)| target.to_owned())
        .collect();
    let mut quiet = targets.with_default(level.min(LevelFilter::WARN));
    if !own {
        quiet = quiet.with_target(OWN, level);
    }
    for library in REPORTED {
        if !named.iter().any(|target| target.starts_with(library)) {
            quiet = quiet.with_target(*library, LevelFilter::OFF);
        }
    }
    quiet
}

/// The libraries whose errors we report ourselves, with what they mean and what to do. They would
/// log each of them again, with traces, and they warn about what is normal with several writers of
/// a table.
const REPORTED: &[&str] = &["deltalake_core", "buoyant_kernel"];

/// The target of our lines: the crate, library and program.
const OWN: &str = "tidegate";

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::Targets;

    use super::quiet_libraries;

    #[test]
    fn a_library_that_is_named_speaks_as_it_is_told_to() {
        let targets = |text: &str| text.parse::<Targets>().expect("directives");
        assert_eq!(
            quiet_libraries(targets("info,deltalake_core=warn")),
            targets("deltalake_core=warn,tidegate=info,warn,buoyant_kernel=off")
        );
    }

    #[test]
    fn libraries_speak_from_warnings_on_unless_they_are_named() {
        for (level, told) in [
            ("info", "tidegate=info,warn"),
            ("debug", "tidegate=debug,warn"),
            ("error", "tidegate=error,error"),
            ("off", "tidegate=off,off"),
            ("tidegate=debug", "tidegate=debug"),
            ("info,h2=trace", "h2=trace,tidegate=info,warn"),
            ("info,tidegate=trace", "tidegate=trace,warn"),
            (
                "tidegate::wal=trace,info",
                "tidegate::wal=trace,tidegate=info,warn",
            ),
        ] {
            let targets = |text: &str| text.parse::<Targets>().expect("directives");
            let told = match level {
                "tidegate=debug" => told.to_owned(),
                _ => format!("{told},deltalake_core=off,buoyant_kernel=off"),
            };
            assert_eq!(quiet_libraries(targets(level)), targets(&told), "{level}");
        }
    }
}
