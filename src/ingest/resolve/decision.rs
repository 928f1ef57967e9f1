//! The decision on which of a request's rows survive: made against schemas that do not change,
//! without a lock.
//!
//! ```text
//! rows of a table, part by part     base schema ─► part 1 ─► part 2 ─► …    each a successor, or the same
//! ```
//!
//! Each table is decided by itself, except for the limits that all tables of a bucket share: their
//! number and the memory of their schemas, which go to the tables in the order of their first
//! lines. So if one table has changed in the meantime, only that table is decided again.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::constraints::Constraints;
use super::rows::{Conflict, RowDecisions, Terms};
use super::series_limit::Admitted;
use super::table::{Table, TableCount, TablePart};
use crate::buffer::Buffer;
use crate::catalog::Bucket;
use crate::catalog::schema::{Ground, Growth};
use crate::certain::Certain;
use crate::id::Sequence;
use crate::ingest::apply::Committed;
use crate::ingest::keyed::Keyed;
use crate::ingest::payload;
use crate::ingest::report::Counts;
use crate::ingest::rules::Room;
use crate::ingest::scratch::{Origin, Part, TableRows};
use crate::memory::{Exhausted, Reservation};
use crate::narrow;
use crate::wal::Lead;

/// The reason why a part, a table or a table's rows in a part are found.
const LISTED: &str = "parts, tables and places were listed when the decision began";

/// The part number of a frame that has no rows: it is only waited for.
const BARRIER: usize = usize::MAX;

/// The choice of the surviving rows that are submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Mode {
    /// All of them.
    Partial,
    /// All of them if no row was rejected, otherwise none.
    AllOrNothing,
    /// None: only the rejections are of interest.
    CheckOnly,
}

/// A row that the schema or a limit rejected.
#[derive(Debug)]
pub(in crate::ingest) struct RejectedRow {
    pub(in crate::ingest) origin: Origin,
    pub(in crate::ingest) conflict: Conflict,
}

/// The decision on a request's rows, and the frames to wait for.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Decision {
    /// The number of rows that were submitted.
    pub(in crate::ingest) accepted: u64,
    /// The number of rows that were rejected, by reason.
    pub(in crate::ingest) counts: Counts,
    /// The number of rejected rows that already have a report of a dropped field.
    pub(in crate::ingest) superseded_drops: u64,
    /// The first rejected rows of each table.
    pub(in crate::ingest) rejected: Vec<RejectedRow>,
    /// A rejection relied on a frame that may still fail: it stands only once that frame is durable.
    pub(in crate::ingest) provisional: bool,
    /// The frames to wait for.
    pub(in crate::ingest) submitted: Submitted,
}

/// Frames that were submitted to the log.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Submitted {
    /// One per frame.
    pub(in crate::ingest) commits: Vec<oneshot::Receiver<Committed>>,
    /// The work of the log's thread, if that slept. As long as it is held, nobody commits the frames.
    pub(in crate::ingest) lead: Option<Lead>,
}

impl Submitted {
    pub(super) fn add(&mut self, commit: oneshot::Receiver<Committed>, lead: Option<Lead>) {
        self.commits.push(commit);
        self.lead = self.lead.take().or(lead);
    }
}

impl Decision {
    /// Adds the decisions on the rows of a table.
    fn note(&mut self, rows: &TableRows, decisions: &RowDecisions) {
        self.counts.merge(&decisions.counts);
        self.provisional |= decisions.relied_on.is_some();
        let rejected = decisions
            .rejected
            .iter()
            .map(|(row, conflict)| RejectedRow {
                origin: *rows.origins.get(*row).certain("every row has an origin"),
                conflict: conflict.clone(),
            });
        self.rejected.extend(rejected);
        let origins = rows.origins.iter().zip(&decisions.keep);
        let superseded = origins.filter(|(origin, keep)| origin.dropped && !**keep);
        self.superseded_drops += narrow::to_u64(superseded.count());
    }
}

/// An encoded frame with the memory that holding and applying it takes.
pub(super) struct PreparedFrame {
    pub(super) payload: Vec<u8>,
    pub(super) tables: Part,
    pub(super) reservation: Reservation,
}

/// The rows of a table in one part: which table, and which of its parts.
#[derive(Clone, Copy)]
struct Place {
    table: usize,
    part: usize,
}

/// Decides on the rows of one request, or of one slice of it; again if the schemas have changed.
pub(in crate::ingest) struct Decider<'a> {
    constraints: Constraints<'a>,
    /// By part, the tables that have rows in it.
    parts: Vec<Vec<Place>>,
    tables: Vec<Table>,
    /// The schemas that the decision is based on.
    ground: Ground,
    /// Rows that were rejected before.
    rejected: Vec<(Arc<TableRows>, RowDecisions)>,
    rows: u64,
    /// True if other rows are kept than when the frames were made.
    is_changed: bool,
}

impl<'a> Decider<'a> {
    pub(in crate::ingest) fn new(constraints: Constraints<'a>, admitted: Admitted) -> Self {
        let Admitted {
            parts, rejected, ..
        } = admitted;
        let mut tables: Keyed<Table> = Keyed::default();
        let mut rows = rejected
            .iter()
            .map(|(_, decisions)| decisions.counts.rejected())
            .sum();
        let parts = parts.into_iter().map(|part| {
            let places = part.into_iter().map(|table_rows| {
                rows += narrow::to_u64(table_rows.batch.rows());
                let name = table_rows.batch.measurement();
                let known = tables.find(name);
                let index = known.unwrap_or_else(|| tables.push(Table::new(name)));
                let table = tables.get_mut(index).certain(LISTED);
                Place {
                    table: index,
                    part: table.add(table_rows),
                }
            });
            places.collect()
        });
        let parts = parts.collect();
        Self {
            constraints,
            parts,
            tables: tables.into_items(),
            ground: Ground::default(),
            rejected,
            rows,
            is_changed: true,
        }
    }

    /// The measurements of the request, in the order of their first lines.
    pub(in crate::ingest) fn measurements(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| &*table.measurement)
    }

    /// Returns whether the decision still holds on this ground.
    pub(super) fn holds(&self, ground: &Ground) -> bool {
        let mut room = Room::of(self.constraints.limits, ground);
        let mut tables = ground.table_count;
        let mut all = self.tables.iter().enumerate();
        all.all(|(index, table)| {
            self.is_current(table, index, ground)
                && self.take_share(table, index, ground, &mut tables, &mut room)
        })
    }

    /// Decides, on this ground, what is not decided yet or no longer holds. Frames up to `durable`
    /// cannot fail any more.
    pub(in crate::ingest) fn decide(&mut self, ground: Ground, durable: Sequence) {
        let constraints = self.constraints;
        let mut room = Room::of(constraints.limits, &ground);
        let mut tables = ground.table_count;
        let mut all = std::mem::take(&mut self.tables);
        for (index, table) in all.iter_mut().enumerate() {
            let (tables_before, room_before) = (tables, room);
            if self.is_current(table, index, &ground)
                && self.take_share(table, index, &ground, &mut tables, &mut room)
            {
                continue;
            }
            (tables, room) = (tables_before, room_before);
            let base = ground.tables.get(index).and_then(Option::as_ref);
            self.is_changed |= table.decide(
                base,
                Terms {
                    columns_max: constraints.limits.columns_max,
                    rejected_max: constraints.reports_max,
                    integer_into_float: constraints.limits.integer_into_float,
                    room,
                    bucket_since: ground.since,
                    all_since: ground.all_since,
                    durable,
                },
                TableCount {
                    tables,
                    tables_max: constraints.limits.tables_max,
                },
            );
            let fits = self.take_share(table, index, &ground, &mut tables, &mut room);
            debug_assert!(fits, "it was decided so that it does");
        }
        self.tables = all;
        self.ground = ground;
    }

    /// Returns whether a table was decided on what this ground says of it.
    fn is_current(&self, table: &Table, index: usize, ground: &Ground) -> bool {
        table.is_decided
            && self.ground.is_same(ground, index)
            && !(table.is_provisional() && self.was_rolled_back(ground))
    }

    /// Returns whether columns that the decision may have relied on were taken back since.
    fn was_rolled_back(&self, ground: &Ground) -> bool {
        self.ground.roll_backs != ground.roll_backs
    }

    /// Takes a table's share of what the tables of a bucket have in common. Returns false if that
    /// much is not left.
    fn take_share(
        &self,
        table: &Table,
        index: usize,
        ground: &Ground,
        tables: &mut usize,
        room: &mut Room,
    ) -> bool {
        let bytes = table.new_bytes();
        if bytes == 0 {
            return true;
        }
        let is_new = ground.tables.get(index).is_none_or(Option::is_none);
        *tables += usize::from(is_new);
        let fits = room.check(bytes).is_ok();
        room.take(bytes);
        fits && (!is_new || *tables <= self.constraints.limits.tables_max)
    }

    /// The decision as it stands, without frames.
    pub(in crate::ingest) fn decision(&self) -> Decision {
        let mut decision = Decision::default();
        for (rows, decisions) in &self.rejected {
            decision.note(rows, decisions);
        }
        for part in self.tables.iter().flat_map(|table| &table.parts) {
            if let Some(decisions) = &part.decisions {
                decision.note(&part.rows, decisions);
            }
        }
        decision.accepted = self.rows - decision.counts.rejected();
        decision
    }

    /// The rows that are left, by part.
    pub(in crate::ingest) fn kept(&self) -> Vec<Part> {
        let kept = |index: usize| {
            let parts = self.table_parts(index);
            parts.map(|part| Arc::clone(&part.kept)).collect()
        };
        (0..self.parts.len()).map(kept).collect()
    }

    /// The tables that grow by the columns of one part. Each is handed out once.
    pub(super) fn take_growth(&mut self, part: usize) -> Vec<Growth> {
        let mut growth = Vec::new();
        if part == BARRIER {
            return growth;
        }
        for place in self.parts.get(part).certain(LISTED) {
            let table = self.tables.get_mut(place.table).certain(LISTED);
            let part = table.parts.get_mut(place.part).certain(LISTED);
            if let Some(schema) = part.next.take() {
                growth.push(Growth {
                    measurement: Arc::clone(&table.measurement),
                    schema,
                });
            }
        }
        growth
    }

    /// The memory that new columns take, in bytes.
    pub(super) fn new_bytes(&self) -> u64 {
        self.tables.iter().map(Table::new_bytes).sum()
    }

    /// Encodes what is left, one frame per part, and reserves what logging and applying it takes;
    /// returns each frame with the number of its part, or nothing if the frames would be the same
    /// as the last time.
    pub(super) fn frames(
        &mut self,
        bucket: &Bucket,
        mode: Mode,
    ) -> Result<Option<Vec<(usize, PreparedFrame)>>, Exhausted> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(None);
        }
        let decision = self.decision();
        let is_written = match mode {
            Mode::Partial => true,
            Mode::AllOrNothing => decision.counts.rejected() == 0,
            Mode::CheckOnly => false,
        };
        let parts = self.kept().into_iter().enumerate();
        let parts = parts.filter(|(_, part)| is_written && !part.is_empty());
        let frames = parts.map(|(index, part)| Ok((index, self.prepare(bucket, part)?)));
        let mut frames = frames.collect::<Result<Vec<_>, Exhausted>>()?;
        if frames.is_empty() && decision.provisional {
            // Nothing is written, and still there is something to wait for.
            let barrier = PreparedFrame {
                payload: payload::encode(bucket.id, []),
                tables: Vec::new(),
                reservation: self.constraints.budget.empty(),
            };
            frames.push((BARRIER, barrier));
        }
        Ok(Some(frames))
    }

    fn prepare(&self, bucket: &Bucket, part: Part) -> Result<PreparedFrame, Exhausted> {
        let batches = part.iter().map(|table| &table.batch);
        let apply_bytes = batches.clone().map(Buffer::apply_bytes_max).sum::<u64>();
        let mut reservation = self.constraints.budget.try_reserve(apply_bytes)?;
        let payload = payload::encode(bucket.id, batches);
        reservation.try_grow(narrow::to_u64(payload.len()))?;
        Ok(PreparedFrame {
            payload,
            tables: part,
            reservation,
        })
    }

    /// The tables of a part that have rows left.
    fn table_parts(&self, part: usize) -> impl Iterator<Item = &TablePart> {
        let places = self.parts.get(part).certain(LISTED).iter();
        let parts = places.map(|place| {
            let table = self.tables.get(place.table).certain(LISTED);
            table.parts.get(place.part).certain(LISTED)
        });
        parts.filter(|part| part.kept.batch.rows() > 0)
    }
}
