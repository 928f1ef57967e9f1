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
mod settings;
mod sources;
mod tls;
mod token;
mod values;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use host::Host;
pub use sections::{
    Buffer, Connection, Cors, Export, Lake, Limits, Log, LogFormat, Memory, Query, Server, Storage,
    Tls, Types, Wal,
};
pub use settings::{Config, DEFAULTS};
pub use sources::{Flag, Sources, variable};
pub use tls::{PemFile, PemFileError, PemFiles};
pub use token::{InitToken, TokenProblem};

impl Config {
    /// Merges the layers and checks the result. Reads only the settings file.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = layers::extract(sources)?;
        let token = token::from_variables(&sources.variables);
        config.init_token = token.map_err(ConfigError::Token)?;
        config.log.colors = sources::colors(&sources.variables);
        rules::fit_to_host(&mut config, &sources.host);
        rules::check(&config)?;
        Ok(config)
    }
}
