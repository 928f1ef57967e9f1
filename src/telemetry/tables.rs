//! The metrics of the open tables.

use std::ops::AddAssign;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::families::Reason;

/// The buckets of a flush: from a few rows on a local disk to a full table on a slow object store.
const FLUSH_SECONDS: [f64; 11] = [
    5e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0,
];

/// The counts of a successful flush.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlushCounts {
    /// Files written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows taken out of memory.
    pub rows: u64,
    /// The rows among them that a later row had overwritten.
    pub merged: u64,
}

/// The counts of other work on the tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpkeepCounts {
    /// Files that were removed.
    pub files_removed: u64,
    /// Files that were added.
    pub files_added: u64,
    /// Bytes that were written.
    pub bytes_added: u64,
}

impl AddAssign for FlushCounts {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.bytes += more.bytes;
        self.rows += more.rows;
        self.merged += more.merged;
    }
}

impl AddAssign for UpkeepCounts {
    fn add_assign(&mut self, more: Self) {
        self.files_removed += more.files_removed;
        self.files_added += more.files_added;
        self.bytes_added += more.bytes_added;
    }
}

/// Counters and histograms of the tables.
#[derive(Debug)]
pub struct TableMetrics {
    flushes: Family<Reason, Counter>,
    failures: Counter,
    again_bytes: Counter,
    files: Counter,
    bytes: Counter,
    rows: Counter,
    merged: Counter,
    seconds: Histogram,
    upkeep: Family<Reason, Counter>,
    upkeep_failures: Family<Reason, Counter>,
    upkeep_files_removed: Family<Reason, Counter>,
    upkeep_files_added: Family<Reason, Counter>,
    upkeep_bytes: Family<Reason, Counter>,
}

impl Default for TableMetrics {
    fn default() -> Self {
        Self {
            flushes: Family::default(),
            failures: Counter::default(),
            again_bytes: Counter::default(),
            files: Counter::default(),
            bytes: Counter::default(),
            rows: Counter::default(),
            merged: Counter::default(),
            seconds: Histogram::new(FLUSH_SECONDS),
            upkeep: Family::default(),
            upkeep_failures: Family::default(),
            upkeep_files_removed: Family::default(),
            upkeep_files_added: Family::default(),
            upkeep_bytes: Family::default(),
        }
    }
}

impl TableMetrics {
    /// Counts a flush, by its reason: `size`, `age`, `memory`, `log`, `stop`, `asked`.
    pub fn flushed(&self, reason: &'static str, counts: FlushCounts, seconds: f64) {
        self.flushes.get_or_create(&Reason { reason }).inc();
        self.files.inc_by(counts.files);
        self.bytes.inc_by(counts.bytes);
        self.rows.inc_by(counts.rows);
        self.merged.inc_by(counts.merged);
        self.seconds.observe(seconds);
    }

    /// Counts a flush that failed and is tried again.
    pub fn flush_failed(&self) {
        self.failures.inc();
    }

    /// Counts the bytes of the log that were written again for a table that cannot be flushed.
    pub fn logged_again(&self, bytes: u64) {
        self.again_bytes.inc_by(bytes);
    }

    /// Counts other work that succeeded: `compact`, `retention`, `checkpoint`, `vacuum`.
    pub fn upkeep(&self, reason: &'static str, counts: UpkeepCounts) {
        let reason = Reason { reason };
        self.upkeep.get_or_create(&reason).inc();
        self.upkeep_files_removed
            .get_or_create(&reason)
            .inc_by(counts.files_removed);
        self.upkeep_files_added
            .get_or_create(&reason)
            .inc_by(counts.files_added);
        self.upkeep_bytes
            .get_or_create(&reason)
            .inc_by(counts.bytes_added);
    }

    /// Counts other work that failed.
    pub fn upkeep_failed(&self, reason: &'static str) {
        self.upkeep_failures.get_or_create(&Reason { reason }).inc();
    }

    /// Registers them in a registry whose prefix is `tidegate`.
    pub(super) fn register(&self, registry: &mut Registry) {
        let r = &mut *registry;
        r.register("flushes", "Tables flushed, by reason", self.flushes.clone());
        r.register(
            "flush_failures",
            "Flushes that failed and are tried again",
            self.failures.clone(),
        );
        r.register(
            "wal_again_bytes",
            "Bytes of the log that were written again for tables that cannot be flushed",
            self.again_bytes.clone(),
        );
        r.register(
            "flush_files",
            "Files that flushes wrote",
            self.files.clone(),
        );
        r.register(
            "flush_bytes",
            "Bytes that flushes wrote",
            self.bytes.clone(),
        );
        r.register(
            "flush_rows",
            "Rows that flushes took out of memory",
            self.rows.clone(),
        );
        r.register(
            "flush_rows_merged",
            "Rows that a later one had overwritten before they were flushed",
            self.merged.clone(),
        );
        r.register(
            "flush_duration_seconds",
            "Time to flush one table",
            self.seconds.clone(),
        );
        self.register_upkeep(registry);
    }

    fn register_upkeep(&self, registry: &mut Registry) {
        let r = &mut *registry;
        r.register(
            "upkeep",
            "Compactions, retentions, checkpoints and vacuums of a table",
            self.upkeep.clone(),
        );
        r.register(
            "upkeep_failures",
            "Of them, those that failed",
            self.upkeep_failures.clone(),
        );
        r.register(
            "upkeep_files_removed",
            "Files that upkeep took out of the tables or deleted",
            self.upkeep_files_removed.clone(),
        );
        r.register(
            "upkeep_files_added",
            "Files that upkeep wrote",
            self.upkeep_files_added.clone(),
        );
        r.register(
            "upkeep_bytes",
            "Bytes that upkeep wrote",
            self.upkeep_bytes.clone(),
        );
    }
}
