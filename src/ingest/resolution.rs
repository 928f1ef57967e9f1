//! Which of a request's rows survive: decided against schemas that do not change, without a lock.
//!
//! ```text
//! rows of a table, part by part     base schema ─► part 1 ─► part 2 ─► …    each a successor, or the same
//! ```
//!
//! A table is decided by itself, beside the limits that all tables of a bucket share: their number
//! and the memory of their schemas, which go to the tables in the order of their first lines. So
//! when one table has changed meanwhile, only that one is decided anew.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::WriteError;
use super::apply::Committed;
use super::decision::{Place, Table};
use super::frame;
use super::report::Counts;
use super::rules::{Limits, Room};
use super::scratch::{Origin, TableRows};
use super::series_limit::{Admitted, HeldSeries};
use super::settle::{Clash, Settled, Terms};
use crate::buffer::Buffer;
use crate::catalog::Bucket;
use crate::catalog::schema::{Ground, Growth};
use crate::certain::Certain;
use crate::id::Sequence;
use crate::memory::{Budget, Reservation};
use crate::narrow;

/// Why a part, a table or a place is found.
const LISTED: &str = "parts, tables and places were listed when the decision began";

/// The part of a frame that has no rows: it is only waited for.
const BARRIER: usize = usize::MAX;

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

impl Resolved {
    /// Notes what was decided about the rows of a table.
    fn note(&mut self, rows: &TableRows, settled: &Settled) {
        self.rejected.merge(&settled.counts);
        self.doubtful |= settled.relied_on.is_some();
        let refused = settled.refused.iter().map(|(row, clash)| RefusedRow {
            origin: *rows.origins.get(*row).certain("every row has an origin"),
            clash: clash.clone(),
        });
        self.refused.extend(refused);
        let origins = rows.origins.iter().zip(&settled.keep);
        let in_vain = origins.filter(|(origin, keep)| origin.dropped && !**keep);
        self.dropped_in_vain += narrow::to_u64(in_vain.count());
    }
}

/// Encoded rows with the memory that holding and applying them takes.
pub(super) struct Frame {
    pub(super) payload: Vec<u8>,
    pub(super) tables: Part,
    pub(super) reservation: Reservation,
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

/// The decision about the rows of one request, or of one slice of it.
pub(super) struct Resolution<'a> {
    held: Held<'a>,
    /// By part, the tables with rows in it: which of `tables`, which of its places.
    parts: Vec<Vec<(usize, usize)>>,
    tables: Vec<Table>,
    /// What the decision stands on.
    ground: Ground,
    /// Rows that were refused before.
    refused: Vec<(Arc<TableRows>, Settled)>,
    rows: u64,
    /// Which rows are kept has changed since the frames were made.
    is_changed: bool,
}

impl<'a> Resolution<'a> {
    pub(super) fn new(held: Held<'a>, admitted: Admitted) -> Self {
        let Admitted { parts, refused, .. } = admitted;
        let mut tables: Vec<Table> = Vec::new();
        let mut by_name: HashMap<Arc<str>, usize> = HashMap::new();
        let mut rows = refused
            .iter()
            .map(|(_, settled)| settled.counts.rejected())
            .sum();
        let parts = parts.into_iter().map(|part| {
            let places = part.into_iter().map(|table_rows| {
                rows += narrow::to_u64(table_rows.batch.rows());
                let name = table_rows.batch.measurement();
                let index = by_name.get(name).copied().unwrap_or_else(|| {
                    let table = Table::new(name);
                    by_name.insert(Arc::clone(&table.measurement), tables.len());
                    tables.push(table);
                    tables.len() - 1
                });
                let table = tables.get_mut(index).certain(LISTED);
                (index, table.add(table_rows))
            });
            places.collect()
        });
        let parts = parts.collect();
        Self {
            held,
            parts,
            tables,
            ground: Ground::default(),
            refused,
            rows,
            is_changed: true,
        }
    }

    /// The measurements of the request, in the order of their first lines.
    pub(super) fn measurements(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| &*table.measurement)
    }

    /// Whether the decision is still true on this ground.
    pub(super) fn holds(&self, ground: &Ground) -> bool {
        let mut room = Room::of(self.held.limits, ground);
        let mut tables = ground.table_count;
        let mut all = self.tables.iter().enumerate();
        all.all(|(index, table)| {
            let is_true = table.is_decided
                && self.ground.is_same(ground, index)
                && (!table.is_doubtful() || self.ground.roll_backs == ground.roll_backs);
            is_true && self.shares(table, index, ground, &mut tables, &mut room)
        })
    }

    /// Decides what is not decided, or not any more, on this ground. `durable` tells what of it is
    /// beyond doubt.
    pub(super) fn decide(&mut self, ground: Ground, durable: Sequence) {
        let held = self.held;
        let mut room = Room::of(held.limits, &ground);
        let mut tables = ground.table_count;
        let mut all = std::mem::take(&mut self.tables);
        for (index, table) in all.iter_mut().enumerate() {
            let is_true = table.is_decided
                && self.ground.is_same(&ground, index)
                && (!table.is_doubtful() || self.ground.roll_backs == ground.roll_backs);
            let (tables_before, room_before) = (tables, room);
            if is_true && self.shares(table, index, &ground, &mut tables, &mut room) {
                continue;
            }
            (tables, room) = (tables_before, room_before);
            let base = ground.tables.get(index).and_then(Option::as_ref);
            self.is_changed |= table.decide(
                base,
                Terms {
                    columns_max: held.limits.columns_max,
                    refused_max: held.reports_max,
                    integer_into_float: held.limits.integer_into_float,
                    room,
                    bucket_since: ground.since,
                    all_since: ground.all_since,
                    durable,
                },
                (tables, held.limits.tables_max),
            );
            let fits = self.shares(table, index, &ground, &mut tables, &mut room);
            debug_assert!(fits, "it was decided so that it does");
        }
        self.tables = all;
        self.ground = ground;
    }

    /// Takes the share of a table in what the tables of a bucket have together; false if there is
    /// not as much.
    fn shares(
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
        fits && (!is_new || *tables <= self.held.limits.tables_max)
    }

    /// What was decided.
    pub(super) fn resolved(&self) -> Resolved {
        let mut resolved = Resolved::default();
        for (rows, settled) in &self.refused {
            resolved.note(rows, settled);
        }
        for place in self.tables.iter().flat_map(|table| &table.places) {
            if let Some(settled) = &place.settled {
                resolved.note(&place.rows, settled);
            }
        }
        resolved.accepted = self.rows - resolved.rejected.rejected();
        resolved
    }

    /// The rows that are left, by part.
    pub(super) fn kept(&self) -> Vec<Part> {
        let part = |part: usize| self.places(part).map(|(_, place)| Arc::clone(&place.kept));
        (0..self.parts.len())
            .map(|index| part(index).collect())
            .collect()
    }

    /// The tables that grow by what one part brings. Each is handed out once.
    pub(super) fn take_growth(&mut self, part: usize) -> Vec<Growth> {
        let mut growth = Vec::new();
        if part == BARRIER {
            return growth;
        }
        for (table, place) in self.parts.get(part).certain(LISTED) {
            let table = self.tables.get_mut(*table).certain(LISTED);
            let place = table.places.get_mut(*place).certain(LISTED);
            if let Some(schema) = place.next.take() {
                growth.push(Growth {
                    measurement: Arc::clone(&table.measurement),
                    schema,
                });
            }
        }
        growth
    }

    /// What the columns that the rows bring take, in bytes.
    pub(super) fn new_bytes(&self) -> u64 {
        self.tables.iter().map(Table::new_bytes).sum()
    }

    /// Encodes what is left, a frame a part, and reserves what logging and applying it takes; the
    /// number of each part beside it. Nothing if that would be what it was the last time.
    pub(super) fn frames(
        &mut self,
        bucket: &Bucket,
        mode: Mode,
    ) -> Result<Option<Vec<(usize, Frame)>>, WriteError> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(None);
        }
        let decided = self.resolved();
        let is_written = match mode {
            Mode::Partial => true,
            Mode::AllOrNothing => decided.rejected.rejected() == 0,
            Mode::CheckOnly => false,
        };
        let parts = self.kept().into_iter().enumerate();
        let parts = parts.filter(|(_, part)| is_written && !part.is_empty());
        let mut frames = Vec::new();
        for (index, part) in parts {
            let batches = part.iter().map(|table| &table.batch);
            let apply_bytes = batches.clone().map(Buffer::apply_bytes_max).sum::<u64>();
            let mut reservation = self.held.budget.try_reserve(apply_bytes)?;
            let payload = frame::encode(bucket.id, batches);
            reservation.try_grow(narrow::to_u64(payload.len()))?;
            frames.push((
                index,
                Frame {
                    payload,
                    tables: part,
                    reservation,
                },
            ));
        }
        if frames.is_empty() && decided.doubtful {
            // Nothing is written, and still there is something to wait for.
            let barrier = Frame {
                payload: frame::encode(bucket.id, []),
                tables: Vec::new(),
                reservation: self.held.budget.empty(),
            };
            frames.push((BARRIER, barrier));
        }
        Ok(Some(frames))
    }

    /// The places of a part that have rows left.
    fn places(&self, part: usize) -> impl Iterator<Item = (&Table, &Place)> {
        let places = self.parts.get(part).certain(LISTED).iter();
        let places = places.map(|(table, place)| {
            let table = self.tables.get(*table).certain(LISTED);
            (table, table.places.get(*place).certain(LISTED))
        });
        places.filter(|(_, place)| place.kept.batch.rows() > 0)
    }
}

pub(super) fn part_series(part: &Part) -> u64 {
    part.iter()
        .map(|table| narrow::to_u64(table.batch.series_count()))
        .sum()
}
