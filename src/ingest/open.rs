//! Opening the write path: schemas from their checkpoint, then the log from its first frame.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::apply;
use super::handle::{BeforeDelete, Ingest, OnDelete, Shared};
use super::options::Options;
use super::payload::{self, FrameError};
use super::progress::{Applied, Checkpointed};
use super::resolve::{Resolver, ResolverParts};
use crate::buffer::Buffer;
use crate::catalog::schema::{Contradiction, Schemas};
use crate::catalog::{Catalog, CatalogError};
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Reservation};
use crate::storage::Storage;
use crate::telemetry::Metrics;
use crate::wal::{Progress, Wal, WalError, WalOptions};

/// The reason why the data folder could not be opened for writing.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The schemas' checkpoint.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// No thread could be started.
    #[error("the thread that applies batches could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The reason why a frame of the log could not be replayed.
#[derive(Debug, Error)]
enum ReplayError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Schema(#[from] Contradiction),
    /// A bucket is durable before the first frame that names it (D13).
    #[error(
        "it holds points of bucket {id}, which the data folder's catalog.json has never heard of: \
         that file is older than the log (a backup that was put back alone?), so it cannot be told \
         whose the points are; put back the catalog.json that the folder was last used with, or \
         restore the whole folder from a backup", id = .bucket.0
    )]
    UnknownBucket { bucket: BucketId },
    #[error(
        "the log holds more than the memory budget of {budget_bytes} bytes: raise memory.budget_bytes"
    )]
    Memory { budget_bytes: u64 },
}

/// The last frame up to which a table's rows are safe elsewhere; 0 if there is none.
pub type Flushed = Box<dyn Fn(&TableId) -> Sequence + Send>;

/// Moves rows out of the buffer. When it is called, the buffer holds whole frames only.
pub type Pressure = Box<dyn FnMut(&Buffer) + Send>;

/// The parts of the write path.
pub struct IngestParts {
    /// The data folder.
    pub storage: Arc<dyn Storage>,
    /// Buckets and tokens.
    pub catalog: Catalog,
    /// The buffer that points go to; empty.
    pub buffer: Buffer,
    /// The memory for all of it.
    pub budget: Budget,
    /// The metrics that it reports to.
    pub metrics: Metrics,
    /// The settings of the log. Its new frames must come after everything that `flushed` names.
    pub log: WalOptions,
    /// The frames whose rows are not brought back from the log.
    pub flushed: Flushed,
    /// Called if the log holds more than fits into memory: each time that replay passes the budget's
    /// hard mark, or what was left above it the last time.
    pub pressure: Option<Pressure>,
    /// Deletes what else holds the points of a bucket.
    pub on_delete: Option<OnDelete>,
    /// The settings of the write path.
    pub options: Options,
}

impl fmt::Debug for IngestParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IngestParts")
            .field("log", &self.log)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Ingest {
    /// Replays the log into the buffer and starts the write path. Blocks until that is done; calls
    /// `progress` from time to time.
    pub fn open(parts: IngestParts, progress: &mut dyn FnMut(Progress)) -> Result<Self, OpenError> {
        let IngestParts {
            storage,
            catalog,
            buffer,
            budget,
            metrics,
            log,
            flushed,
            pressure,
            on_delete,
            options,
        } = parts;
        let schemas = Schemas::read_checkpoint(storage.as_ref())?;
        let mut replay = Replay {
            schema_memory: budget.force(schemas.heap_bytes()),
            schemas,
            catalog: &catalog,
            buffer: &buffer,
            budget: &budget,
            flushed,
            pressure,
            relief_at: budget.marks().hard_bytes,
            newest_ns: None,
        };
        let recovered = Wal::recover(
            Arc::clone(&storage),
            log,
            &mut |sequence, payload| replay.frame(sequence, payload).map_err(Into::into),
            progress,
        )?;
        let wal = recovered.start()?;
        let (mut schemas, newest_ns) = (replay.schemas, replay.newest_ns);
        let mut schema_memory = replay.schema_memory;
        schemas.settle(wal.durable_sequence());
        drop(schemas.retain_buckets(|bucket| catalog.bucket(bucket).is_some()));
        schema_memory.shrink_to(schemas.heap_bytes());
        let applied = Arc::new(Applied::new(wal.durable_sequence()));
        let jobs = apply::start(buffer.clone(), Arc::clone(&applied))?;
        let resolver = Arc::new(Resolver::new(ResolverParts {
            schemas,
            schema_memory,
            wal,
            jobs,
            catalog: catalog.clone(),
            buffer: buffer.clone(),
            budget: budget.clone(),
            limits: options.limits,
        }));
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let parsers = Arc::new(tokio::sync::Semaphore::new(cores));
        let shared = Shared {
            on_delete: on_delete.map(BeforeDelete),
            options,
            storage,
            catalog,
            buffer,
            budget,
            metrics,
            resolver,
            queued: Arc::default(),
            applied,
            checkpointed: Checkpointed::default(),
            parsers,
            under_way: Arc::default(),
            newest_replayed_ns: newest_ns,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Closes the log after the frames that were submitted, with a mark of a clean end, and writes the
    /// schemas' checkpoint. Blocks on the disk.
    pub fn close(&self) -> Result<(), OpenError> {
        self.shared.resolver.wal().close()?;
        Ok(self.checkpoint_now()?)
    }
}

struct Replay<'a> {
    schemas: Schemas,
    /// Covers the schemas.
    schema_memory: Reservation,
    catalog: &'a Catalog,
    buffer: &'a Buffer,
    budget: &'a Budget,
    flushed: Flushed,
    pressure: Option<Pressure>,
    /// `pressure` is called once more than this many bytes of memory are in use.
    relief_at: u64,
    /// The newest time of a point so far.
    newest_ns: Option<i64>,
}

impl Replay<'_> {
    fn frame(&mut self, sequence: Sequence, payload: &[u8]) -> Result<(), ReplayError> {
        let (bucket, batches) = payload::decode(payload)?;
        if self.catalog.bucket(bucket).is_none() {
            // Deleted since: its frames outlive it until their segment is removed (D13).
            return if self.catalog.has_given(bucket) {
                Ok(())
            } else {
                Err(ReplayError::UnknownBucket { bucket })
            };
        }
        for batch in &batches {
            let table = TableId::new(bucket, batch.measurement());
            self.newest_ns = batch.times().iter().copied().max().max(self.newest_ns);
            self.schemas.extend(&table, batch.columns(), sequence)?;
            if sequence <= (self.flushed)(&table) {
                continue;
            }
            let reservation = self.budget.force(Buffer::apply_bytes_max(batch));
            self.buffer.apply(bucket, sequence, batch, reservation);
        }
        self.schemas.settle(sequence);
        let schema_bytes = self.schemas.heap_bytes();
        let more = schema_bytes.saturating_sub(self.schema_memory.bytes());
        self.schema_memory.merge(self.budget.force(more));
        self.relieve()
    }

    /// Moves rows elsewhere when memory is short. The next call moves rows only if there is notably
    /// more than was left this time: the destination may be unavailable, and trying takes time.
    fn relieve(&mut self) -> Result<(), ReplayError> {
        const STEPS: u64 = 4;
        let marks = self.budget.marks();
        if self.budget.used_bytes() > self.relief_at.min(marks.budget_bytes)
            && let Some(pressure) = &mut self.pressure
        {
            pressure(self.buffer);
            let room = marks.budget_bytes.saturating_sub(marks.hard_bytes);
            let left = self.budget.used_bytes().saturating_add(room / STEPS);
            self.relief_at = left.max(marks.hard_bytes);
        }
        let budget_bytes = marks.budget_bytes;
        if self.budget.used_bytes() > budget_bytes {
            return Err(ReplayError::Memory { budget_bytes });
        }
        Ok(())
    }
}
