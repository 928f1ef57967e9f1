//! Settings: typed sections, read and validated once at the start; a wrong one is refused with a
//! reason.
//!
//! ```text
//! config/default.toml (built in) < file (--config) < TIDEGATE_SECTION__KEY < flags  =>  Config
//! ```
//!
//! `config/default.toml` is the only source of defaults and documents every key. An unknown key or
//! variable of the form `TIDEGATE_X__Y` is an error, as is a value of the wrong type or out of
//! range; the error names the key, its origin, the value and what is allowed. This is the only
//! module that reads the environment, and what it reads is passed in as [`Sources`], so that tests
//! need not change the process. Files that the operator names (the settings, certificate and key)
//! are read here; their users interpret the content.

mod error;
mod host;
mod layers;
mod rules;
mod sections;
mod sources;
mod tls;
mod token;
mod values;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use host::Host;
pub use sections::{
    Buffer, Connection, Cors, Export, Lake, Limits, Log, LogFormat, Memory, Server, Storage, Tls,
    Types, Wal,
};
pub use sources::{Flag, Sources, variable};
pub use tls::{PemFile, PemFileError, PemFiles};
pub use token::{InitToken, TokenProblem};

use serde::Deserialize;

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
    /// Merges the layers and checks the result. Reads only the settings file.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = layers::extract(sources)?;
        config.init_token = token::from_variables(&sources.variables)?;
        config.log.colors = sources::colors(&sources.variables);
        rules::fit_to_host(&mut config, &sources.host);
        rules::check(&config)?;
        Ok(config)
    }

    /// Bytes of memory that the names of one bucket's measurements, tags and fields may take.
    pub fn schema_bytes_max(&self) -> u64 {
        let half = self.memory.bucket_bytes_max() / 2;
        match self.limits.schema_bytes_max {
            0 => half,
            bytes => bytes.min(half),
        }
    }
}
