//! The sections, one struct each. What a key means, its unit, its range and why one would change
//! it stands in `config/default.toml`; the ranges here are what is enforced. Keys in milliseconds
//! become [`Duration`]s and lose the `_ms`.

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
    /// Whether every request is allowed everything.
    pub without_auth: bool,
    /// Whether an empty `org=` is accepted.
    pub allow_empty_org: bool,
    /// Whether a write makes the bucket it names.
    pub auto_create_buckets: bool,
    /// Path in front of every route: empty, or `/…` without a slash at the end.
    #[serde(deserialize_with = "path_prefix")]
    pub path_prefix: String,
    /// Origins as they were written; [`Server::cors`] says what they come to.
    #[serde(deserialize_with = "origins")]
    pub cors_origins: Vec<String>,
    /// Hosts, lower case, that may be named in a request when authentication is off.
    #[serde(deserialize_with = "host_names")]
    pub allowed_hosts: Vec<String>,
    /// Whether `/metrics` asks for a token.
    pub metrics_require_auth: bool,
    /// How long a stop takes: it waits for requests in flight, then flushes, as far as time allows.
    #[serde(
        rename = "shutdown_grace_ms",
        deserialize_with = "millis::<0, 600_000, _>"
    )]
    pub shutdown_grace: Duration,
}

/// Whose scripts may call from a browser (contract section 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors<'a> {
    /// Every origin: `Access-Control-Allow-Origin: *`.
    Any,
    /// These, perhaps none.
    Listed(&'a [String]),
}

impl Server {
    /// Which origins may call, with `auto` resolved: all with authentication on, none with it off.
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
    /// The certificate and what leads to its root, in PEM.
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
    /// A request head must have come in this time.
    #[serde(
        rename = "head_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub head_timeout: Duration,
    /// A body of which nothing comes for this long is cut.
    #[serde(
        rename = "body_idle_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub body_idle_timeout: Duration,
    /// Bytes a second that a body must bring; 0 for no such rule.
    #[serde(deserialize_with = "bounded::<0, GIB, _, _>")]
    pub body_rate_bytes_min: u64,
    /// The time over which that rate is measured.
    #[serde(
        rename = "body_rate_window_ms",
        deserialize_with = "millis::<1000, HOUR_MS, _>"
    )]
    pub body_rate_window: Duration,
    /// An idle connection is closed after this.
    #[serde(
        rename = "keep_alive_timeout_ms",
        deserialize_with = "millis::<100, HOUR_MS, _>"
    )]
    pub keep_alive_timeout: Duration,
    /// Connections open at once, already within the limit on open files.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub connections_max: usize,
    /// The share of the limit on open files that connections may take.
    #[serde(deserialize_with = "bounded::<1, 95, _, _>")]
    pub descriptors_percent: u64,
    /// Header lines of a request.
    #[serde(deserialize_with = "bounded::<8, 1000, _, _>")]
    pub headers_max: usize,
    /// Bytes of a request's head.
    #[serde(deserialize_with = "bounded::<8192, MIB, _, _>")]
    pub head_bytes_max: usize,
    /// Streams at once on one HTTP/2 connection.
    #[serde(deserialize_with = "bounded::<1, 10_000, _, _>")]
    pub http2_streams_max: u32,
    /// Requests a second of one token; 0 for no such rule.
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
    /// Where acknowledgements begin to slow down.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub soft_percent: u64,
    /// Past this, 503.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub hard_percent: u64,
    /// What one bucket may hold.
    #[serde(deserialize_with = "bounded::<1, 100, _, _>")]
    pub bucket_percent: u64,
    /// How long a request waits for memory.
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

    /// Bytes that one bucket may hold.
    pub fn bucket_bytes_max(&self) -> u64 {
        self.share(self.bucket_percent)
    }

    /// Bytes that the names of all buckets' measurements, tags and fields may take.
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
    /// Whether an integer for a field that is a float is stored as a float of its value.
    pub integer_into_float: bool,
}

/// `[limits]`: contract section 6. Every error text about one of them names its key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of a body as sent.
    #[serde(deserialize_with = "bounded::<KIB, { 16 * GIB }, _, _>")]
    pub wire_bytes_max: u64,
    /// Bytes of a body decompressed.
    #[serde(deserialize_with = "bounded::<KIB, { 16 * GIB }, _, _>")]
    pub decoded_bytes_max: u64,
    /// Bytes of one point of line protocol.
    #[serde(deserialize_with = "bounded::<64, { 8 * MIB }, _, _>")]
    pub point_bytes_max: usize,
    /// Bytes of one string field.
    #[serde(deserialize_with = "bounded::<1, { 8 * MIB }, _, _>")]
    pub string_bytes_max: usize,
    /// Bytes of a measurement, tag key or field key.
    #[serde(deserialize_with = "bounded::<1, { 16 * MIB }, _, _>")]
    pub name_bytes_max: usize,
    /// Bytes of a tag value.
    #[serde(deserialize_with = "bounded::<1, { 16 * MIB }, _, _>")]
    pub tag_value_bytes_max: usize,
    /// Tags and fields of one measurement.
    #[serde(deserialize_with = "bounded::<2, 100_000, _, _>")]
    pub columns_max: usize,
    /// Measurements of one bucket.
    #[serde(deserialize_with = "bounded::<1, 10_000_000, _, _>")]
    pub tables_max: usize,
    /// Series of one bucket in memory at once.
    #[serde(deserialize_with = "bounded::<1, 1_000_000_000, _, _>")]
    pub series_max: usize,
    /// Bytes of memory for the names of one bucket's measurements, tags and fields; 0 for half of
    /// what the bucket may hold.
    #[serde(deserialize_with = "bounded_or_zero::<KIB, { 1 << 50 }, _>")]
    pub schema_bytes_max: u64,
    /// Buckets.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub buckets_max: usize,
    /// Tokens, expired ones too.
    #[serde(deserialize_with = "bounded::<1, 1_000_000, _, _>")]
    pub tokens_max: usize,
}

/// `[wal]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wal {
    /// Bytes of one file of the log.
    #[serde(deserialize_with = "bounded::<65_536, { 2 * GIB }, _, _>")]
    pub segment_bytes_max: u64,
    /// Bytes of the whole log from which writes are refused.
    #[serde(deserialize_with = "bounded::<{ 64 * MIB }, { 1 << 40 }, _, _>")]
    pub log_bytes_max: u64,
    /// Bytes written and synced in one go.
    #[serde(deserialize_with = "bounded::<65_536, GIB, _, _>")]
    pub group_bytes_max: usize,
    /// Bytes of line protocol that become one frame.
    #[serde(deserialize_with = "bounded::<4096, { 4 * MIB }, _, _>")]
    pub slice_bytes_max: usize,
}

/// `[buffer]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Bytes at which a table's active segment is frozen.
    #[serde(deserialize_with = "bounded::<65_536, { 16 * GIB }, _, _>")]
    pub segment_bytes_max: u64,
}

/// `[lake]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lake {
    /// Where the tables lie; empty for the data folder.
    pub url: String,
    /// Whether other nodes write to the same tables.
    pub shared: bool,
    /// Bytes in memory at which a table is flushed.
    #[serde(deserialize_with = "bounded::<65_536, { 16 * GIB }, _, _>")]
    pub flush_bytes: u64,
    /// Age of the oldest point in memory at which a table is flushed.
    #[serde(
        rename = "flush_age_ms",
        deserialize_with = "millis::<100, { 24 * HOUR_MS }, _>"
    )]
    pub flush_age: Duration,
    /// Tables flushed at once; 0 for as many as there are cores.
    #[serde(deserialize_with = "bounded::<0, 1000, _, _>")]
    pub flushes_max: usize,
    /// How long a stop flushes at most, of what `server.shutdown_grace_ms` leaves.
    #[serde(rename = "stop_ms_max", deserialize_with = "millis::<0, HOUR_MS, _>")]
    pub stop_max: Duration,
    /// How often tables are looked at for compaction and retention; 0 for never.
    #[serde(
        rename = "upkeep_every_ms",
        deserialize_with = "millis::<0, { 24 * HOUR_MS }, _>"
    )]
    pub upkeep_every: Duration,
    /// Small files of a day that are joined.
    #[serde(deserialize_with = "bounded::<2, 10_000, _, _>")]
    pub compact_files_min: usize,
    /// Bytes of a file that a compaction writes.
    #[serde(deserialize_with = "bounded::<{ 64 * KIB }, { 4 * GIB }, _, _>")]
    pub file_bytes_max: u64,
    /// Age at which files that belong to no table are deleted.
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
    /// Exports at once.
    #[serde(deserialize_with = "bounded::<1, 1000, _, _>")]
    pub concurrent_max: usize,
    /// Bytes a second that a reader must take; 0 for no such rule.
    #[serde(deserialize_with = "bounded::<0, GIB, _, _>")]
    pub rate_bytes_min: u64,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// For whom the lines are written.
    pub format: LogFormat,
    /// What is written: directives as `tracing_subscriber::filter::Targets` reads them.
    #[serde(deserialize_with = "level")]
    pub level: String,
    /// Whether lines for people may have colours on a terminal: not with `NO_COLOR`, nor on a
    /// terminal that has none. No key: whoever sits there decides, for all programs alike.
    #[serde(skip)]
    pub colors: bool,
}

/// For whom log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}
