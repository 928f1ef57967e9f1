//! The reasons for which an import ends before everything is written.

use std::time::Duration;

use thiserror::Error;

/// An import that did not write everything. What it did write has been reported already.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The server rejected lines.
    #[error("{}", rejection(*accepted, *rejected))]
    Rejected {
        /// The number of lines that were written.
        accepted: u64,
        /// The number that it rejected.
        rejected: u64,
    },
    /// Batches were tried again for as long as was asked for.
    #[error("gave up after {}: {error}", humantime::format_duration(Duration::from_secs(.after.as_secs())))]
    GaveUp {
        /// The time for which it was tried.
        after: Duration,
        /// The last error.
        error: String,
    },
    /// The request is refused in a way that a retry does not change.
    #[error("{error}{advice}")]
    Refused {
        /// The refusal.
        error: String,
        /// The remedy.
        advice: &'static str,
    },
    /// An input cannot be read to its end.
    #[error("cannot read {name}{}: {problem}", after(*line))]
    Input {
        /// Its name.
        name: String,
        /// The last line that was read; 0 for none.
        line: u64,
        /// The reason.
        problem: String,
    },
    /// A signal.
    #[error("interrupted before everything was written")]
    Interrupted,
}

fn after(line: u64) -> String {
    match line {
        0 => String::new(),
        line => format!(" after line {line}"),
    }
}

fn rejection(accepted: u64, rejected: u64) -> String {
    match (accepted, rejected) {
        (0, 1) => "the only line was rejected, standard output says why".to_owned(),
        (0, _) => format!(
            "all {rejected} lines were rejected, standard output says why; is it line protocol, \
             and is --precision right?"
        ),
        (_, 1) => "1 line was rejected, standard output names it".to_owned(),
        _ => format!("{rejected} lines were rejected, standard output names them"),
    }
}
