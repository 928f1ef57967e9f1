//! The sections, one struct each. The meaning of a key, its unit, its range and reasons to change
//! it are in `config/default.toml`; the ranges here are enforced. Keys in milliseconds become
//! [`Duration`]s and lose the `_ms`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::values::{
    bounded, bounded_or_zero, data_dir, host_names, level, listen, millis, optional_file, origins,
    path_prefix,
};
use crate::memory::Marks;

const HOUR_MS: u64 = 3_600_000;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// True if every request may do everything.
    pub without_auth: bool,
    /// True if an empty `org=` is accepted.
    pub allow_empty_org: bool,
    /// True if a write creates the bucket that it names.
    pub auto_create_buckets: bool,
    /// The path in front of every route: empty, or `/…` without a slash at the end.
    #[serde(deserialize_with = "path_prefix")]
    pub path_prefix: String,
    /// The origins as they were written; [`Server::cors`] interprets them.
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<String>,
    /// The hosts, in lower case, that a request may name if authentication is off.
    #[serde(deserialize_with = "host_names")]
    pub allowed_hosts: Vec<String>,
    /// True if `/metrics` requires a token.
    pub metrics_require_auth: bool,
    /// The time of a stop, which waits for requests in flight, then flushes as far as time allows.
    #[serde(
        rename = "shutdown_grace_ms",
        deserialize_with = "millis::<0, 600_000, _>"
    )]
    pub shutdown_grace: Duration,
}

/// The origins whose scripts may send requests from a browser (contract section 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors<'a> {
    /// Every origin: `Access-Control-Allow-Origin: *`.
    Any,
    /// These, perhaps none.
    Listed(&'a [String]),
}

impl Server {
    /// The origins that may send requests, with `auto` resolved: all with authentication on, none
    /// with it off.
    pub fn cors(&self) -> Cors<'_> {
        match self.cors_origins.as_slice() {
            [only] if only == "auto" && self.without_auth => Cors::Listed(&[]),
            [only] if only == "auto" => Cors::Any,
            listed if listed.iter().any(|origin| origin == "*") => Cors::Any,
            listed => Cors::Listed(listed),
        }
    }
}

/// `[tls]`: both or neither are set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and its chain, in PEM.
    #[serde(deserialize_with = "optional_file")]
    pub cert_file: Option<PathBuf>,
    /// Its private key, in PEM.
    #[serde(deserialize_with = "optional_file")]
    pub key_file: Option<PathBuf>,
}

/// `[connection]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The time in which a request head must arrive.
    #[serde(
        rename = "head_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub head_timeout: Duration,
    /// The time without a byte after which a body is cut off.
    #[serde(
        rename = "body_idle_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub body_idle_timeout: Duration,
    /// The bytes per second at which a body must arrive; 0 for no such rule.
    #[serde(deserialize_with = "bounded::<0, GIB, _, _>")]
    pub body_rate_bytes_min: u64,
    /// The time over which that rate is measured.
    #[serde(
        rename = "body_rate_window_ms",
        deserialize_with = "millis::<1000, HOUR_MS, _>"
    )]
    pub body_rate_window: Duration,
    /// The time after which an idle connection is closed.
    #[serde(
        rename = "keep_alive_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub keep_alive_timeout: Duration,
    /// The most connections open at once, already within the limit on open files.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub connections_max: usize,
    /// The share of the limit on open files that connections may take.
    #[serde(deserialize_with = "bounded::<1, 95, _, _>")]
    pub descriptors_percent: u64,
    /// The most header lines of a request.
    #[serde(deserialize_with = "bounded::<8, 1000, _, _>")]
    pub headers_max: usize,
    /// The most bytes of a request's head.
    #[serde(deserialize_with = "bounded::<8192, MIB, _, _>")]
    pub head_bytes_max: usize,
    /// The most streams at once on one HTTP/2 connection.
    #[serde(deserialize_with = "bounded::<1, 10_000, _, _>")]
    pub http2_streams_max: u32,
    /// The most requests per second of one token; 0 for no such rule.
    #[serde(deserialize_with = "bounded::<0, 1_000_000, _, _>")]
    pub token_requests_per_second: u32,
}

/// `[storage]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// The data folder.
    #[serde(deserialize_with = "data_dir")]
    pub data_dir: PathBuf,
}

/// `[memory]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// The whole budget; after loading never 0.
    #[serde(deserialize_with = "bounded_or_zero::<MIB, { 1 << 50 }, _>")]
    pub budget_bytes: u64,
    /// The percentage of the budget from which acknowledgements slow down.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub soft_percent: u64,
    /// The percentage of the budget past which requests get 503.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub hard_percent: u64,
    /// The percentage that one bucket may hold.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub bucket_percent: u64,
    /// The time that a request waits for memory.
    #[serde(rename = "wait_ms_max", deserialize_with = "millis::<0, 60_000, _>")]
    pub wait_max: Duration,
}

impl Memory {
    /// The marks of the process's [`crate::memory::Budget`].
    pub fn marks(&self) -> Marks {
        Marks {
            budget_bytes: self.budget_bytes,
            soft_bytes: self.share(self.soft_percent),
            hard_bytes: self.share(self.hard_percent),
        }
    }

    /// The most bytes that one bucket may hold.
    pub fn bucket_bytes_max(&self) -> u64 {
        self.share(self.bucket_percent)
    }

    /// The most bytes that the names of all buckets' measurements, tags and fields may take.
    pub fn schemas_bytes_max(&self) -> u64 {
        self.budget_bytes / 2
    }

    fn share(&self, percent: u64) -> u64 {
        self.budget_bytes.saturating_mul(percent) / 100
    }
}

/// `[types]`: contract section 5.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Types {
    /// True if an integer for a float field is stored as a float of that value.
    pub integer_into_float: bool,
}

/// `[limits]`: contract section 6. Every error text about one of them names its key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most bytes of a body as sent.
    #[serde(deserialize_with = "bounded::<KIB, { 16 * GIB }, _, _>")]
    pub wire_bytes_max: u64,
    /// The most bytes of a body after decompression.
    #[serde(deserialize_with = "bounded::<KIB, { 16 * GIB }, _, _>")]
    pub decoded_bytes_max: u64,
    /// The most bytes of one point of line protocol.
    #[serde(deserialize_with = "bounded::<64, { 8 * MIB }, _, _>")]
    pub point_bytes_max: usize,
    /// The most bytes of one string field.
    #[serde(deserialize_with = "bounded::<1, { 8 * MIB }, _, _>")]
    pub string_bytes_max: usize,
    /// The most bytes of a measurement, tag key or field key.
    #[serde(deserialize_with = "bounded::<1, { 16 * MIB }, _, _>")]
    pub name_bytes_max: usize,
    /// The most bytes of a tag value.
    #[serde(deserialize_with = "bounded::<1, { 16 * MIB }, _, _>")]
    pub tag_value_bytes_max: usize,
    /// The most tags and fields of one measurement.
    #[serde(deserialize_with = "bounded::<2, 100_000, _, _>")]
    pub columns_max: usize,
    /// The most measurements of one bucket.
    #[serde(deserialize_with = "bounded::<1, 10_000_000, _, _>")]
    pub tables_max: usize,
    /// The most series of one bucket in memory at once.
    #[serde(deserialize_with = "bounded::<1, 1_000_000_000, _, _>")]
    pub series_max: usize,
    /// The most bytes of memory for the names of one bucket's measurements, tags and fields; 0 for
    /// half of what the bucket may hold.
    #[serde(deserialize_with = "bounded_or_zero::<KIB, { 1 << 50 }, _>")]
    pub schema_bytes_max: u64,
    /// The most buckets.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub buckets_max: usize,
    /// The most tokens, including expired ones.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub tokens_max: usize,
}

/// `[wal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wal {
    /// The most bytes of one file of the log.
    #[serde(deserialize_with = "bounded::<65_536, { 2 * GIB }, _, _>")]
    pub segment_bytes_max: u64,
    /// The bytes of the whole log from which writes are refused.
    #[serde(deserialize_with = "bounded::<{ 64 * MIB }, { 1 << 40 }, _, _>")]
    pub log_bytes_max: u64,
    /// The most bytes that are written and synced at once.
    #[serde(deserialize_with = "bounded::<65_536, GIB, _, _>")]
    pub group_bytes_max: usize,
    /// The bytes of line protocol that become one frame.
    #[serde(deserialize_with = "bounded::<4096, { 4 * MIB }, _, _>")]
    pub slice_bytes_max: usize,
}

/// `[buffer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// The bytes at which a table's active segment is frozen.
    #[serde(deserialize_with = "bounded::<65_536, { 16 * GIB }, _, _>")]
    pub segment_bytes_max: u64,
}

/// `[lake]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    /// The place of the tables; empty for the data folder.
    pub url: String,
    /// True if other nodes write to the same tables.
    pub shared: bool,
    /// The bytes in memory at which a table is flushed.
    #[serde(deserialize_with = "bounded::<65_536, { 16 * GIB }, _, _>")]
    pub flush_bytes: u64,
    /// The age of the oldest point in memory at which a table is flushed.
    #[serde(
        rename = "flush_age_ms",
        deserialize_with = "millis::<100, { 24 * HOUR_MS }, _>"
    )]
    pub flush_age: Duration,
    /// The most tables flushed at once; 0 for the number of cores.
    #[serde(deserialize_with = "bounded::<0, 1000, _, _>")]
    pub flushes_max: usize,
    /// The most time that a stop flushes, within what `server.shutdown_grace_ms` leaves.
    #[serde(rename = "stop_ms_max", deserialize_with = "millis::<0, HOUR_MS, _>")]
    pub stop_max: Duration,
    /// The time between checks of the tables for compaction and retention; 0 for never.
    #[serde(
        rename = "upkeep_every_ms",
        deserialize_with = "millis::<0, { 24 * HOUR_MS }, _>"
    )]
    pub upkeep_every: Duration,
    /// The number of small files of a day at which they are joined.
    #[serde(deserialize_with = "bounded::<2, 10_000, _, _>")]
    pub compact_files_min: usize,
    /// The bytes of a file that a compaction writes.
    #[serde(deserialize_with = "bounded::<{ 64 * KIB }, { 4 * GIB }, _, _>")]
    pub file_bytes_max: u64,
    /// The age at which files that belong to no table are deleted.
    #[serde(
        rename = "vacuum_age_ms",
        deserialize_with = "millis::<0, { 8760 * HOUR_MS }, _>"
    )]
    pub vacuum_age: Duration,
}

/// `[export]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The most exports at once.
    #[serde(deserialize_with = "bounded::<1, 1000, _, _>")]
    pub concurrent_max: usize,
    /// The bytes per second that a reader must take; 0 for no such rule.
    #[serde(deserialize_with = "bounded::<0, GIB, _, _>")]
    pub rate_bytes_min: u64,
}

/// `[query]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The most bytes that all queries together may take of the budget; 0 for half of it.
    #[serde(deserialize_with = "bounded_or_zero::<MIB, { 1 << 50 }, _>")]
    pub memory_bytes_max: u64,
    /// The most queries at once; a further one waits.
    #[serde(deserialize_with = "bounded::<1, 1000, _, _>")]
    pub concurrent_max: usize,
    /// The time that a query waits for its turn and for memory, and again no longer than `timeout`.
    #[serde(
        rename = "wait_timeout_ms",
        deserialize_with = "millis::<0, { HOUR_MS }, _>"
    )]
    pub wait_timeout: Duration,
    /// The time in which a query must be answered to its end; 0 for no such rule.
    #[serde(
        rename = "timeout_ms",
        deserialize_with = "millis::<0, { 24 * HOUR_MS }, _>"
    )]
    pub timeout: Duration,
    /// The time within which shared tables, and their list, are not looked at again for what other
    /// nodes committed.
    #[serde(
        rename = "refresh_ms",
        deserialize_with = "millis::<0, { HOUR_MS }, _>"
    )]
    pub refresh: Duration,
    /// The time from which on a query is logged as slow; 0 for never.
    #[serde(
        rename = "slow_ms",
        deserialize_with = "millis::<0, { 24 * HOUR_MS }, _>"
    )]
    pub slow: Duration,
    /// The folder for what does not fit into their memory, if it is not in the data folder.
    #[serde(deserialize_with = "optional_file")]
    pub spill_dir: Option<PathBuf>,
    /// The threads that work on queries; 0 for the number of cores.
    #[serde(deserialize_with = "bounded::<0, 1000, _, _>")]
    pub threads: usize,
    /// True if pages in browsers may ask over gRPC-Web.
    pub grpc_web: bool,
    /// True if answers over Arrow Flight are compressed for clients that say that they read gzip.
    pub grpc_gzip: bool,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The readers for whom the lines are written.
    pub format: LogFormat,
    /// The lines that are written: directives as `tracing_subscriber::filter::Targets` reads them.
    #[serde(deserialize_with = "level")]
    pub level: String,
    /// True if lines for people may have colours on a terminal: not with `NO_COLOR`, and not on a
    /// terminal without colours. There is no key for it: the user of the terminal decides, for all
    /// programs alike.
    #[serde(skip)]
    pub colors: bool,
}

/// The readers of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object per line.
    Json,
}
