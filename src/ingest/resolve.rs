//! Resolving against the schema and taking a place in the log: one step under one short lock
//! (design decision D4).
//!
//! ```text
//! encode ─► lock: does every column fit? ─ yes ─► submit to the log, extend the schema, unlock
//!   ▲                     │ no
//!   └── drop rows ◄── unlock: settle row by row against a snapshot
//! ```
//!
//! Under the lock only column names are compared. New columns are provisional until their frame
//! is durable. When the log fails, its thread first tells the frames that failed, and the first
//! of these takes the provisional columns back under this lock and begins a new [`Generation`] of
//! frames. What was submitted in the one before never reaches the disk: it is turned away
//! ([`Committed::NotAttempted`]) and resolved again. What comes after relies on nothing that is
//! gone, so it is logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::apply::{Committed, Job};
use super::in_flight::SeriesInFlight;
use super::resolution::{
    Frame, Held, Mode, Part, Resolution, Resolved, columns, part_series, takes_any,
};
use super::rules::Limits;
use super::{REPORTS_MAX, WriteError};
use crate::buffer::Buffer;
use crate::catalog::schema::{Checkpoint, Schemas};
use crate::catalog::{Bucket, Catalog};
use crate::id::BucketId;
use crate::memory::{Budget, Reservation};
use crate::wal::{CommitError, Generation, Wal};

/// The step from parsed rows to a place in the log.
#[derive(Debug)]
pub(super) struct Resolver {
    schemas: Mutex<Schemas>,
    /// Of the frames that are resolved now; looked at and moved on under the lock on the schemas.
    generation: Mutex<Generation>,
    /// Covers the schemas. Names are forced into the budget: they are small beside the rows that
    /// bring them, for which there was room.
    schema_memory: Mutex<Reservation>,
    wal: Wal,
    jobs: Sender<Job>,
    catalog: Catalog,
    buffer: Buffer,
    budget: Budget,
    limits: Limits,
    /// Series of batches that are logged but not applied: they may be new.
    series_in_flight: Arc<AtomicU64>,
}

/// The parts of a [`Resolver`].
pub(super) struct Parts {
    pub(super) schemas: Schemas,
    pub(super) wal: Wal,
    pub(super) jobs: Sender<Job>,
    pub(super) catalog: Catalog,
    pub(super) buffer: Buffer,
    pub(super) budget: Budget,
    pub(super) limits: Limits,
}

impl Resolver {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            schemas,
            wal,
            jobs,
            catalog,
            buffer,
            budget,
            limits,
        } = parts;
        Self {
            schema_memory: Mutex::new(budget.force(schemas.heap_bytes())),
            schemas: Mutex::new(schemas),
            generation: Mutex::default(),
            wal,
            jobs,
            catalog,
            buffer,
            budget,
            limits,
            series_in_flight: Arc::default(),
        }
    }

    pub(super) fn wal(&self) -> &Wal {
        &self.wal
    }

    pub(super) fn log_health(&self) -> Result<(), String> {
        self.wal.health()
    }

    /// Whether an empty bucket would take any row of a part.
    pub(super) fn takes_any(&self, part: &Part) -> bool {
        takes_any(part, self.limits.columns_max)
    }

    /// Decides which rows fit a bucket that does not exist yet, without writing any.
    pub(super) fn check_only(&self, parts: Vec<Part>) -> Resolved {
        let mut resolution = Resolution::new(self.held(&self.budget), parts);
        resolution.decide(&Schemas::default(), None);
        resolution.resolved
    }

    /// Decides which rows survive and submits them to the log, a frame a part, with memory from
    /// `budget`: the request's own view of it.
    pub(super) fn resolve(
        self: &Arc<Self>,
        bucket: &Bucket,
        parts: Vec<Part>,
        mode: Mode,
        budget: &Budget,
    ) -> Result<Resolved, WriteError> {
        let mut resolution = self.begin(bucket, &parts, budget);
        loop {
            let frames = resolution.frames(bucket, mode)?;
            let durable = self.wal.durable_sequence();
            let mut schemas = self.schemas();
            schemas.settle(durable);
            if resolution.relied_on_what_is_gone(&schemas) {
                drop(schemas);
                resolution = self.begin(bucket, &parts, budget);
                continue;
            }
            if self.catalog.bucket(bucket.id).is_none() {
                return Err(WriteError::BucketGone(bucket.name.clone()));
            }
            if let Some(misfits) = resolution.misfits(&schemas, Some(bucket)) {
                let roll_backs = schemas.roll_backs();
                drop(schemas);
                resolution.drop_rows(misfits, durable);
                resolution.roll_backs.get_or_insert(roll_backs);
                continue;
            }
            for frame in frames {
                let commit = self.submit(&mut schemas, bucket, frame);
                resolution.resolved.commits.push(commit);
            }
            self.account(&schemas);
            return Ok(resolution.resolved);
        }
    }

    fn held<'a>(&'a self, budget: &'a Budget) -> Held<'a> {
        Held {
            limits: &self.limits,
            budget,
            buffer: &self.buffer,
            reports_max: REPORTS_MAX,
        }
    }

    fn begin<'a>(&'a self, bucket: &Bucket, parts: &[Part], budget: &'a Budget) -> Resolution<'a> {
        let mut resolution = Resolution::new(self.held(budget), parts.to_vec());
        let in_flight = self.series_in_flight.load(Ordering::Relaxed);
        resolution.enforce_series_limit(bucket, in_flight);
        resolution
    }

    fn submit(
        self: &Arc<Self>,
        schemas: &mut Schemas,
        bucket: &Bucket,
        frame: Frame,
    ) -> oneshot::Receiver<Committed> {
        let (done, commit) = oneshot::channel();
        let Frame {
            payload,
            tables,
            reservation,
        } = frame;
        let in_flight = SeriesInFlight::new(&self.series_in_flight, part_series(&tables));
        let resolver = Arc::clone(self);
        let bucket_id = bucket.id;
        let logged = tables.clone();
        let generation = *self.generation();
        let sequence = self.wal.submit(
            generation,
            payload,
            Box::new(move |sequence, result| {
                let tables = logged;
                match result {
                    Ok(()) => resolver.queue(Job {
                        bucket: bucket_id,
                        sequence,
                        tables,
                        reservation,
                        in_flight,
                        done,
                    }),
                    Err(error) => {
                        drop(in_flight);
                        let _ = done.send(resolver.failed(generation, &error));
                    }
                }
            }),
        );
        for table in &tables {
            let columns = columns(&table.batch);
            // It fits: this was checked under the same lock.
            let extended = schemas.extend(bucket.id, table.batch.measurement(), columns, sequence);
            debug_assert!(extended.is_ok(), "checked under the same lock");
        }
        commit
    }

    /// Runs on the log's thread, in sequence order.
    fn queue(&self, job: Job) {
        if let Err(lost) = self.jobs.send(job) {
            let _ = lost
                .0
                .done
                .send(Committed::Failed("the server is stopping".to_owned()));
        }
    }

    /// Runs on the log's thread: the provisional columns go before anything else is told, once for
    /// all frames of a generation. Those of the next one stay: their frames are on the way.
    fn failed(&self, generation: Generation, error: &CommitError) -> Committed {
        let mut schemas = self.schemas();
        let mut current = self.generation();
        if *current == generation {
            *current = generation.next();
            schemas.roll_back(self.wal.durable_sequence());
            self.account(&schemas);
        }
        drop(current);
        drop(schemas);
        match error {
            CommitError::NotAttempted => Committed::NotAttempted,
            other => Committed::Failed(other.to_string()),
        }
    }

    /// Forgets a bucket that the catalog no longer has: its schemas and its points. Whatever of it
    /// is still on the way to the log is let go when it comes to the buffer.
    pub(super) fn drop_bucket(&self, bucket: BucketId) {
        let mut schemas = self.schemas();
        schemas.drop_bucket(bucket);
        self.account(&schemas);
        drop(schemas);
        self.buffer.drop_bucket(bucket);
    }

    /// Lets the budget know what the schemas take now.
    fn account(&self, schemas: &Schemas) {
        let mut held = self
            .schema_memory
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let bytes = schemas.heap_bytes();
        let more = bytes.saturating_sub(held.bytes());
        held.merge(self.budget.force(more));
        held.shrink_to(bytes);
    }

    /// The schemas as they are on disk now.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let schemas = self.schemas();
        // Read under the lock: what has failed below it was taken back before it came so far.
        schemas.checkpoint(self.wal.durable_sequence())
    }

    fn generation(&self) -> MutexGuard<'_, Generation> {
        self.generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn schemas(&self) -> MutexGuard<'_, Schemas> {
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
