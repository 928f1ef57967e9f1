//! The facade over the metrics library.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::families::{Code, Families, Reason, Request, Route, approximate};
use super::gauges::{Gauges, Registered};
use super::process::Process;
use super::queries::QueryMetrics;
use super::tables::TableMetrics;
use super::text::{Exposition, to_prometheus};
use crate::clock::Clock;

/// Counters and histograms of one server; clones share them. Seconds are [`f64`]s as
/// `Duration::as_secs_f64` gives them.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    families: Families,
    tables: TableMetrics,
    queries: QueryMetrics,
    gauges: Registered,
    process: Process,
}

impl Metrics {
    /// Makes all of them, at zero, with now as the start of the process.
    pub fn new(clock: &Clock) -> Self {
        let (families, gauges) = (Families::new(), Registered::default());
        let process = Process::default();
        let mut registry = Registry::default();
        process.register(&mut registry, clock.now_ns());
        let ours = registry.sub_registry_with_prefix("tidegate");
        let (tables, queries) = (TableMetrics::default(), QueryMetrics::default());
        families.register(ours);
        tables.register(ours);
        queries.register(ours);
        gauges.register(ours);
        Self {
            shared: Arc::new(Shared {
                registry,
                families,
                tables,
                queries,
                gauges,
                process,
            }),
        }
    }

    /// Counts a request that was answered. `route` is the route's pattern, never the requested
    /// path.
    pub fn request(&self, route: &'static str, status: u16, seconds: f64) {
        self.families()
            .requests
            .get_or_create(&Request { route, status })
            .inc();
        self.families()
            .request_seconds
            .get_or_create(&Route { route })
            .observe(seconds);
    }

    /// Counts a request or connection that was refused early: `overload`, `rate`, `size`, `auth`,
    /// ...
    pub fn refused(&self, reason: &'static str) {
        self.families()
            .refused
            .get_or_create(&Reason { reason })
            .inc();
    }

    /// Counts lines that are well-formed but probably not meant as written.
    pub fn lines_odd(&self, in_january_1970: u64, commented_out: u64) {
        self.families()
            .lines_in_january_1970
            .inc_by(in_january_1970);
        self.families().lines_commented_out.inc_by(commented_out);
    }

    /// Counts lines that were acknowledged as written.
    pub fn lines_accepted(&self, lines: u64) {
        self.families().lines_accepted.inc_by(lines);
    }

    /// The number of lines that were acknowledged as written since the start.
    pub fn lines_accepted_so_far(&self) -> u64 {
        self.families().lines_accepted.get()
    }

    /// Counts lines that were rejected with this error code (contract section 1.3).
    pub fn lines_rejected(&self, code: &'static str, lines: u64) {
        self.families()
            .lines_rejected
            .get_or_create(&Code { code })
            .inc_by(lines);
    }

    /// Counts a write's body: `wire` bytes as sent, `decoded` bytes after decompression.
    pub fn body_bytes(&self, wire: u64, decoded: u64) {
        self.families().body_wire_bytes.inc_by(wire);
        self.families().body_decoded_bytes.inc_by(decoded);
    }

    /// Records the time to parse a slice of line protocol.
    pub fn parse_seconds(&self, seconds: f64) {
        self.families().parse_seconds.observe(seconds);
    }

    /// Records the time of a sync of the log.
    pub fn sync_seconds(&self, seconds: f64) {
        self.families().sync_seconds.observe(seconds);
    }

    /// Records how much one sync made durable.
    pub fn group(&self, frames: u64, bytes: u64) {
        self.families().group_frames.observe(approximate(frames));
        self.families().group_bytes.observe(approximate(bytes));
    }

    /// Records the time from the last byte of a write's body to its acknowledgement.
    pub fn ack_seconds(&self, seconds: f64) {
        self.families().ack_seconds.observe(seconds);
    }

    /// Counts a connection that was accepted.
    pub fn connections_opened(&self) {
        self.families().connections_opened.inc();
    }

    /// Counts a connection that was closed.
    pub fn connections_closed(&self) {
        self.families().connections_closed.inc();
    }

    /// The metrics of the open tables.
    pub fn tables(&self) -> &TableMetrics {
        &self.shared.tables
    }

    /// The metrics of queries.
    pub fn queries(&self) -> &QueryMetrics {
        &self.shared.queries
    }

    /// The number of connections that are open now.
    pub fn connections(&self) -> u64 {
        let families = self.families();
        families
            .connections_opened
            .get()
            .saturating_sub(families.connections_closed.get())
    }

    /// Encodes everything as text. The number of connections is known here and overrides the
    /// snapshot's.
    pub fn encode(&self, gauges: &Gauges, exposition: Exposition) -> String {
        let shared = &self.shared;
        shared.gauges.set(&Gauges {
            connections: self.connections(),
            ..*gauges
        });
        shared.process.refresh();
        let mut out = String::new();
        // Writing to a string cannot fail.
        if encode(&mut out, &shared.registry).is_err() {
            out.clear();
        }
        match exposition {
            Exposition::OpenMetrics => out,
            Exposition::Prometheus => to_prometheus(&out),
        }
    }

    fn families(&self) -> &Families {
        &self.shared.families
    }
}
