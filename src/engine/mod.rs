//! The parts of a running server: the data folder, buckets and tokens, the write path with its log,
//! the tables, and their readers. All of them are opened and closed here, in the one order in which
//! each finds what it needs.
//!
//! ```text
//! data folder > catalog > buffer > tables > exporter > log, replayed into the buffer > flusher
//! ```
//!
//! This module knows no HTTP: the endpoints receive an [`Engine`]. It also connects modules that
//! must not know each other: the lake sees the log of the write path (`lake`), a reader sees the
//! lake (`tables`).

#[cfg_attr(not(feature = "lake"), path = "without_lake.rs")]
mod lake;
mod open;
mod progress;
mod skew;
#[cfg(feature = "lake")]
mod tables;

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::export::Exporter;
use crate::ingest::Ingest;
use crate::memory::Budget;
use crate::read::Sources;
use crate::telemetry::{Metrics, causes};

#[cfg(not(feature = "lake"))]
pub use lake::NoTables;
pub use open::{Announce, Announcement, OpenError, ingest_options};

/// The services that an engine uses and does not own. Clones share them.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The settings.
    pub config: Arc<Config>,
    /// The wall clock.
    pub clock: Clock,
    /// The budget of bytes.
    pub budget: Budget,
    /// The counters.
    pub metrics: Metrics,
}

/// An opened data folder. Clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Buckets and tokens.
    pub catalog: Catalog,
    /// The write path.
    pub ingest: Ingest,
    /// The stored points, for readers.
    pub sources: Sources,
    /// Exports of the stored points.
    pub exporter: Exporter,
    /// The task that moves points to the tables.
    #[cfg(feature = "lake")]
    pub tables: crate::lake::Flusher,
    /// The place of that task in a build without tables.
    #[cfg(not(feature = "lake"))]
    pub tables: NoTables,
}

impl Engine {
    /// Opens the data folder that the configuration names, on a thread of its own. The time it
    /// takes grows with the length of the log. Must be called within a runtime.
    ///
    /// # Errors
    /// [`OpenError`] says what cannot be used; nothing is left running.
    pub async fn open(environment: Environment, announce: Announce) -> Result<Self, OpenError> {
        open::open(environment, announce).await
    }

    /// Flushes what is in memory, as far as it can within `patience`, and closes the log with the
    /// mark of a clean end once nothing is in flight. If that fails, the log is in order all the
    /// same: the next start treats it like one after a crash.
    pub async fn close(&self, patience: Duration) {
        self.tables.stop(patience).await;
        let ingest = self.ingest.clone();
        match tokio::task::spawn_blocking(move || ingest.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = causes(&error), "the log was not closed cleanly")
            }
            Err(error) => tracing::error!(%error, "closing the log was cut off by a fault of ours"),
        }
    }
}
