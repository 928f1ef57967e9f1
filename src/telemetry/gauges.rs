//! Gauges: values that are looked up when `/metrics` is requested. One table holds field, name and
//! help text.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

type Number = Gauge<u64, AtomicU64>;

/// Generates from the fields, their names and help texts the public snapshot, the registered
/// gauges, and the copying from one to the other, which therefore cannot forget a field.
macro_rules! gauges {
    ($($field:ident: $help:literal,)+) => {
        /// A snapshot of what the server holds, taken when a scrape is answered. The metric's name
        /// is `tidegate_` and the field's name.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Gauges {
            $(#[doc = concat!($help, ".")] pub $field: u64,)+
        }

        /// The gauges in the registry.
        #[derive(Debug, Default)]
        pub(super) struct Registered {
            $($field: Number,)+
        }

        impl Registered {
            /// Registers them.
            pub(super) fn register(&self, registry: &mut Registry) {
                $(registry.register(stringify!($field), $help, self.$field.clone());)+
            }

            /// Copies a snapshot.
            pub(super) fn set(&self, gauges: &Gauges) {
                $(self.$field.set(gauges.$field);)+
            }
        }
    };
}

gauges! {
    ready: "1 once the log is replayed and requests are served, else 0",
    healthy: "1 while writes are accepted, 0 while the log or the disk refuses them",
    connections: "Connections open now",
    connections_max: "Connections that may be open at once",
    memory_used_bytes: "Bytes of the memory budget in use",
    memory_soft_bytes: "Bytes of the memory budget from which acknowledgements slow down",
    memory_hard_bytes: "Bytes of the memory budget past which writes are refused",
    memory_budget_bytes: "Bytes of the memory budget",
    buckets: "Buckets",
    buckets_max: "Buckets that there may be",
    buffer_tables: "Tables with points in memory",
    buffer_series: "Series with points in memory",
    buffer_rows: "Rows in memory",
    buffer_segments: "Frozen segments in memory",
    buffer_active_bytes: "Bytes of segments that are being written",
    buffer_frozen_bytes: "Bytes of frozen segments",
    bucket_bytes_max: "Bytes of memory that one bucket may fill",
    wal_bytes: "Bytes of the log on disk",
    wal_bytes_max: "Bytes of the log on disk past which writes are refused",
    wal_segments: "Files of the log on disk",
    wal_backlog_bytes: "Bytes queued for the log and not yet durable",
    wal_durable_sequence: "Sequence number of the last durable frame",
    flush_backlog_rows: "Rows in memory that are in no table yet",
    flush_lag_seconds: "Age of the oldest row in memory that is in no table yet",
    exports_running: "Exports under way",
    exports_max: "Exports that may be under way at once",
    queries_running: "Queries under way",
    queries_max: "Queries that may be under way at once",
    queries_waiting: "Queries that wait for their turn",
    query_memory_bytes_max: "Bytes of memory that all queries may have",
    query_memory_used_bytes: "Bytes of memory that the plans of all queries have",
}
