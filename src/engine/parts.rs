//! The parts of an opened data folder, and how they are closed.

use std::time::Duration;

#[cfg(not(feature = "lake"))]
use super::lake::NoTables;
#[cfg(feature = "query")]
use super::queries::Queries;
use crate::catalog::Catalog;
use crate::export::Exporter;
use crate::ingest::Ingest;
use crate::read::Sources;
use crate::telemetry::causes;

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
    /// Questions about the stored points.
    #[cfg(feature = "query")]
    pub queries: Queries,
    /// The task that moves points to the tables.
    #[cfg(feature = "lake")]
    pub tables: crate::lake::Flusher,
    /// The place of that task in a build without tables.
    #[cfg(not(feature = "lake"))]
    pub tables: NoTables,
}

impl Engine {
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
            Err(error) => {
                tracing::error!(%error, "closing the log was cut short by an internal error")
            }
        }
    }
}
