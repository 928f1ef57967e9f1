//! The lake's place in the engine: its settings, what it does for the write path, and its view of
//! the log.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::environment::Environment;
use super::tables::LakeFiles;
use crate::buffer::{Buffer, LoggedAgain};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::id::{Sequence, TableId};
use crate::ingest::{Flushed, HeldTable, Ingest, OnDelete, Pressure};
pub(super) use crate::lake::LakeError;
use crate::lake::{Batch, Flusher, Lake, LakeParts, Log, Options, TableHold};
use crate::read;
use crate::storage::Storage;
use crate::telemetry::causes;

/// The number of commits after which a checkpoint is written: a reader of a table reads at most
/// this many commits after a checkpoint, plus those since the last look at the table.
const CHECKPOINT_EVERY: u64 = 20;

/// The tables of the opened data folder.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    lake: Lake,
    catalog: Catalog,
    runtime: Handle,
}

impl Tables {
    /// Checks what can be known of the settings before anything is opened.
    pub(super) fn check(config: &Config) -> Result<(), LakeError> {
        options(config).map(drop)
    }

    /// Opens the tables. Blocks until their content is known.
    pub(super) fn open(
        environment: &Environment,
        storage: &Arc<dyn Storage>,
        catalog: &Catalog,
        buffer: &Buffer,
        runtime: &Handle,
    ) -> Result<Self, LakeError> {
        let opened = LakeParts {
            storage: Arc::clone(storage),
            catalog: catalog.clone(),
            buffer: buffer.clone(),
            budget: environment.budget.clone(),
            clock: environment.clock.clone(),
            metrics: environment.metrics.clone(),
            options: options(&environment.config)?,
        };
        Ok(Self {
            lake: runtime.block_on(Lake::open(opened))?,
            catalog: catalog.clone(),
            runtime: runtime.clone(),
        })
    }

    /// The last sequence number that the tables know: new frames of the log come after it.
    pub(super) fn last(&self) -> Sequence {
        self.lake.last()
    }

    /// The tables as readers see them.
    pub(super) fn files(&self) -> Option<Arc<dyn read::Lake>> {
        let Self { lake, runtime, .. } = self.clone();
        Some(Arc::new(LakeFiles::new(
            lake,
            self.catalog.clone(),
            runtime,
        )))
    }

    /// The frames that a replay leaves out.
    pub(super) fn flushed(&self) -> Flushed {
        let lake = self.lake.clone();
        Box::new(move |table| lake.flushed(table))
    }

    /// Makes room in memory during a replay.
    pub(super) fn pressure(&self) -> Option<Pressure> {
        let Self { lake, runtime, .. } = self.clone();
        Some(Box::new(move |_| runtime.block_on(lake.relieve())))
    }

    /// Handles the tables of a deleted bucket.
    pub(super) fn on_delete(&self) -> Option<OnDelete> {
        let lake = self.lake.clone();
        Some(Box::new(move |bucket, name| {
            lake.note_deletion(bucket, name)
        }))
    }

    /// Starts flushing.
    pub(super) fn start(&self, ingest: &Ingest) -> Flusher {
        let _entered = self.runtime.enter();
        let ingest = ingest.clone();
        Flusher::start(self.lake.clone(), Arc::new(IngestLog { ingest }))
    }
}

/// The lake's options with this configuration.
fn options(config: &Config) -> Result<Options, LakeError> {
    let lake = &config.lake;
    let url = match lake.url.as_str() {
        "" => None,
        text => Some(Options::parse_url(text)?),
    };
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Ok(Options {
        url,
        shared: lake.shared,
        refresh: config.query.refresh,
        flush_bytes: lake.flush_bytes,
        flush_age: lake.flush_age,
        flushes_max: match lake.flushes_max {
            0 => cores,
            flushes_max => flushes_max,
        },
        log_bytes: config.wal.log_bytes_max / 2,
        compact_files_min: lake.compact_files_min,
        file_bytes_max: lake.file_bytes_max,
        vacuum_age: lake.vacuum_age,
        checkpoint_every: CHECKPOINT_EVERY,
        upkeep_every: lake.upkeep_every,
    })
}

/// The write path's log.
#[derive(Debug)]
struct IngestLog {
    ingest: Ingest,
}

impl Log for IngestLog {
    fn bytes(&self) -> u64 {
        self.ingest.counted_log_bytes()
    }

    fn pinned_bytes(&self, tables: &HashSet<TableId>) -> u64 {
        self.ingest.bytes_pinned_by(tables)
    }

    fn refuse(&self, tables: HashSet<TableId>, again_bytes: u64) {
        self.ingest.refuse_tables(&tables, again_bytes);
    }

    fn release(&self) -> Result<(), String> {
        self.ingest.release_log().map_err(|error| causes(&error))
    }

    fn outgrown(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.ingest.outgrown())
    }

    fn hold(&self, table: &TableId) -> Result<Box<dyn TableHold>, String> {
        let held = self.ingest.hold_table(table);
        Ok(Box::new(held.map_err(|error| causes(&error))?))
    }
}

impl TableHold for HeldTable {
    fn log_again(&mut self, rows: &Batch) -> Result<(), String> {
        Self::log_again(self, rows).map_err(|error| causes(&error))
    }

    fn logged(&self) -> Option<LoggedAgain> {
        Self::logged(self)
    }
}
