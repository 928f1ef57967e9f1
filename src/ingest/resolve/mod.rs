//! Resolving against the schema and taking a place in the log (design decision D4).
//!
//! ```text
//! lock: take the ground, unlock ─► decide, encode ─► lock: still the same? ─ yes ─► submit to the
//!                                     ▲                      │ no                log, grow, unlock
//!                                     └── what has changed ◄─┘
//! ```
//!
//! Nothing is done per column or per row under the lock: schemas are looked up and put in place, one
//! step per table. Deciding and encoding happen outside it and, if they are heavy, not on a thread
//! that serves others. So a body with a hundred thousand new columns costs other writers nothing
//! but CPU time.
//!
//! New columns are provisional until their frame is durable. When the log fails, its thread first
//! completes the frames that failed, and the first of these takes the provisional columns back under
//! this lock and begins a new [`Generation`] of frames. Frames submitted in the generation before
//! never reach the disk: they are turned away ([`Committed::NotAttempted`]) and resolved again.
//! Later frames rely on nothing that was taken back, so they are logged.

mod constraints;
mod decision;
mod rows;
mod series_limit;
mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::apply::{Committed, Job, Jobs};
use super::aside::aside;
use super::error::WriteError;
use super::in_flight::{Counted, SeriesInFlight};
use super::progress::Outgrowth;
use super::report::REPORTS_MAX;
use super::rules::Limits;
use super::scratch::Part;
use super::stuck::Stuck;
use crate::buffer::Buffer;
use crate::catalog::schema::{Checkpoint, Ground, Growth, Schemas};
use crate::catalog::{Bucket, Catalog};
use crate::certain::Certain;
use crate::id::{BucketId, Sequence};
use crate::memory::{Budget, Reservation};
use crate::vital;
use crate::wal::{CommitError, Generation, Lead, Wal};

pub(super) use constraints::{Constraints, SeriesInMemory};
pub(super) use decision::{Decider, Decision, Mode, Submitted};
pub(super) use rows::LineKey;
pub(super) use series_limit::admit;
pub(super) use table::takes_any;

use decision::PreparedFrame;

/// An id that no bucket has.
const NO_BUCKET: BucketId = BucketId(u64::MAX);

/// The step from parsed rows to a place in the log.
#[derive(Debug)]
pub(super) struct Resolver {
    schemas: Mutex<Schemas>,
    /// The generation of frames that are resolved now; read and advanced under the schemas' lock.
    generation: Mutex<Generation>,
    /// Covers the schemas.
    schema_memory: Mutex<Reservation>,
    wal: Wal,
    jobs: Jobs,
    catalog: Catalog,
    buffer: Buffer,
    budget: Budget,
    limits: Limits,
    /// The series of batches that are on their way to the buffer: they may be new.
    series_in_flight: Arc<SeriesInFlight>,
    /// Tables that take no rows.
    stuck: Arc<Stuck>,
    /// Of the schemas, over their checkpoint.
    outgrowth: Outgrowth,
}

/// The parts of a [`Resolver`].
pub(super) struct ResolverParts {
    pub(super) schemas: Schemas,
    /// Covers the schemas.
    pub(super) schema_memory: Reservation,
    pub(super) wal: Wal,
    pub(super) jobs: Jobs,
    pub(super) catalog: Catalog,
    pub(super) buffer: Buffer,
    pub(super) budget: Budget,
    pub(super) limits: Limits,
}

/// A frame to submit, with its consequences.
struct Submission {
    frame: PreparedFrame,
    /// The schemas that it extends.
    growth: Vec<Growth>,
    /// Counts its series until they are applied.
    in_flight: Counted,
}

impl Resolver {
    pub(super) fn new(parts: ResolverParts) -> Self {
        let ResolverParts {
            schemas,
            schema_memory,
            wal,
            jobs,
            catalog,
            buffer,
            budget,
            limits,
        } = parts;
        Self {
            schema_memory: Mutex::new(schema_memory),
            schemas: Mutex::new(schemas),
            generation: Mutex::default(),
            outgrowth: Outgrowth::default(),
            wal,
            jobs,
            catalog,
            buffer,
            budget,
            limits,
            series_in_flight: Arc::default(),
            stuck: Arc::default(),
        }
    }

    pub(super) fn wal(&self) -> &Wal {
        &self.wal
    }

    #[cfg(test)]
    pub(super) fn jobs(&self) -> &Jobs {
        &self.jobs
    }

    pub(super) fn stuck(&self) -> &Arc<Stuck> {
        &self.stuck
    }

    pub(super) fn log_health(&self) -> Result<(), String> {
        self.wal.health()
    }

    /// The memory that the schemas of a bucket take, in bytes.
    pub(super) fn schema_bytes(&self, bucket: BucketId) -> u64 {
        self.schemas().ground(bucket, []).bucket_bytes
    }

    /// Returns whether an empty bucket would take any row of a part.
    pub(super) fn takes_any(&self, part: &Part) -> bool {
        aside(bytes_of(std::slice::from_ref(part)), || {
            takes_any(part, &self.limits)
        })
    }

    /// Decides which rows fit a bucket that does not exist yet, without writing any. The bucket has no
    /// frame to wait for; so while names of other buckets are provisional, they cause no rejection
    /// here, and that is decided once the bucket exists.
    pub(super) fn check_only(&self, parts: Vec<Part>) -> Decision {
        aside(bytes_of(&parts), || {
            let durable = self.wal.durable_sequence();
            let others = self.schemas().ground(NO_BUCKET, []);
            let all = Ground {
                all_bytes: if others.all_since <= durable {
                    others.all_bytes
                } else {
                    0
                },
                ..Ground::default()
            };
            let nowhere = Arc::default();
            let constraints = self.constraints(&self.budget);
            let admitted = admit(constraints, &nowhere, NO_BUCKET, parts);
            let admitted = admitted.certain("nothing is on its way to it");
            let mut decider = Decider::new(constraints, admitted);
            decider.decide(all, Sequence::default());
            decider.decision()
        })
    }

    /// Decides which rows survive and submits them to the log, one frame per part, with memory from
    /// `budget`: the request's own view of it. Waits while batches on their way to the buffer may
    /// decide whether a series exceeds the limit.
    pub(super) async fn resolve(
        self: &Arc<Self>,
        bucket: &Bucket,
        parts: Vec<Part>,
        mode: Mode,
        budget: &Budget,
    ) -> Result<Decision, WriteError> {
        let bytes = bytes_of(&parts);
        let mut waiting = None;
        loop {
            let changed = self.series_in_flight.changed();
            let parts = parts.clone();
            let decided = aside(bytes, || self.try_resolve(bucket, parts, mode, budget))?;
            match decided {
                Some(decision) => return Ok(decision),
                None => {
                    waiting.get_or_insert_with(|| self.series_in_flight.await_none(bucket.id));
                    changed.await;
                }
            }
        }
    }

    fn try_resolve(
        self: &Arc<Self>,
        bucket: &Bucket,
        parts: Vec<Part>,
        mode: Mode,
        budget: &Budget,
    ) -> Result<Option<Decision>, WriteError> {
        let constraints = self.constraints(budget);
        let Some(admitted) = admit(constraints, &self.series_in_flight, bucket.id, parts) else {
            return Ok(None);
        };
        let counted = admitted.counted.clone();
        let mut decider = Decider::new(constraints, admitted);
        let mut frames = Vec::new();
        let (mut ground, mut durable) = self.ground(&mut self.schemas(), bucket, &decider)?;
        loop {
            decider.decide(ground, durable);
            if let Some(new) = decider.frames(bucket, mode)? {
                frames = new;
            }
            let names = budget.try_reserve(decider.new_bytes())?;
            let mut schemas = self.schemas();
            let watch = Watch::start();
            (ground, durable) = self.ground(&mut schemas, bucket, &decider)?;
            if !decider.holds(&ground) {
                continue;
            }
            let mut decision = decider.decision();
            // A frame whose columns are not in the schemas would be contradicted by the next one.
            vital::step("resolve", || {
                for (part, frame) in frames {
                    let growth = decider.take_growth(part);
                    let submission = Submission {
                        frame,
                        growth,
                        in_flight: counted.clone(),
                    };
                    let (_, commit, lead) = self.submit(&mut schemas, bucket, submission);
                    decision.submitted.add(commit, lead);
                }
                self.account(&schemas, names);
            });
            watch.saw_no_name();
            return Ok(Some(decision));
        }
    }

    /// The ground of a decision, as it is now.
    fn ground(
        &self,
        schemas: &mut Schemas,
        bucket: &Bucket,
        decider: &Decider<'_>,
    ) -> Result<(Ground, Sequence), WriteError> {
        // Read under the lock: if a frame below it failed, its columns were taken back before.
        let durable = self.wal.durable_sequence();
        schemas.settle(durable);
        if self.catalog.bucket(bucket.id).is_none() {
            return Err(WriteError::BucketGone(bucket.name.clone()));
        }
        self.stuck.check(bucket, decider.measurements())?;
        let ground = schemas.ground(bucket.id, decider.measurements());
        Ok((ground, durable))
    }

    fn constraints<'a>(&'a self, budget: &'a Budget) -> Constraints<'a> {
        Constraints {
            limits: &self.limits,
            budget,
            series: &self.buffer,
            reports_max: REPORTS_MAX,
        }
    }

    fn submit(
        self: &Arc<Self>,
        schemas: &mut Schemas,
        bucket: &Bucket,
        submission: Submission,
    ) -> (Sequence, oneshot::Receiver<Committed>, Option<Lead>) {
        let (done, commit) = oneshot::channel();
        let Submission {
            frame,
            growth,
            in_flight,
        } = submission;
        let PreparedFrame {
            payload,
            tables,
            reservation,
        } = frame;
        let resolver = Arc::clone(self);
        let bucket_id = bucket.id;
        let generation = *self.generation();
        let (sequence, lead) = self.wal.submit_to_lead(
            generation,
            payload,
            Box::new(move |sequence, result| match result {
                Ok(()) => resolver.jobs.send(Job {
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
            }),
        );
        schemas.grow(bucket.id, growth, sequence);
        (sequence, commit, lead)
    }

    /// Commits frames on this thread and applies them. Blocks on the disk.
    pub(super) fn commit_here(&self, lead: Lead) {
        self.jobs.apply_here(|| lead.commit());
    }

    /// Submits a frame that brings no column and no series, and needs no memory in the buffer.
    pub(super) fn submit_known(
        self: &Arc<Self>,
        bucket: &Bucket,
        payload: Vec<u8>,
    ) -> Result<(Sequence, oneshot::Receiver<Committed>), WriteError> {
        let frame = PreparedFrame {
            payload,
            tables: Vec::new(),
            reservation: self.budget.empty(),
        };
        let none = self.series_in_flight.add(bucket.id, 0, |_| true);
        let in_flight = none.ok_or(WriteError::Internal("nothing was one too many"))?;
        let mut schemas = self.schemas();
        if self.catalog.bucket(bucket.id).is_none() {
            return Err(WriteError::BucketGone(bucket.name.clone()));
        }
        let submission = Submission {
            frame,
            growth: Vec::new(),
            in_flight,
        };
        let (sequence, commit, lead) = self.submit(&mut schemas, bucket, submission);
        drop(lead);
        Ok((sequence, commit))
    }

    /// Runs on the thread that commits: the provisional columns go before any request is answered, once for
    /// all frames of a generation. Columns of the next generation stay: their frames are on the way.
    fn failed(&self, generation: Generation, error: &CommitError) -> Committed {
        let mut schemas = self.schemas();
        let mut current = self.generation();
        if *current == generation {
            *current = generation.next();
            schemas.roll_back(self.wal.durable_sequence());
            self.account(&schemas, self.budget.empty());
        }
        drop(current);
        drop(schemas);
        match error {
            CommitError::NotAttempted => Committed::NotAttempted,
            other => Committed::Failed(other.to_string()),
        }
    }

    /// Forgets a bucket that the catalog no longer has: its schemas and its points. Batches of it that
    /// are still on their way are dropped when they reach the buffer.
    pub(super) fn drop_bucket(&self, bucket: BucketId) {
        let mut schemas = self.schemas();
        let dropped = schemas.drop_bucket(bucket);
        self.account(&schemas, self.budget.empty());
        drop(schemas);
        drop(dropped);
        self.buffer.drop_bucket(bucket);
    }

    /// Reports to the budget what the schemas take now. `names` covers the new ones.
    fn account(&self, schemas: &Schemas, names: Reservation) {
        let held = self.schema_memory.lock();
        let mut held = held.unwrap_or_else(PoisonError::into_inner);
        held.merge(names.hand_over());
        debug_assert!(held.bytes() >= schemas.heap_bytes(), "names are paid for");
        held.shrink_to(schemas.heap_bytes());
        self.outgrowth.look(schemas.heap_bytes());
    }

    pub(super) fn outgrowth(&self) -> &Outgrowth {
        &self.outgrowth
    }

    /// The schemas as they are on disk now.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        let schemas = self.schemas();
        // Read under the lock: if a frame below it failed, its columns were taken back before.
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

/// The memory that the columns of rows take, in bytes: a measure of the work that they make.
fn bytes_of(parts: &[Part]) -> u64 {
    let tables = parts.iter().flatten();
    tables.map(|table| table.batch.heap_bytes()).sum()
}

/// Checks in tests that no column is looked at under the lock.
struct Watch {
    #[cfg(test)]
    names: usize,
}

impl Watch {
    fn start() -> Self {
        Self {
            #[cfg(test)]
            names: crate::catalog::schema::work::names(),
        }
    }

    fn saw_no_name(&self) {
        #[cfg(test)]
        assert_eq!(self.names, crate::catalog::schema::work::names());
    }
}
