//! What the server tells about itself: log lines on standard error, and numbers for `/metrics`.
//!
//! [`Metrics`] is the one facade that the other modules see; the names, help texts and buckets
//! stand in `families` and `gauges`, each a table to read. Counters and histograms are written
//! where things happen; what can be looked up (memory, buffer, log) is a [`Gauges`] that whoever
//! answers a scrape fills in. No label ever holds what a client chose: routes, codes and reasons
//! are `&'static str`, so that the number of time series is bounded.

mod causes;
mod families;
mod gauges;
mod logs;
mod metrics;
mod process;
mod quiet;
mod tables;
mod text;

#[cfg(test)]
mod tests;

pub use causes::causes;
pub use gauges::Gauges;
pub use logs::{LogError, init_logs};
pub use metrics::Metrics;
pub use quiet::Quiet;
pub use tables::{FlushCounts, TableMetrics, UpkeepCounts};
pub use text::Exposition;

/// The program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from, if the build was told.
pub const COMMIT: &str = match option_env!("TIDEGATE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
