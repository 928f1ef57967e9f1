//! The metrics of queries.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::families::approximate;

/// The buckets of a query: from a last value to a report over years.
const SECONDS: [f64; 14] = [
    1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0,
];

/// The buckets of the memory of a plan: from a few batches to a large join.
const BYTES: [f64; 8] = [
    65_536.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
    268_435_456.0,
    1_073_741_824.0,
    4_294_967_296.0,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    protocol: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Protocol {
    protocol: &'static str,
}

/// What a query that has ended took and gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryCounts {
    /// The time from its start to its end.
    pub lasted: Duration,
    /// Rows of its answer that were taken.
    pub rows: u64,
    /// Their bytes in memory.
    pub bytes: u64,
    /// The most bytes of memory that its plan had at once.
    pub memory_bytes_max: u64,
}

/// Counters and histograms of queries.
#[derive(Debug)]
pub struct QueryMetrics {
    queries: Family<Ended, Counter>,
    seconds: Family<Protocol, Histogram>,
    rows: Family<Protocol, Counter>,
    bytes: Family<Protocol, Counter>,
    memory: Family<Protocol, Histogram>,
}

impl Default for QueryMetrics {
    fn default() -> Self {
        Self {
            queries: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            rows: Family::default(),
            bytes: Family::default(),
            memory: Family::new_with_constructor(|| Histogram::new(BYTES)),
        }
    }
}

impl QueryMetrics {
    /// Counts a query that has ended, by its protocol and its outcome.
    pub fn ended(&self, protocol: &'static str, outcome: &'static str, counts: &QueryCounts) {
        let by_outcome = Ended { protocol, outcome };
        self.queries.get_or_create(&by_outcome).inc();
        let by_protocol = Protocol { protocol };
        self.seconds
            .get_or_create(&by_protocol)
            .observe(counts.lasted.as_secs_f64());
        self.rows.get_or_create(&by_protocol).inc_by(counts.rows);
        self.bytes.get_or_create(&by_protocol).inc_by(counts.bytes);
        self.memory
            .get_or_create(&by_protocol)
            .observe(approximate(counts.memory_bytes_max));
    }

    /// Registers them.
    pub(super) fn register(&self, registry: &mut Registry) {
        let r = registry;
        r.register(
            "queries",
            "Queries that have ended, by protocol and outcome",
            self.queries.clone(),
        );
        r.register(
            "query_duration_seconds",
            "Time from a query's start, its wait for a place included, to its end",
            self.seconds.clone(),
        );
        r.register(
            "query_rows",
            "Rows of answers that were taken",
            self.rows.clone(),
        );
        r.register(
            "query_answer_bytes",
            "Bytes in memory of the rows of answers that were taken",
            self.bytes.clone(),
        );
        r.register(
            "query_memory_bytes",
            "The most bytes of memory that the plan of a query had at once",
            self.memory.clone(),
        );
    }
}
