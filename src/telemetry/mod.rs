//! The server's reports about itself: log lines on standard error, and numbers for `/metrics`.
//!
//! [`Metrics`] is the one facade that the other modules see; the names, help texts and buckets are
//! in `families` and `gauges`, each a readable table. Counters and histograms are updated where
//! things happen; values that can be looked up (memory, buffer, log) are [`Gauges`], filled in when
//! a scrape is answered. No label ever holds text that a client chose: routes, codes and reasons
//! are `&'static str`, so the number of time series is bounded.

mod causes;
mod families;
mod gauges;
mod logs;
mod metrics;
mod process;
mod queries;
mod quiet;
mod tables;
mod text;
mod version;

#[cfg(test)]
mod tests;

pub use causes::causes;
pub use gauges::Gauges;
pub use logs::{LogError, init_logs};
pub use metrics::Metrics;
pub use queries::{QueryCounts, QueryMetrics};
pub use quiet::Quiet;
pub use tables::{FlushCounts, TableMetrics, UpkeepCounts};
pub use text::Exposition;
pub use version::{COMMIT, VERSION};
