//! What the program does about each question that has ended: it counts it, and logs it if it was slow.

use std::time::{Duration, Instant};

use tidegate_query::{Record, Watch};

use crate::clock::{self, Clock};
use crate::telemetry::{Metrics, QueryCounts};

/// Counts questions, and logs slow ones.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    /// The time from which on a question is slow; zero if none is.
    pub(super) slow: Duration,
}

impl Watch for Watcher {
    fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    fn instant(&self) -> Instant {
        clock::instant()
    }

    fn ended(&self, record: &Record) {
        let counts = QueryCounts {
            lasted: record.lasted,
            rows: record.rows,
            bytes: record.bytes,
            memory_bytes_max: record.memory_bytes_max,
        };
        let (protocol, outcome) = (record.asker.protocol, record.outcome.as_str());
        self.metrics.queries().ended(protocol, outcome, &counts);
        if !self.slow.is_zero() && record.lasted >= self.slow {
            log(record);
        }
    }
}

/// Logs a slow question. Its text has no literals: they may be secrets.
fn log(record: &Record) {
    tracing::warn!(
        protocol = record.asker.protocol,
        outcome = record.outcome.as_str(),
        bucket = record.asker.bucket,
        token = record.asker.token.as_deref().map(display),
        seconds = record.lasted.as_secs_f64(),
        waiting_seconds = record.waited.as_secs_f64(),
        planning_seconds = record.planned.as_secs_f64(),
        rows = record.rows,
        bytes = record.bytes,
        memory_bytes_max = record.memory_bytes_max,
        files_read = record.files_read,
        files_pruned = record.files_pruned,
        text = record.masked,
        "a query was slow (query.slow_ms)"
    );
}
