//! `tidegate serve`: puts the settings together, takes the port, and runs the server until a signal
//! stops it.
//!
//! ```text
//! settings > logs > port > server > signal > grace > exit
//! ```
//!
//! Standard output carries `listening on http://ADDR` (or `https://`), once the server has locked the
//! data folder, and, on the very first start, the operator's token; so scripts can wait for the one
//! and keep the other.

mod announce;
mod port;
mod signals;
mod warnings;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::behind;
use crate::config::{Config, ConfigError, Flag, Sources};
use crate::server::{self, Announcement, Listener, ServerError, Tls, TlsError};
use crate::telemetry::{COMMIT, LogError, VERSION, init_logs};

pub use announce::announce_operator_token;
pub use port::PortError;

const HELP: &str = "\
The token:
  The very first start creates a token for the operator, which may do everything, and prints it \
  once on standard output: operator token: … To choose it yourself, set TIDEGATE_INIT_TOKEN to \
  at least 32 characters before the first start, for example to the output of: openssl rand -hex 32

Where data goes:
  Into one folder, ./tidegate-data unless --data-dir says otherwise: the log of all writes, the \
  buckets, the tokens (as hashes). Back it up as a whole; one server at a time uses it.

Settings:
  Every setting has a default. A file changes it, the environment wins over the file, and a flag \
  over both:
    --config tidegate.toml
      [limits]
      columns_max = 2000
    the environment
      TIDEGATE_LIMITS__COLUMNS_MAX=2000
  That is TIDEGATE_SECTION__KEY with two underscores; lists are separated by commas. A key that \
  does not exist is an error. The file config/default.toml of the sources explains every key.

Encryption:
  With --tls-cert and --tls-key (PEM files) the port speaks HTTPS only. After a renewal send \
  SIGHUP: new connections use the new certificate, open ones continue. If the new files are not \
  usable the log says why, and the old certificate stays in use.

Stopping:
  SIGTERM or SIGINT (Ctrl-C) ends the requests in flight, then the server; a second one ends it \
  at once. Nothing that was acknowledged is lost either way.

Examples:
  tidegate serve
  tidegate serve --listen 0.0.0.0:8086
  tidegate serve --listen 0.0.0.0:8086 \\
    --tls-cert fullchain.pem --tls-key privkey.pem
  tidegate serve --config tidegate.toml --log-format json
  tidegate serve --listen 127.0.0.1:0 \\
    --data-dir bench --without-auth";

/// The longest wait for threads that still run when everything is saved. A call to a file system that
/// hangs (a store across a network) could hold the process for ever, until the supervisor kills it.
/// Whatever it was about is in the log.
const LEFTOVERS_MAX: Duration = Duration::from_millis(100);

/// Run the server.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = HELP)]
pub struct Serve {
    /// Read settings from this TOML file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen on this IP address and port [default: 127.0.0.1:8086]. Port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Keep everything in this folder [default: ./tidegate-data].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Speak HTTPS with the certificate in this PEM file, read again at SIGHUP.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// The certificate's private key, a PEM file.
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Allow everything to everyone, without a token. For tests and benches.
    #[arg(long)]
    without_auth: bool,
    /// Write logs for people or as JSON [default: human].
    #[arg(long, value_name = "FORMAT", value_parser = ["human", "json"])]
    log_format: Option<String>,
    /// Log at this level [default: info]: error, warn, info, debug, trace, off, or by module.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// The reasons for which the server did not start, or ended.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The settings were refused.
    #[error("configuration")]
    Config(#[from] ConfigError),
    /// Logs could not be set up.
    #[error("logs")]
    Logs(#[from] LogError),
    /// The certificate or its key cannot be used.
    #[error("TLS")]
    Tls(#[from] TlsError),
    /// The port could not be taken.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The server could not start, or ended.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Threads or signal handlers could not be set up.
    #[error("cannot {operation}")]
    System {
        /// The operation that was attempted.
        operation: &'static str,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Serve {
    /// Runs the server until a signal stops it.
    pub fn run(self) -> Result<(), ServeError> {
        raise_descriptor_limit();
        let config = Config::load(&Sources::of_process(self.config.clone(), self.flags()))?;
        init_logs(&config.log)?;
        info!(
            version = VERSION,
            commit = COMMIT,
            data_dir = %config.storage.data_dir.display(),
            memory_budget_bytes = config.memory.budget_bytes,
            "starting"
        );
        for remark in &config.remarks {
            info!("{remark}");
        }
        for warning in config.notices.iter().cloned().chain(warnings::of(&config)) {
            warn!("{warning}");
        }
        let usual = behind::Usual::of_this_thread();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("tidegate")
            .on_thread_start(move || usual.take())
            // The trees of long questions are dropped here.
            .thread_stack_size(8 << 20)
            .enable_all()
            .build()
            .map_err(|source| ServeError::System {
                operation: "start the threads",
                source,
            })?;
        let ended = runtime.block_on(until_stopped(Arc::new(config)));
        runtime.shutdown_timeout(LEFTOVERS_MAX);
        ended?;
        info!("stopped");
        Ok(())
    }

    /// The flags that were given, as settings.
    fn flags(&self) -> Vec<Flag> {
        let without_auth = self.without_auth.then(|| "true".to_owned());
        let given = [
            ("--listen", "server.listen", self.listen.clone()),
            ("--data-dir", "storage.data_dir", self.data_dir.clone()),
            ("--tls-cert", "tls.cert_file", self.tls_cert.clone()),
            ("--tls-key", "tls.key_file", self.tls_key.clone()),
            ("--without-auth", "server.without_auth", without_auth),
            ("--log-format", "log.format", self.log_format.clone()),
            ("--log-level", "log.level", self.log_level.clone()),
        ];
        let flags = given.into_iter();
        flags
            .filter_map(|(name, key, value)| {
                Some(Flag {
                    name,
                    key,
                    value: value?,
                })
            })
            .collect()
    }
}

async fn until_stopped(config: Arc<Config>) -> Result<(), ServeError> {
    let shutdown = CancellationToken::new();
    signals::cancel_on_signal(shutdown.clone()).map_err(|source| ServeError::System {
        operation: "listen for signals",
        source,
    })?;
    let hangups = signals::hangups().map_err(|source| ServeError::System {
        operation: "listen for signals",
        source,
    })?;
    let tls = Tls::load(&config.tls)?;
    tokio::spawn(signals::reload_on_hangup(hangups, tls.clone()));
    let listener = Listener::new(port::bind(config.server.listen).await?, tls);
    let url = listener.url().map_err(|source| ServeError::System {
        operation: "read the address of the listener",
        source,
    })?;
    let announce = Box::new(move |told: Announcement<'_>| match told {
        Announcement::Listening => announce::listening(&url),
        Announcement::OperatorToken(secret) => announce_operator_token(secret),
    });
    Ok(server::run(listener, config, announce, shutdown).await?)
}

/// Every connection takes a descriptor, and systems often start processes with 1024 of them while
/// allowing many more. If it cannot be raised, the server runs with fewer connections and says so.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let _ = setrlimit(Resource::Nofile, raised);
}
