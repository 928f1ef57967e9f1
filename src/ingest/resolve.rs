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
//! of these takes the provisional columns back under this lock; only then does it turn away what
//! was queued behind them ([`Committed::NotAttempted`]). So whatever was resolved against columns
//! that are gone never reaches the disk, and is resolved again.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::WriteError;
use super::apply::{Committed, Job};
use super::frame;
use super::report::Counts;
use super::rules::{Limits, limit};
use super::scratch::TableRows;
use super::settle::{Clash, Settled, settle};
use crate::buffer::Buffer;
use crate::catalog::schema::{ColumnKind, Schemas, TableSchema};
use crate::catalog::{Bucket, Catalog};
use crate::columnar::Batch;
use crate::id::Sequence;
use crate::memory::{Budget, Reservation};
use crate::wal::{CommitError, Wal};

/// The rows of one slice, which become one frame.
pub(super) type Part = Vec<Arc<TableRows>>;

/// The step from parsed rows to a place in the log.
#[derive(Debug)]
pub(super) struct Resolver {
    schemas: Mutex<Schemas>,
    wal: Wal,
    jobs: Sender<Job>,
    catalog: Catalog,
    buffer: Buffer,
    budget: Budget,
    limits: Limits,
    /// Series of batches that are logged but not applied: they may be new.
    series_in_flight: AtomicU64,
}

/// What is to be submitted of what survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of it.
    Partial,
    /// All of it if no row was refused, else nothing.
    AllOrNothing,
    /// Nothing: only the refusals are of interest.
    CheckOnly,
}

/// A row that the schema or a limit refused.
#[derive(Debug)]
pub(super) struct RefusedRow {
    pub(super) origin: super::scratch::Origin,
    pub(super) clash: Clash,
}

/// What was decided, and the frames to wait for.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Rows that were submitted.
    pub(super) accepted: u64,
    /// Rows that were refused, by reason.
    pub(super) rejected: Counts,
    /// The first refused rows of each table.
    pub(super) refused: Vec<RefusedRow>,
    /// One a frame.
    pub(super) commits: Vec<oneshot::Receiver<Committed>>,
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
            schemas: Mutex::new(schemas),
            wal,
            jobs,
            catalog,
            buffer,
            budget,
            limits,
            series_in_flight: AtomicU64::new(0),
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
        part.iter().any(|table| {
            let settled = settle(None, &table.batch, self.limits.columns_max, Sequence(0));
            settled.keep.contains(&true)
        })
    }

    /// Decides which rows fit a bucket that does not exist yet, without writing any.
    pub(super) fn check_only(&self, parts: Vec<Part>) -> Resolved {
        let mut resolution = Resolution::new(self, parts);
        let empty = Schemas::default();
        while let Some(misfits) = resolution.misfits(&empty, None) {
            resolution.drop_rows(misfits, Sequence(0));
        }
        resolution.resolved
    }

    /// Decides which rows survive and submits them to the log, a frame a part.
    pub(super) fn resolve(
        self: &Arc<Self>,
        bucket: &Bucket,
        parts: Vec<Part>,
        mode: Mode,
    ) -> Result<Resolved, WriteError> {
        let mut resolution = Resolution::new(self, parts.clone());
        resolution.enforce_series_limit(bucket);
        loop {
            let frames = resolution.frames(bucket, mode)?;
            let durable = self.wal.durable_sequence();
            let mut schemas = self.schemas();
            schemas.settle(durable);
            if resolution.relied_on_what_is_gone(&schemas) {
                drop(schemas);
                resolution = Resolution::new(self, parts.clone());
                resolution.enforce_series_limit(bucket);
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
            return Ok(resolution.resolved);
        }
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
        let series = part_series(&tables);
        self.series_in_flight.fetch_add(series, Ordering::Relaxed);
        let resolver = Arc::clone(self);
        let bucket_id = bucket.id;
        let logged = tables.clone();
        let sequence = self.wal.submit(
            payload,
            Box::new(move |sequence, result| {
                let tables = logged;
                match result {
                    Ok(()) => resolver.queue(Job {
                        bucket: bucket_id,
                        sequence,
                        tables,
                        reservation,
                        done,
                    }),
                    Err(error) => {
                        let _ = done.send(resolver.failed(&error));
                    }
                }
                resolver
                    .series_in_flight
                    .fetch_sub(series, Ordering::Relaxed);
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

    /// Runs on the log's thread: the provisional columns go before anything else is told.
    fn failed(&self, error: &CommitError) -> Committed {
        self.schemas().roll_back(self.wal.durable_sequence());
        match error {
            CommitError::NotAttempted => Committed::NotAttempted,
            other => Committed::Failed(other.to_string()),
        }
    }

    /// The schemas, for a checkpoint.
    pub(super) fn schemas(&self) -> MutexGuard<'_, Schemas> {
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Encoded rows with the memory that holding and applying them takes.
struct Frame {
    payload: Vec<u8>,
    tables: Part,
    reservation: Reservation,
}

/// A table whose columns do not fit, with the schema that they were held against.
struct Misfit {
    part: usize,
    table: usize,
    schema: Option<Arc<TableSchema>>,
    /// Whether one table more is too many.
    one_too_many: bool,
}

/// The state of one call of [`Resolver::resolve`].
struct Resolution<'a> {
    resolver: &'a Resolver,
    parts: Vec<Part>,
    resolved: Resolved,
    /// A refusal relied on a frame that may still fail: wait for it even if nothing is written.
    needs_barrier: bool,
    /// How often columns had been taken back when rows were first held against the schema.
    roll_backs: Option<u64>,
}

impl<'a> Resolution<'a> {
    fn new(resolver: &'a Resolver, parts: Vec<Part>) -> Self {
        let rows = parts
            .iter()
            .flatten()
            .map(|table| table.batch.rows())
            .sum::<usize>();
        let resolved = Resolved {
            accepted: wide(rows),
            ..Resolved::default()
        };
        Self {
            resolver,
            parts,
            resolved,
            needs_barrier: false,
            roll_backs: None,
        }
    }

    /// Whether a row was refused for a provisional column while columns were taken back.
    fn relied_on_what_is_gone(&self, schemas: &Schemas) -> bool {
        let seen = self.roll_backs.unwrap_or_else(|| schemas.roll_backs());
        self.needs_barrier && seen != schemas.roll_backs()
    }

    /// Encodes what is left, a frame a part, and reserves what logging and applying it takes.
    fn frames(&self, bucket: &Bucket, mode: Mode) -> Result<Vec<Frame>, WriteError> {
        let written = match mode {
            Mode::Partial => true,
            Mode::AllOrNothing => self.resolved.rejected.rejected() == 0,
            Mode::CheckOnly => false,
        };
        let parts = self.parts.iter().filter(|part| written && !part.is_empty());
        let mut frames = Vec::new();
        for part in parts {
            let batches = part.iter().map(|table| &table.batch);
            let apply_bytes = batches.clone().map(Buffer::apply_bytes_max).sum::<u64>();
            let mut reservation = self.resolver.budget.try_reserve(apply_bytes)?;
            let payload = frame::encode(bucket.id, batches);
            reservation.try_grow(wide(payload.len()))?;
            frames.push(Frame {
                payload,
                tables: part.clone(),
                reservation,
            });
        }
        if frames.is_empty() && self.needs_barrier {
            let payload = frame::encode(bucket.id, []);
            frames.push(Frame {
                payload,
                tables: Vec::new(),
                reservation: self.resolver.budget.empty(),
            });
        }
        Ok(frames)
    }

    /// The tables whose columns do not fit, or nothing if all do. Parts are held against the
    /// schema as the parts before them leave it.
    fn misfits(&self, schemas: &Schemas, bucket: Option<&Bucket>) -> Option<Vec<Misfit>> {
        let table_count = bucket.map_or(0, |bucket| schemas.table_count(bucket.id));
        let mut overlay: HashMap<&str, Arc<TableSchema>> = HashMap::new();
        let mut new_tables: HashSet<&str> = HashSet::new();
        let mut misfits = Vec::new();
        for (part_index, part) in self.parts.iter().enumerate() {
            for (table_index, table) in part.iter().enumerate() {
                let name = table.batch.measurement();
                let existing = bucket.and_then(|bucket| schemas.table(bucket.id, name));
                let schema = overlay.get(name).or(existing);
                if existing.is_none() {
                    new_tables.insert(name);
                }
                let one_too_many = existing.is_none()
                    && table_count + new_tables.len() > self.resolver.limits.tables_max;
                if one_too_many || !fits(schema, &table.batch, self.resolver.limits.columns_max) {
                    let schema = schema.cloned();
                    misfits.push(Misfit {
                        part: part_index,
                        table: table_index,
                        schema,
                        one_too_many,
                    });
                    new_tables.remove(name);
                } else if self.parts.len() > 1 {
                    let extended = TableSchema::extended(schema, columns(&table.batch));
                    overlay.insert(name, Arc::new(extended));
                }
            }
        }
        (!misfits.is_empty()).then_some(misfits)
    }

    /// Settles the tables that do not fit, row by row.
    fn drop_rows(&mut self, misfits: Vec<Misfit>, durable: Sequence) {
        let limits = self.resolver.limits;
        for misfit in misfits {
            let Some(table) = self
                .parts
                .get(misfit.part)
                .and_then(|part| part.get(misfit.table))
            else {
                continue;
            };
            let settled = if misfit.one_too_many {
                refuse_all(&table.batch, limits.tables_max)
            } else {
                settle(
                    misfit.schema.as_deref(),
                    &table.batch,
                    limits.columns_max,
                    durable,
                )
            };
            self.needs_barrier |= settled.relied_on.is_some();
            self.keep(misfit.part, misfit.table, settled);
        }
        for part in &mut self.parts {
            part.retain(|table| table.batch.rows() > 0);
        }
    }

    /// Replaces a table by its surviving rows and notes the others.
    fn keep(&mut self, part: usize, table: usize, settled: Settled) {
        let Some(slot) = self
            .parts
            .get_mut(part)
            .and_then(|part| part.get_mut(table))
        else {
            return;
        };
        self.resolved.accepted -= settled.counts.rejected();
        self.resolved.rejected.merge(&settled.counts);
        self.resolved
            .refused
            .extend(settled.refused.into_iter().filter_map(|(row, clash)| {
                slot.origins.get(row).map(|origin| RefusedRow {
                    origin: *origin,
                    clash,
                })
            }));
        let origins = slot
            .origins
            .iter()
            .zip(&settled.keep)
            .filter(|(_, keep)| **keep);
        let origins = origins.map(|(origin, _)| *origin).collect();
        *slot = Arc::new(TableRows {
            batch: slot.batch.retain(&settled.keep),
            origins,
        });
    }

    /// Refuses rows whose series would be one too many in memory. Exact as long as no other
    /// request is between log and buffer; those in flight are counted as if their series were new.
    fn enforce_series_limit(&mut self, bucket: &Bucket) {
        let resolver = self.resolver;
        let held = resolver.buffer.series_count(bucket.id)
            + resolver.series_in_flight.load(Ordering::Relaxed);
        let series_max = resolver.limits.series_max;
        if held + self.parts.iter().map(part_series).sum::<u64>() <= series_max {
            return;
        }
        let mut free = series_max.saturating_sub(held);
        for part in 0..self.parts.len() {
            for table in 0..self.parts.get(part).map_or(0, Vec::len) {
                let Some(rows) = self.parts.get(part).and_then(|part| part.get(table)) else {
                    continue;
                };
                let settled = refuse_new_series(resolver, bucket, &rows.batch, &mut free);
                if settled.keep.contains(&false) {
                    self.keep(part, table, settled);
                }
            }
        }
        for part in &mut self.parts {
            part.retain(|table| table.batch.rows() > 0);
        }
    }
}

/// Whether every column of a batch fits a schema as it is, new ones included.
fn fits(schema: Option<&Arc<TableSchema>>, batch: &Batch, columns_max: usize) -> bool {
    let mut new = HashSet::new();
    for (name, kind) in columns(batch) {
        match schema.and_then(|schema| schema.column(name)) {
            Some(column) if column.kind == kind => {}
            Some(_) => return false,
            None if !new.insert(name) => return false,
            None => {}
        }
    }
    new.is_empty() || schema.map_or(0, |schema| schema.len()) + new.len() <= columns_max
}

/// The columns of a batch: tags, then fields. Replay adds them in the same order.
pub(super) fn columns(batch: &Batch) -> impl Iterator<Item = (&str, ColumnKind)> {
    let tags = batch.tag_keys().map(|key| (key, ColumnKind::Tag));
    tags.chain(
        batch
            .fields()
            .iter()
            .map(|f| (f.name(), ColumnKind::Field(f.field_type()))),
    )
}

fn part_series(part: &Part) -> u64 {
    part.iter()
        .map(|table| wide(table.batch.series_count()))
        .sum()
}

fn refuse_all(batch: &Batch, tables_max: usize) -> Settled {
    let refusal = limit(
        "tables_max",
        "the number of measurements of the bucket",
        tables_max,
        tables_max + 1,
    );
    let mut settled = Settled::keeping(batch.rows());
    for row in 0..batch.rows() {
        settled.refuse(
            row,
            Clash::Limit {
                refusal: refusal.clone(),
            },
        );
    }
    settled
}

/// Keeps rows of known series and of `free` new ones, in line order.
fn refuse_new_series(
    resolver: &Resolver,
    bucket: &Bucket,
    batch: &Batch,
    free: &mut u64,
) -> Settled {
    let series_max = resolver.limits.series_max;
    let refusal = super::rules::Refusal::Limit {
        name: "series_max",
        what: "the number of series of the bucket in memory",
        limit: series_max,
        found: series_max.saturating_add(1),
    };
    let mut verdicts: HashMap<u32, bool> = HashMap::new();
    let mut settled = Settled::keeping(batch.rows());
    for (row, series) in batch.series_of_rows().iter().enumerate() {
        let keep = *verdicts.entry(*series).or_insert_with(|| {
            let tags: Vec<(&str, &str)> = batch.series_tags(*series).collect();
            if resolver
                .buffer
                .contains_series(bucket.id, batch.measurement(), &tags)
            {
                return true;
            }
            let granted = *free > 0;
            *free = free.saturating_sub(1);
            granted
        });
        if !keep {
            settled.refuse(
                row,
                Clash::Limit {
                    refusal: refusal.clone(),
                },
            );
        }
    }
    settled
}

fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}
