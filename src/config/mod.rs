//! Settings: typed sections, read once at the start, validated once, refused with a reason.
//!
//! ```text
//! config/default.toml (built in) < file (--config) < TIDEGATE_SECTION__KEY < flags  =>  Config
//! ```
//!
//! `config/default.toml` is the only source of defaults and documents every key. A key, or a
//! variable of the form `TIDEGATE_X__Y`, that does not exist is an error, as is a value of the
//! wrong type or out of range; the error names the key, where it came from, what was found and
//! what is allowed. This is the only module that reads the environment, and what it reads is
//! handed in as [`Sources`], so that tests need not touch the process. Files that the operator
//! names (the settings, certificate and key) are read here, what is in them is understood by those
//! who use it.

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
    /// Where to listen, whom to let in.
    pub server: Server,
    /// The certificate, for HTTPS.
    pub tls: Tls,
    /// What a connection and a request head may cost.
    pub connection: Connection,
    /// Where data is kept.
    pub storage: Storage,
    /// The budget of bytes.
    pub memory: Memory,
    /// What a request, a point, a bucket may be at most.
    pub limits: Limits,
    /// What may be stored as what.
    pub types: Types,
    /// The write-ahead log.
    pub wal: Wal,
    /// Points in memory.
    pub buffer: Buffer,
    /// The open tables that points move to.
    pub lake: Lake,
    /// Reading everything out.
    pub export: Export,
    /// What the server tells about itself on standard error.
    pub log: Log,
    /// The operator's token for the very first start, if one was given.
    #[serde(skip)]
    pub init_token: Option<InitToken>,
    /// Sentences worth a warning once logs are up: settings that were changed to fit the machine.
    #[serde(skip)]
    pub notices: Vec<String>,
    /// The same of what nobody has to act on.
    #[serde(skip)]
    pub remarks: Vec<String>,
}

impl Config {
    /// Puts the layers together and checks them. Reads the settings' file, nothing else.
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
