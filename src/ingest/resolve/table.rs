//! One measurement of a request: which of its rows survive, and what its schema becomes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rows::{Conflict, RowDecisions, Terms, decide_rows};
use crate::catalog::schema::{Ground, TableSchema, column_bytes, table_bytes};
use crate::columnar::Batch;
use crate::id::Sequence;
use crate::ingest::keyed::HasKey;
use crate::ingest::rules::{Limits, Room, limit};
use crate::ingest::scratch::{Part, TableRows};

/// A measurement of the request.
pub(super) struct Table {
    pub(super) measurement: Arc<str>,
    pub(super) parts: Vec<TablePart>,
    pub(super) is_decided: bool,
}

/// The rows of a measurement in one part of the request.
pub(super) struct TablePart {
    pub(super) rows: Arc<TableRows>,
    pub(super) kept: Arc<TableRows>,
    /// Absent if every row is kept as it came.
    pub(super) decisions: Option<RowDecisions>,
    /// The table's schema from here on, if these rows bring columns.
    pub(super) next: Option<TableSchema>,
    /// The memory that those columns take, in bytes.
    pub(super) new_bytes: u64,
}

/// The tables that a bucket has, and their limit.
#[derive(Clone, Copy)]
pub(super) struct TableCount {
    pub(super) tables: usize,
    pub(super) tables_max: usize,
}

impl HasKey for Table {
    type Key = str;

    fn key(&self) -> &str {
        &self.measurement
    }
}

impl Table {
    pub(super) fn new(measurement: &str) -> Self {
        Self {
            measurement: measurement.into(),
            parts: Vec::new(),
            is_decided: false,
        }
    }

    /// Adds the rows of the next part. Returns their index in `parts`.
    pub(super) fn add(&mut self, rows: Arc<TableRows>) -> usize {
        self.parts.push(TablePart {
            kept: Arc::clone(&rows),
            rows,
            decisions: None,
            next: None,
            new_bytes: 0,
        });
        self.parts.len() - 1
    }

    pub(super) fn new_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.new_bytes).sum()
    }

    /// Returns whether a rejection relied on a frame that may still fail.
    pub(super) fn is_provisional(&self) -> bool {
        let mut decisions = self.parts.iter().filter_map(|part| part.decisions.as_ref());
        decisions.any(|decisions| decisions.relied_on.is_some())
    }

    /// Decides on the rows part by part, each against the schema that the parts before it leave.
    /// Returns whether other rows are kept than before.
    pub(super) fn decide(
        &mut self,
        base: Option<&Arc<TableSchema>>,
        mut terms: Terms,
        count: TableCount,
    ) -> bool {
        let mut schema = base.map(|base| TableSchema::clone(base));
        let mut is_changed = !self.is_decided;
        self.is_decided = true;
        for part in &mut self.parts {
            let batch = &part.rows.batch;
            let fit = fit(schema.as_ref(), batch, &terms);
            let decisions = if schema.is_none() && count.tables >= count.tables_max {
                Some(reject_all(batch, count.tables_max, &terms))
            } else if fit == Fit::Not {
                Some(decide_rows(schema.as_ref(), batch, terms))
            } else {
                None
            };
            is_changed |= part.keep(decisions);
            (part.next, part.new_bytes) = (None, 0);
            if fit != Fit::AsItIs {
                part.extend_schema(schema.as_ref());
            }
            terms.room.take(part.new_bytes);
            schema = part.next.clone().or(schema);
        }
        is_changed
    }
}

impl TablePart {
    /// Keeps the rows that were decided to be kept. Returns whether these differ from before.
    fn keep(&mut self, decisions: Option<RowDecisions>) -> bool {
        let changes = |decisions: &RowDecisions| {
            decisions.keep.contains(&false) || !decisions.floats.is_empty()
        };
        type Outcome<'a> = (&'a [bool], &'a BTreeSet<String>, bool);
        fn outcome(decisions: Option<&RowDecisions>) -> Option<Outcome<'_>> {
            decisions.map(|decisions| {
                let is_provisional = decisions.relied_on.is_some();
                (&*decisions.keep, &decisions.floats, is_provisional)
            })
        }
        let decisions = decisions.filter(changes);
        let is_changed = outcome(self.decisions.as_ref()) != outcome(decisions.as_ref());
        if is_changed {
            self.kept = match &decisions {
                Some(decisions) => Arc::new(decisions.retain(&self.rows)),
                None => Arc::clone(&self.rows),
            };
        }
        self.decisions = decisions;
        is_changed
    }

    /// Extends the schema by the columns that the kept rows bring, if they bring any.
    fn extend_schema(&mut self, schema: Option<&TableSchema>) {
        let is_new = |name: &str| schema.is_none_or(|schema| schema.column(name).is_none());
        let new = self.kept.batch.columns().filter(|(name, _)| is_new(name));
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            self.new_bytes = new_bytes(schema, &self.kept.batch, new.iter().map(|(name, _)| *name));
            let empty = TableSchema::default();
            self.next = Some(schema.unwrap_or(&empty).extended(new));
        }
    }
}

/// The memory that columns which are new to a schema take, in bytes.
fn new_bytes<'a>(
    schema: Option<&TableSchema>,
    batch: &Batch,
    names: impl Iterator<Item = &'a str>,
) -> u64 {
    let table = match schema {
        Some(_) => 0,
        None => table_bytes(batch.measurement()),
    };
    table + names.map(column_bytes).sum::<u64>()
}

/// How the columns of a batch fit a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It has all of them.
    AsItIs,
    /// It has, or can take, all of them.
    Extended,
    /// Some rows may have to be rejected.
    Not,
}

/// Returns how every column of a batch, taken together, fits a schema.
fn fit(schema: Option<&TableSchema>, batch: &Batch, terms: &Terms) -> Fit {
    let mut new = hashbrown::HashSet::new();
    for (name, kind) in batch.columns() {
        match schema.and_then(|schema| schema.column(name)) {
            Some(known) if known == kind => {}
            Some(_) => return Fit::Not,
            None if !new.insert(name) => return Fit::Not,
            None => {}
        }
    }
    if new.is_empty() {
        return Fit::AsItIs;
    }
    let columns = schema.map_or(0, TableSchema::len) + new.len();
    let new_bytes = new_bytes(schema, batch, new.into_iter());
    match columns <= terms.columns_max && terms.room.check(new_bytes).is_ok() {
        true => Fit::Extended,
        false => Fit::Not,
    }
}

/// Returns whether an empty bucket would take any row of a part.
pub(in crate::ingest) fn takes_any(part: &Part, limits: &Limits) -> bool {
    let terms = Terms {
        columns_max: limits.columns_max,
        rejected_max: 0,
        room: Room::of(limits, &Ground::default()),
        integer_into_float: limits.integer_into_float,
        bucket_since: Sequence::default(),
        all_since: Sequence::default(),
        durable: Sequence::default(),
    };
    part.iter().any(|table| {
        fit(None, &table.batch, &terms) != Fit::Not
            || decide_rows(None, &table.batch, terms).keep.contains(&true)
    })
}

fn reject_all(batch: &Batch, tables_max: usize, terms: &Terms) -> RowDecisions {
    let what = "the number of measurements of the bucket";
    let rejection = limit("tables_max", what, tables_max, tables_max + 1);
    let mut decisions = RowDecisions::keeping(batch.rows(), terms.rejected_max);
    decisions.relied_on = terms.provisional_in_bucket();
    for row in 0..batch.rows() {
        let rejection = rejection.clone();
        decisions.reject(row, Conflict::Limit { rejection });
    }
    decisions
}
