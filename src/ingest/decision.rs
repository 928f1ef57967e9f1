//! One measurement of a request: which of its rows survive, and what its schema becomes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::resolution::Part;
use super::rules::{Limits, Room, limit};
use super::scratch::TableRows;
use super::settle::{Clash, Settled, Terms, settle};
use crate::catalog::schema::{Ground, TableSchema, column_bytes, table_bytes};
use crate::columnar::Batch;
use crate::id::Sequence;

/// A measurement of the request.
pub(super) struct Table {
    pub(super) measurement: Arc<str>,
    pub(super) places: Vec<Place>,
    pub(super) is_decided: bool,
}

/// The rows of a measurement in one part.
pub(super) struct Place {
    pub(super) rows: Arc<TableRows>,
    pub(super) kept: Arc<TableRows>,
    pub(super) settled: Option<Settled>,
    /// The table's schema from here on, if these rows bring columns.
    pub(super) next: Option<TableSchema>,
    /// What those take, in bytes.
    pub(super) new_bytes: u64,
}

impl Table {
    pub(super) fn new(measurement: &str) -> Self {
        Self {
            measurement: measurement.into(),
            places: Vec::new(),
            is_decided: false,
        }
    }

    pub(super) fn add(&mut self, rows: Arc<TableRows>) -> usize {
        self.places.push(Place {
            kept: Arc::clone(&rows),
            rows,
            settled: None,
            next: None,
            new_bytes: 0,
        });
        self.places.len() - 1
    }

    pub(super) fn new_bytes(&self) -> u64 {
        self.places.iter().map(|place| place.new_bytes).sum()
    }

    pub(super) fn is_doubtful(&self) -> bool {
        let mut settled = self
            .places
            .iter()
            .filter_map(|place| place.settled.as_ref());
        settled.any(|settled| settled.relied_on.is_some())
    }

    /// Decides about the rows part by part, each against what those before it leave behind.
    /// Returns whether other rows are kept than before.
    pub(super) fn decide(
        &mut self,
        base: Option<&Arc<TableSchema>>,
        mut terms: Terms,
        (tables, tables_max): (usize, usize),
    ) -> bool {
        let mut schema = base.map(|base| TableSchema::clone(base));
        let mut is_changed = !self.is_decided;
        self.is_decided = true;
        for place in &mut self.places {
            let settled = if schema.is_none() && tables >= tables_max {
                Some(refuse_all(&place.rows.batch, tables_max, &terms))
            } else if fits(schema.as_ref(), &place.rows.batch, &terms) {
                None
            } else {
                Some(settle(schema.as_ref(), &place.rows.batch, terms))
            };
            is_changed |= place.keep(settled);
            place.bring(schema.as_ref());
            terms.room.take(place.new_bytes);
            schema = place.next.clone().or(schema);
        }
        is_changed
    }
}

impl Place {
    /// Keeps what was decided to be kept. Returns whether that is other than before.
    fn keep(&mut self, settled: Option<Settled>) -> bool {
        let changes =
            |settled: &Settled| settled.keep.contains(&false) || !settled.floats.is_empty();
        let settled = settled.filter(changes);
        type Told<'a> = (&'a [bool], &'a BTreeSet<String>, bool);
        fn told(settled: Option<&Settled>) -> Option<Told<'_>> {
            settled.map(|settled| {
                let is_doubtful = settled.relied_on.is_some();
                (&*settled.keep, &settled.floats, is_doubtful)
            })
        }
        let is_changed = told(self.settled.as_ref()) != told(settled.as_ref());
        if is_changed {
            self.kept = match &settled {
                Some(settled) => Arc::new(self.rows.retain(settled)),
                None => Arc::clone(&self.rows),
            };
        }
        self.settled = settled;
        is_changed
    }

    /// Works out what the kept rows bring to the schema.
    fn bring(&mut self, schema: Option<&TableSchema>) {
        let is_new = |name: &str| schema.is_none_or(|schema| schema.column(name).is_none());
        let new = self.kept.batch.columns().filter(|(name, _)| is_new(name));
        let new: Vec<_> = new.collect();
        (self.next, self.new_bytes) = (None, 0);
        if !new.is_empty() {
            self.new_bytes = new_bytes(schema, &self.kept.batch, new.iter().map(|(name, _)| *name));
            let empty = TableSchema::default();
            self.next = Some(schema.unwrap_or(&empty).extended(new));
        }
    }
}

/// What columns that are new to a schema take, in bytes.
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

/// Whether every column of a batch fits a schema as it is, new ones included.
fn fits(schema: Option<&TableSchema>, batch: &Batch, terms: &Terms) -> bool {
    let mut new = hashbrown::HashSet::new();
    for (name, kind) in batch.columns() {
        match schema.and_then(|schema| schema.column(name)) {
            Some(known) if known == kind => {}
            Some(_) => return false,
            None if !new.insert(name) => return false,
            None => {}
        }
    }
    new.is_empty()
        || (schema.map_or(0, TableSchema::len) + new.len() <= terms.columns_max
            && terms
                .room
                .check(new_bytes(schema, batch, new.into_iter()))
                .is_ok())
}

/// Whether an empty bucket would take any row of a part.
pub(super) fn takes_any(part: &Part, limits: &Limits) -> bool {
    let terms = Terms {
        columns_max: limits.columns_max,
        refused_max: 0,
        room: Room::of(limits, &Ground::default()),
        integer_into_float: limits.integer_into_float,
        bucket_since: Sequence::default(),
        all_since: Sequence::default(),
        durable: Sequence::default(),
    };
    part.iter().any(|table| {
        fits(None, &table.batch, &terms) || settle(None, &table.batch, terms).keep.contains(&true)
    })
}

fn refuse_all(batch: &Batch, tables_max: usize, terms: &Terms) -> Settled {
    let what = "the number of measurements of the bucket";
    let refusal = limit("tables_max", what, tables_max, tables_max + 1);
    let mut settled = Settled::keeping(batch.rows(), terms.refused_max);
    settled.relied_on = terms.doubt_of_bucket();
    for row in 0..batch.rows() {
        let refusal = refusal.clone();
        settled.refuse(row, Clash::Limit { refusal });
    }
    settled
}

impl TableRows {
    /// The rows that are kept, as they are stored.
    pub(super) fn retain(&self, settled: &Settled) -> Self {
        let Settled { keep, floats, .. } = settled;
        let origins = self.origins.iter().zip(keep).filter(|(_, keep)| **keep);
        let batch = self.batch.retain(keep);
        Self {
            batch: match floats.is_empty() {
                true => batch,
                false => batch.with_floats(|name| floats.contains(name)),
            },
            origins: origins.map(|(origin, _)| *origin).collect(),
        }
    }
}
