//! Opening the write path: schemas from their checkpoint, then the log from its first frame.

use std::sync::Arc;

use thiserror::Error;

use super::frame::{self, FrameError};
use super::resolution::columns;
use super::resolve::{Parts, Resolver};
use super::{Ingest, Options, Shared, apply};
use crate::buffer::Buffer;
use crate::catalog::schema::{Contradiction, Schemas};
use crate::catalog::{Catalog, CatalogError};

use crate::id::Sequence;
use crate::memory::Budget;
use crate::storage::Storage;
use crate::telemetry::Metrics;
use crate::wal::{Progress, Wal, WalError, WalOptions};

/// Why the data folder could not be opened for writing.
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

/// Why a frame of the log could not be taken over.
#[derive(Debug, Error)]
enum ReplayError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Schema(#[from] Contradiction),
    #[error(
        "the log holds more than the memory budget of {budget_bytes} bytes: raise memory.budget_bytes"
    )]
    Memory { budget_bytes: u64 },
}

/// What the write path is made of.
#[derive(Debug)]
pub struct Opened {
    /// The data folder.
    pub storage: Arc<dyn Storage>,
    /// Buckets and tokens.
    pub catalog: Catalog,
    /// Where points go; empty.
    pub buffer: Buffer,
    /// Memory for all of it.
    pub budget: Budget,
    /// Where numbers go.
    pub metrics: Metrics,
    /// How the log works.
    pub log: WalOptions,
    /// How the write path works.
    pub options: Options,
}

impl Ingest {
    /// Replays the log into the buffer and starts the write path. Blocks until that is done;
    /// `progress` is called every now and then.
    pub fn open(opened: Opened, progress: &mut dyn FnMut(Progress)) -> Result<Self, OpenError> {
        let Opened {
            storage,
            catalog,
            buffer,
            budget,
            metrics,
            log,
            options,
        } = opened;
        let mut schemas = Schemas::read_checkpoint(storage.as_ref())?;
        let mut newest_ns = None;
        let recovered = Wal::recover(
            Arc::clone(&storage),
            log,
            &mut |sequence, payload| {
                let mut replay = Replay {
                    catalog: &catalog,
                    buffer: &buffer,
                    budget: &budget,
                    newest_ns: &mut newest_ns,
                };
                replay
                    .frame(&mut schemas, sequence, payload)
                    .map_err(Into::into)
            },
            progress,
        )?;
        let wal = recovered.start()?;
        schemas.settle(wal.durable_sequence());
        schemas.retain_buckets(|bucket| catalog.bucket(bucket).is_some());
        let jobs = apply::start(buffer.clone())?;
        let resolver = Arc::new(Resolver::new(Parts {
            schemas,
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
            options,
            storage,
            catalog,
            buffer,
            budget,
            metrics,
            resolver,
            queued: Arc::default(),
            parsers,
            newest_replayed_ns: newest_ns,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Closes the log after what was submitted, with a mark of a clean end, and writes the
    /// schemas' checkpoint. Blocks on the disk.
    pub fn close(&self) -> Result<(), OpenError> {
        self.shared.resolver.wal().close()?;
        let schemas = self.shared.resolver.schemas();
        let durable = self.shared.resolver.wal().durable_sequence();
        schemas.write_checkpoint(self.shared.storage.as_ref(), durable)?;
        Ok(())
    }
}

struct Replay<'a> {
    catalog: &'a Catalog,
    buffer: &'a Buffer,
    budget: &'a Budget,
    /// The newest time of a point so far.
    newest_ns: &'a mut Option<i64>,
}

impl Replay<'_> {
    fn frame(
        &mut self,
        schemas: &mut Schemas,
        sequence: Sequence,
        payload: &[u8],
    ) -> Result<(), ReplayError> {
        let (bucket, batches) = frame::decode(payload)?;
        // Deleted since: its frames outlive it until their segment goes (D13). Its tables are still
        // numbered, so that those after them get the numbers that they had.
        let is_gone = self.catalog.bucket(bucket).is_none();
        if is_gone && !schemas.is_news(sequence) {
            return Ok(());
        }
        for batch in &batches {
            *self.newest_ns = batch.times().iter().copied().max().max(*self.newest_ns);
            schemas.extend(bucket, batch.measurement(), columns(batch), sequence)?;
            if is_gone {
                continue;
            }
            let reservation = self.budget.force(Buffer::apply_bytes_max(batch));
            self.buffer.apply(bucket, sequence, batch, reservation);
        }
        schemas.settle(sequence);
        let budget_bytes = self.budget.marks().budget_bytes;
        if self.budget.used_bytes() > budget_bytes {
            return Err(ReplayError::Memory { budget_bytes });
        }
        Ok(())
    }
}
