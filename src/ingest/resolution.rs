//! Which of a request's rows survive: held against the schemas under the resolver's lock, settled
//! row by row outside of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::WriteError;
use super::apply::Committed;
use super::frame;
use super::report::Counts;
use super::rules::{Limits, limit};
use super::scratch::{Origin, TableRows};
use super::settle::{Clash, Settled, settle};
use crate::buffer::Buffer;
use crate::catalog::Bucket;
use crate::catalog::schema::{ColumnKind, Schemas, TableSchema};
use crate::columnar::Batch;
use crate::id::{BucketId, Sequence};
use crate::memory::{Budget, Reservation};

/// The rows of one slice, which become one frame.
pub(super) type Part = Vec<Arc<TableRows>>;

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
    pub(super) origin: Origin,
    pub(super) clash: Clash,
}

/// What was decided, and the frames to wait for.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Rows that were submitted.
    pub(super) accepted: u64,
    /// Rows that were refused, by reason.
    pub(super) rejected: Counts,
    /// Rows among them of which it was reported that a field was dropped.
    pub(super) dropped_in_vain: u64,
    /// The first refused rows of each table.
    pub(super) refused: Vec<RefusedRow>,
    /// A refusal relied on a frame that may still fail: it stands only after that one is durable.
    pub(super) doubtful: bool,
    /// One a frame.
    pub(super) commits: Vec<oneshot::Receiver<Committed>>,
}

/// Encoded rows with the memory that holding and applying them takes.
pub(super) struct Frame {
    pub(super) payload: Vec<u8>,
    pub(super) tables: Part,
    pub(super) reservation: Reservation,
}

/// A table whose columns do not fit, with the schema that they were held against.
pub(super) struct Misfit {
    part: usize,
    table: usize,
    schema: Option<Arc<TableSchema>>,
    /// Whether one table more is too many.
    one_too_many: bool,
}

/// What rows are held against, beside the schemas.
#[derive(Clone, Copy)]
pub(super) struct Held<'a> {
    pub(super) limits: &'a Limits,
    pub(super) budget: &'a Budget,
    pub(super) buffer: &'a dyn HeldSeries,
    /// Refused rows of a table that are named at most.
    pub(super) reports_max: usize,
}

/// The series that are in memory: a bucket may have so many.
pub(super) trait HeldSeries {
    /// How many a bucket has.
    fn series_count(&self, bucket: BucketId) -> u64;

    /// Whether this is one of them. `tags` are unescaped, ordered by key, distinct.
    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool;
}

impl HeldSeries for Buffer {
    fn series_count(&self, bucket: BucketId) -> u64 {
        self.series_count(bucket)
    }

    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool {
        self.contains_series(bucket, measurement, tags)
    }
}

/// The decision about the rows of one request, or of one slice of it.
pub(super) struct Resolution<'a> {
    held: Held<'a>,
    parts: Vec<Part>,
    pub(super) resolved: Resolved,
    /// How often columns had been taken back when rows were first held against the schema.
    pub(super) roll_backs: Option<u64>,
}

impl<'a> Resolution<'a> {
    pub(super) fn new(held: Held<'a>, parts: Vec<Part>) -> Self {
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
            held,
            parts,
            resolved,
            roll_backs: None,
        }
    }

    /// Whether a row was refused for a provisional column while columns were taken back.
    pub(super) fn relied_on_what_is_gone(&self, schemas: &Schemas) -> bool {
        let seen = self.roll_backs.unwrap_or_else(|| schemas.roll_backs());
        self.resolved.doubtful && seen != schemas.roll_backs()
    }

    /// Encodes what is left, a frame a part, and reserves what logging and applying it takes.
    pub(super) fn frames(&self, bucket: &Bucket, mode: Mode) -> Result<Vec<Frame>, WriteError> {
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
            let mut reservation = self.held.budget.try_reserve(apply_bytes)?;
            let payload = frame::encode(bucket.id, batches);
            reservation.try_grow(wide(payload.len()))?;
            frames.push(Frame {
                payload,
                tables: part.clone(),
                reservation,
            });
        }
        if frames.is_empty() && self.resolved.doubtful {
            // Nothing is written, and still there is something to wait for.
            let payload = frame::encode(bucket.id, []);
            frames.push(Frame {
                payload,
                tables: Vec::new(),
                reservation: self.held.budget.empty(),
            });
        }
        Ok(frames)
    }

    /// The tables whose columns do not fit, or nothing if all do. Parts are held against the
    /// schema as the parts before them leave it; so behind one that does not fit, which has to be
    /// settled first, its table is not looked at.
    pub(super) fn misfits(
        &self,
        schemas: &Schemas,
        bucket: Option<&Bucket>,
    ) -> Option<Vec<Misfit>> {
        let table_count = bucket.map_or(0, |bucket| schemas.table_count(bucket.id));
        let mut overlay: HashMap<&str, Arc<TableSchema>> = HashMap::new();
        let mut new_tables: HashSet<&str> = HashSet::new();
        let mut misfits = Vec::new();
        let mut unsettled: HashSet<&str> = HashSet::new();
        for (part_index, part) in self.parts.iter().enumerate() {
            for (table_index, table) in part.iter().enumerate() {
                let name = table.batch.measurement();
                if unsettled.contains(name) {
                    continue;
                }
                let existing = bucket.and_then(|bucket| schemas.table(bucket.id, name));
                let schema = overlay.get(name).or(existing);
                if existing.is_none() {
                    new_tables.insert(name);
                }
                let one_too_many = existing.is_none()
                    && table_count + new_tables.len() > self.held.limits.tables_max;
                if one_too_many || !fits(schema, &table.batch, self.held.limits.columns_max) {
                    let schema = schema.cloned();
                    misfits.push(Misfit {
                        part: part_index,
                        table: table_index,
                        schema,
                        one_too_many,
                    });
                    new_tables.remove(name);
                    unsettled.insert(name);
                } else if self.parts.len() > 1 {
                    let extended = TableSchema::extended(schema, columns(&table.batch));
                    overlay.insert(name, Arc::new(extended));
                }
            }
        }
        (!misfits.is_empty()).then_some(misfits)
    }

    /// Holds the rows against schemas that nobody else changes, until what is left fits.
    pub(super) fn decide(&mut self, schemas: &Schemas, bucket: Option<&Bucket>) {
        while let Some(misfits) = self.misfits(schemas, bucket) {
            self.drop_rows(misfits, Sequence(0));
        }
    }

    /// What was decided, and the rows that are left.
    pub(super) fn into_parts(self) -> (Resolved, Vec<Part>) {
        (self.resolved, self.parts)
    }

    /// Settles the tables that do not fit, row by row.
    pub(super) fn drop_rows(&mut self, misfits: Vec<Misfit>, durable: Sequence) {
        let (limits, reports_max) = (self.held.limits, self.held.reports_max);
        for misfit in misfits {
            let Some(table) = self
                .parts
                .get(misfit.part)
                .and_then(|part| part.get(misfit.table))
            else {
                continue;
            };
            let settled = if misfit.one_too_many {
                refuse_all(&table.batch, limits.tables_max, reports_max)
            } else {
                settle(
                    misfit.schema.as_deref(),
                    &table.batch,
                    (limits.columns_max, reports_max),
                    durable,
                )
            };
            self.resolved.doubtful |= settled.relied_on.is_some();
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
        let origins = slot.origins.iter().zip(&settled.keep);
        let in_vain = origins
            .clone()
            .filter(|(origin, keep)| origin.dropped && !**keep);
        self.resolved.dropped_in_vain += wide(in_vain.count());
        let origins = origins.filter(|(_, keep)| **keep);
        let origins = origins.map(|(origin, _)| *origin).collect();
        *slot = Arc::new(TableRows {
            batch: slot.batch.retain(&settled.keep),
            origins,
        });
    }

    /// Refuses rows whose series would be one too many in memory. Exact as long as no other
    /// request is between log and buffer; those in flight are counted as if their series were new.
    pub(super) fn enforce_series_limit(&mut self, bucket: &Bucket, in_flight: u64) {
        let held = self.held.buffer.series_count(bucket.id) + in_flight;
        let series_max = self.held.limits.series_max;
        if held + self.parts.iter().map(part_series).sum::<u64>() <= series_max {
            return;
        }
        let mut free = series_max.saturating_sub(held);
        for part in 0..self.parts.len() {
            for table in 0..self.parts.get(part).map_or(0, Vec::len) {
                let Some(rows) = self.parts.get(part).and_then(|part| part.get(table)) else {
                    continue;
                };
                let settled = refuse_new_series(self.held, bucket, &rows.batch, &mut free);
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

pub(super) fn part_series(part: &Part) -> u64 {
    part.iter()
        .map(|table| wide(table.batch.series_count()))
        .sum()
}

/// Whether an empty bucket would take any row of a part.
pub(super) fn takes_any(part: &Part, columns_max: usize) -> bool {
    part.iter().any(|table| {
        let settled = settle(None, &table.batch, (columns_max, 0), Sequence(0));
        settled.keep.contains(&true)
    })
}

fn refuse_all(batch: &Batch, tables_max: usize, reports_max: usize) -> Settled {
    let refusal = limit(
        "tables_max",
        "the number of measurements of the bucket",
        tables_max,
        tables_max + 1,
    );
    let mut settled = Settled::keeping(batch.rows(), reports_max);
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
fn refuse_new_series(held: Held<'_>, bucket: &Bucket, batch: &Batch, free: &mut u64) -> Settled {
    let series_max = held.limits.series_max;
    let refusal = super::rules::Refusal::Limit {
        name: "series_max",
        what: "the number of series of the bucket in memory",
        limit: series_max,
        found: series_max.saturating_add(1),
    };
    let mut verdicts: HashMap<u32, bool> = HashMap::new();
    let mut settled = Settled::keeping(batch.rows(), held.reports_max);
    for (row, series) in batch.series_of_rows().iter().enumerate() {
        let keep = *verdicts.entry(*series).or_insert_with(|| {
            let tags: Vec<(&str, &str)> = batch.series_tags(*series).collect();
            if held
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
