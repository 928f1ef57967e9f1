//! All settings, and the file with their defaults.

use serde::Deserialize;

use super::sections::{
    Buffer, Connection, Export, Lake, Limits, Log, Memory, Query, Server, Storage, Tls, Types, Wal,
};
use super::token::InitToken;

/// The built-in defaults, with a comment on every key.
pub const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Everything that can be set, validated.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on, and who may connect.
    pub server: Server,
    /// The certificate, for HTTPS.
    pub tls: Tls,
    /// The limits on connections and request heads.
    pub connection: Connection,
    /// The place where data is kept.
    pub storage: Storage,
    /// The budget of bytes.
    pub memory: Memory,
    /// The limits on requests, points and buckets.
    pub limits: Limits,
    /// The conversions between types.
    pub types: Types,
    /// The write-ahead log.
    pub wal: Wal,
    /// Points in memory.
    pub buffer: Buffer,
    /// The open tables that points move to.
    pub lake: Lake,
    /// Exports.
    pub export: Export,
    /// Questions about the stored points.
    pub query: Query,
    /// The server's log lines on standard error.
    pub log: Log,
    /// The operator's token for the very first start, if one was given.
    #[serde(skip)]
    pub init_token: Option<InitToken>,
    /// Texts to log as warnings once logging is set up: settings that do not fit the machine.
    #[serde(skip)]
    pub notices: Vec<String>,
    /// Texts to log at info: nobody has to act on them.
    #[serde(skip)]
    pub remarks: Vec<String>,
}

impl Config {
    /// Bytes of memory that the names of one bucket's measurements, tags and fields may take.
    pub fn schema_bytes_max(&self) -> u64 {
        let half = self.memory.bucket_bytes_max() / 2;
        match self.limits.schema_bytes_max {
            0 => half,
            bytes => bytes.min(half),
        }
    }

    /// Bytes of the budget that all queries together may take.
    pub fn query_bytes_max(&self) -> u64 {
        match self.query.memory_bytes_max {
            0 => self.memory.budget_bytes / 2,
            bytes => bytes,
        }
    }
}
