//! Opening the engine: the data folder, the catalog, the log. The time it takes grows with the
//! length of the log, so it runs on a thread of its own, while the server already answers that it
//! is starting.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::oneshot;

use super::environment::Environment;
use super::lake::{LakeError, Tables};
use super::parts::Engine;
use super::progress::progress_log;
#[cfg(feature = "query")]
use super::queries::{Queries, QueriesError};
use super::skew;
use crate::buffer::{Buffer, BufferLimits};
use crate::catalog::{self, Catalog, CatalogError, TokenHash};
use crate::config::{Config, InitToken};
use crate::export::{self, Exporter};
use crate::ingest::{self, Ingest, IngestParts};
use crate::narrow;
use crate::read::Sources;
use crate::storage::{DiskStorage, Storage, StorageError};
use crate::telemetry::Metrics;
use crate::wal::{GroupReport, Observer, WalOptions};

/// News of a start for whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement<'a> {
    /// The data folder is this server's: requests are answered from now on, and served once the log
    /// is replayed.
    Listening,
    /// The operator's token, which the very first start generates. It is shown only this once.
    OperatorToken(&'a str),
}

/// Announces it. An error means that nobody has seen it.
pub type Announce = Box<dyn FnMut(Announcement<'_>) -> io::Result<()> + Send>;

/// The largest body in bytes that is parsed on the threads that serve connections (design decision
/// D2).
const INLINE_BYTES_MAX: usize = 256 * 1024;

/// The reason for which the engine was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Buckets and tokens.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log.
    #[error(transparent)]
    Ingest(#[from] ingest::OpenError),
    /// The address could not be announced.
    #[error("the address could not be announced")]
    Unheard(#[source] io::Error),
    /// A token was made and could not be shown.
    #[error(
        "the operator's token could not be shown, and it is shown only once: remove the data \
         folder, which holds nothing yet, and start again"
    )]
    Unseen(#[source] io::Error),
    /// The open tables.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Queries.
    #[cfg(feature = "query")]
    #[error(transparent)]
    Queries(#[from] QueriesError),
    /// No thread could be started for it.
    #[error("no thread could be started for opening the data folder")]
    Thread(#[source] io::Error),
    /// The thread ended without a result.
    #[error("opening the data folder was cut short by an internal error, see the log")]
    Lost,
}

impl Engine {
    /// Opens the data folder that the configuration names, on a thread of its own. The time it
    /// takes grows with the length of the log. Must be called within a runtime.
    ///
    /// # Errors
    /// [`OpenError`] says what cannot be used; nothing is left running.
    pub async fn open(environment: Environment, announce: Announce) -> Result<Self, OpenError> {
        open(environment, announce).await
    }
}

/// Opens the engine on a thread of its own.
async fn open(environment: Environment, announce: Announce) -> Result<Engine, OpenError> {
    let (tx, rx) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("open".to_owned());
    let open = move || {
        // Nobody is waiting any more if the server was stopped in the meantime.
        let _ = tx.send(engine(&environment, announce, &runtime));
    };
    thread.spawn(open).map_err(OpenError::Thread)?;
    rx.await.map_err(|_| OpenError::Lost)?
}

fn engine(
    environment: &Environment,
    mut announce: Announce,
    runtime: &tokio::runtime::Handle,
) -> Result<Engine, OpenError> {
    let Environment {
        config,
        clock,
        budget,
        metrics,
    } = environment;
    Tables::check(config)?;
    let storage: Arc<dyn Storage> = Arc::new(DiskStorage::open(&config.storage.data_dir)?);
    announce(Announcement::Listening).map_err(OpenError::Unheard)?;
    let limits = catalog::Limits {
        buckets_max: config.limits.buckets_max,
        tokens_max: config.limits.tokens_max,
    };
    let catalog = Catalog::open(Arc::clone(&storage), clock.clone(), limits)?;
    let chosen = config.init_token.as_ref().map(InitToken::secret);
    if let Some(secret) = catalog.ensure_operator(chosen)? {
        announce(Announcement::OperatorToken(secret.reveal())).map_err(OpenError::Unseen)?;
    }
    if chosen.is_some_and(|chosen| catalog.token(&TokenHash::of(chosen.as_bytes())).is_none()) {
        tracing::warn!(
            "TIDEGATE_INIT_TOKEN is not a token here: it counts at the very first start of a data \
             folder only, and this one has its tokens already; unset it"
        );
    }
    // A segment that does not fit into the memory set aside for flushing would stay for ever.
    let flushable = config.memory.marks().segment_bytes_max();
    let segment_bytes_max = config.buffer.segment_bytes_max.min(flushable);
    let buffer = Buffer::new(BufferLimits { segment_bytes_max });
    let tables = Tables::open(environment, &storage, &catalog, &buffer, runtime)?;
    let sources = Sources {
        buffer: buffer.clone(),
        lake: tables.files(),
        budget: budget.clone(),
    };
    let exporter = Exporter::new(sources.clone(), clock.clone(), export_options(config));
    #[cfg(feature = "query")]
    let queries = Queries::open(environment, &storage, &sources, &catalog, runtime)?;
    let opened = IngestParts {
        storage,
        catalog: catalog.clone(),
        buffer,
        budget: budget.clone(),
        metrics: metrics.clone(),
        log: WalOptions {
            sequences_after: tables.last(),
            ..log_options(config, metrics.clone())
        },
        flushed: tables.flushed(),
        pressure: tables.pressure(),
        on_delete: tables.on_delete(),
        options: ingest_options(config),
    };
    let ingest = Ingest::open(opened, &mut progress_log())?;
    // Points of the future are legal, and the more frequent cause.
    if let Some(remark) = skew::remark(ingest.newest_replayed_ns(), clock.now_ns()) {
        tracing::info!("{remark}");
    }
    Ok(Engine {
        tables: tables.start(&ingest),
        catalog,
        ingest,
        sources,
        exporter,
        #[cfg(feature = "query")]
        queries,
    })
}

fn export_options(config: &Config) -> export::Options {
    export::Options {
        concurrent_max: config.export.concurrent_max,
        rate_bytes_min: config.export.rate_bytes_min,
        line_bytes_max: config.limits.point_bytes_max,
    }
}

/// The write path's options with this configuration.
pub fn ingest_options(config: &Config) -> ingest::Options {
    let limits = &config.limits;
    ingest::Options {
        limits: ingest::Limits {
            point_bytes_max: limits.point_bytes_max,
            string_bytes_max: limits.string_bytes_max,
            name_bytes_max: limits.name_bytes_max,
            tag_value_bytes_max: limits.tag_value_bytes_max,
            columns_max: limits.columns_max,
            tables_max: limits.tables_max,
            series_max: narrow::to_u64(limits.series_max),
            schema_bytes_max: config.schema_bytes_max(),
            integer_into_float: config.types.integer_into_float,
            schemas_bytes_max: config.memory.schemas_bytes_max(),
        },
        slice_bytes_max: config.wal.slice_bytes_max,
        inline_bytes_max: INLINE_BYTES_MAX,
        bucket_bytes_max: config.memory.bucket_bytes_max(),
        log_bytes_max: config.wal.log_bytes_max,
    }
}

fn log_options(config: &Config, metrics: Metrics) -> WalOptions {
    WalOptions {
        segment_bytes_max: config.wal.segment_bytes_max,
        group_bytes_max: config.wal.group_bytes_max,
        observer: Some(Arc::new(LogMetrics { metrics })),
        ..WalOptions::default()
    }
}

/// Hands the log's groups to the metrics.
#[derive(Debug)]
struct LogMetrics {
    metrics: Metrics,
}

impl Observer for LogMetrics {
    fn group(&self, group: &GroupReport) {
        let number = narrow::to_u64;
        self.metrics
            .group(number(group.frames), number(group.bytes));
        self.metrics.sync_seconds(group.sync.as_secs_f64());
    }
}
