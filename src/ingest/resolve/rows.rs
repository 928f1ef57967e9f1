//! The decision on each row of a table whose columns do not simply fit the schema.
//!
//! Rows are taken in line order. A row is accepted if each of its columns agrees with the schema,
//! or with what an accepted row before it brought; it then brings its own new columns. An integer
//! agrees with a column of floats if a float has exactly its value (contract section 5): it is
//! stored as that float, so that log, buffer and tables know only floats there.
//! Columns that fit the schema in every row are not looked at again, so the work is proportional
//! to the number of cells in contested columns.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::catalog::schema::{TableSchema, column_bytes, table_bytes};
use crate::certain::Certain;
use crate::columnar::{Batch, ColumnKind, FieldType, FieldValue, exact_float};
use crate::id::Sequence;
use crate::ingest::report::Counts;
use crate::ingest::rules::{Echo, Full, Rejection, Room, limit};
use crate::ingest::scratch::TableRows;

/// The reason why the schema or a limit rejected a row. Names are those of the row's batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ingest) enum Conflict {
    /// The column exists with another kind.
    Kind {
        column: String,
        measurement: String,
        existing: ColumnKind,
        found: ColumnKind,
        /// True if only the size of the value is at fault.
        is_inexact: bool,
    },
    /// A tag and a field of one name in one line.
    TagAndField { column: String },
    /// A limit was exceeded.
    Limit { rejection: Rejection },
}

/// A key of a line.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest) struct LineKey<'a> {
    pub(in crate::ingest) name: &'a str,
    /// The key of a tag, otherwise of a field.
    pub(in crate::ingest) is_tag: bool,
}

impl Conflict {
    pub(in crate::ingest) fn code(&self) -> &'static str {
        match self {
            Self::Kind { .. } | Self::TagAndField { .. } => "type_conflict",
            Self::Limit { .. } => "limit",
        }
    }

    /// The key to point at in the line; absent if the line as a whole is rejected.
    pub(in crate::ingest) fn key(&self) -> Option<LineKey<'_>> {
        let (name, is_tag) = match self {
            Self::Kind { column, found, .. } => (column, *found == ColumnKind::Tag),
            Self::TagAndField { column } => (column, false),
            Self::Limit { .. } => return None,
        };
        Some(LineKey { name, is_tag })
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind {
                column,
                measurement,
                existing,
                found,
                is_inexact,
            } => {
                let place = format_args!("\"{}\" of \"{}\"", Echo(column), Echo(measurement));
                match (existing, found) {
                    (ColumnKind::Tag, _) => write!(f, "{place} is a tag, got a {found} field"),
                    (_, ColumnKind::Tag) => write!(f, "field {place} is {existing}, got a tag"),
                    _ => write!(f, "field {place} is {existing}, got {found}"),
                }?;
                match is_inexact {
                    true => f.write_str(" beyond 2^53, inexact as a float"),
                    false => Ok(()),
                }
            }
            Self::TagAndField { column } => {
                let column = Echo(column);
                write!(
                    f,
                    "\"{column}\" is both a tag and a field in this line, rename one of them"
                )
            }
            Self::Limit { rejection } => rejection.fmt(f),
        }
    }
}

/// The decisions on the rows of a table.
#[derive(Debug, Default)]
pub(in crate::ingest) struct RowDecisions {
    /// One entry per row.
    pub(super) keep: Vec<bool>,
    /// The number of rejected rows, by reason.
    pub(super) counts: Counts,
    /// The first rejected rows, ascending: those that a report may name.
    pub(super) rejected: Vec<(usize, Conflict)>,
    /// The maximum length of `rejected`.
    rejected_max: usize,
    /// The latest frame whose columns a rejection relied on; it may still fail.
    pub(super) relied_on: Option<Sequence>,
    /// The names of fields whose integers are stored as floats.
    pub(super) floats: BTreeSet<String>,
}

impl RowDecisions {
    /// Keeps every row for now. Remembers at most `rejected_max` of those that will be rejected.
    pub(super) fn keeping(rows: usize, rejected_max: usize) -> Self {
        Self {
            keep: vec![true; rows],
            rejected_max,
            ..Self::default()
        }
    }

    /// Rejects a row; to be called in ascending order.
    pub(super) fn reject(&mut self, row: usize, conflict: Conflict) {
        self.counts.add(conflict.code(), 1);
        let keep = self.keep.get_mut(row);
        *keep.certain("it is a row of the table") = false;
        if self.rejected.len() < self.rejected_max {
            self.rejected.push((row, conflict));
        }
    }

    /// The rows that are kept, as they are stored.
    pub(super) fn retain(&self, rows: &TableRows) -> TableRows {
        debug_assert_eq!(self.keep.len(), rows.batch.rows(), "each row was decided");
        let origins = rows.origins.iter().zip(&self.keep);
        let origins = origins.filter(|(_, keep)| **keep);
        let batch = rows.batch.retain(&self.keep);
        TableRows {
            batch: if self.floats.is_empty() {
                batch
            } else {
                batch.with_floats(|name| self.floats.contains(name))
            },
            origins: origins.map(|(origin, _)| *origin).collect(),
        }
    }
}

/// The terms on which the rows of a table are decided, besides its schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Tags and fields per table.
    pub(super) columns_max: usize,
    /// The number of rejected rows that are named at most.
    pub(super) rejected_max: usize,
    /// If true, integers may be stored as floats.
    pub(super) integer_into_float: bool,
    /// The memory that new names may take.
    pub(super) room: Room,
    /// The last frame that brought a column to a table of the bucket.
    pub(super) bucket_since: Sequence,
    /// The last frame that brought a column to a table of any bucket.
    pub(super) all_since: Sequence,
    /// The last frame that can no longer fail.
    pub(super) durable: Sequence,
}

impl Terms {
    /// The frame that a rejection relies on if the schemas of the bucket as a whole caused it.
    pub(super) fn provisional_in_bucket(&self) -> Option<Sequence> {
        (self.bucket_since > self.durable).then_some(self.bucket_since)
    }

    /// The frame that a rejection relies on if the schemas of all buckets caused it.
    fn provisional_in_all(&self) -> Option<Sequence> {
        (self.all_since > self.durable).then_some(self.all_since)
    }
}

/// The reason why a wanted column is found.
const WANTED: &str = "every column of the batch is wanted, in their order";

/// A column of the batch with the kind it wants.
struct WantedColumn<'a> {
    name: &'a str,
    kind: ColumnKind,
}

/// A value of a row: in which of the wanted columns it stands.
struct Cell {
    row: usize,
    column: usize,
}

/// A row's conflict, and the frame that it relies on; that frame may still fail.
struct RowConflict {
    conflict: Conflict,
    relied_on: Option<Sequence>,
}

/// Decides row by row.
pub(super) fn decide_rows(
    schema: Option<&TableSchema>,
    batch: &Batch,
    terms: Terms,
) -> RowDecisions {
    let wanted = batch.columns();
    let wanted: Vec<_> = wanted
        .map(|(name, kind)| WantedColumn { name, kind })
        .collect();
    let is_contested = |column: &WantedColumn<'_>| {
        schema
            .and_then(|schema| schema.column(column.name))
            .is_none_or(|kind| kind != column.kind)
    };
    let mut cells = contested_cells(batch, &wanted, is_contested);
    // Stable: within a row the tags come before the fields, each in the batch's order.
    cells.sort_by_key(|cell| cell.row);
    let mut table = Tentative {
        schema,
        measurement: batch.measurement(),
        terms,
        new: HashMap::new(),
    };
    let first_field = wanted.len() - batch.fields().len();
    let mut decisions = RowDecisions::keeping(batch.rows(), terms.rejected_max);
    for cells in cells.chunk_by(|a, b| a.row == b.row) {
        let row = cells.first().certain("a group of cells is not empty").row;
        let row_wanted = cells.iter().map(|cell| {
            let value = || {
                let field = cell.column.checked_sub(first_field)?;
                batch.fields().get(field).certain(WANTED).value(row)
            };
            (wanted.get(cell.column).certain(WANTED), value)
        });
        match table.admit(row_wanted) {
            Ok(floats) => decisions.floats.extend(floats),
            Err(RowConflict {
                conflict,
                relied_on,
            }) => {
                decisions.relied_on = decisions.relied_on.max(relied_on);
                decisions.reject(row, conflict);
            }
        }
    }
    decisions
}

/// The cells of every column that the schema does not simply confirm.
fn contested_cells(
    batch: &Batch,
    wanted: &[WantedColumn<'_>],
    is_contested: impl Fn(&WantedColumn<'_>) -> bool,
) -> Vec<Cell> {
    let tags: HashMap<&str, usize> = wanted
        .iter()
        .enumerate()
        .filter(|(_, column)| column.kind == ColumnKind::Tag && is_contested(column))
        .map(|(index, column)| (column.name, index))
        .collect();
    let mut cells = Vec::new();
    if !tags.is_empty() {
        for (row, series) in batch.series_of_rows().iter().enumerate() {
            let keys = batch.series_tags(*series).map(|(key, _)| key);
            let columns = keys.filter_map(|key| tags.get(key).copied());
            cells.extend(columns.map(|column| Cell { row, column }));
        }
    }
    let first_field = wanted.len() - batch.fields().len();
    for (field, column) in batch.fields().iter().zip(first_field..) {
        if is_contested(wanted.get(column).certain(WANTED)) {
            cells.extend(field.iter().map(|(row, _)| Cell { row, column }));
        }
    }
    cells
}

/// The schema with what accepted rows have brought so far.
struct Tentative<'a> {
    schema: Option<&'a TableSchema>,
    measurement: &'a str,
    terms: Terms,
    new: HashMap<&'a str, ColumnKind>,
}

impl<'a> Tentative<'a> {
    /// Accepts a row with these columns and values, and returns the names of those that are stored
    /// as floats; or returns the first conflict.
    fn admit<'w, 'v>(
        &mut self,
        wanted: impl Iterator<
            Item = (
                &'w WantedColumn<'a>,
                impl FnOnce() -> Option<FieldValue<'v>>,
            ),
        >,
    ) -> Result<Vec<String>, RowConflict>
    where
        'a: 'w,
    {
        let mut brought: HashMap<&'a str, ColumnKind> = HashMap::new();
        let mut floats = Vec::new();
        for (column, value) in wanted {
            let of_schema = self.schema.and_then(|schema| schema.column(column.name));
            let existing = of_schema.or_else(|| self.new.get(column.name).copied());
            if let Some(existing) = existing {
                if existing == column.kind {
                    continue;
                }
                if !self.widens(column.kind, existing, value) {
                    return Err(RowConflict {
                        conflict: self.conflict(column, existing),
                        relied_on: of_schema.and_then(|_| self.provisional_in_table()),
                    });
                }
                floats.push(column.name.to_owned());
            } else if brought.insert(column.name, column.kind).is_some() {
                let column = column.name.to_owned();
                return Err(RowConflict {
                    conflict: Conflict::TagAndField { column },
                    relied_on: None,
                });
            }
        }
        self.check_columns(brought.len())?;
        self.check_room(&brought)?;
        self.new.extend(brought);
        Ok(floats)
    }

    /// Returns whether a value may be stored in a column of another kind.
    fn widens<'v>(
        &self,
        found: ColumnKind,
        existing: ColumnKind,
        value: impl FnOnce() -> Option<FieldValue<'v>>,
    ) -> bool {
        self.takes_integers(found, existing) && value().and_then(exact_float).is_some()
    }

    /// Returns whether a column takes values of another kind if they are exact.
    fn takes_integers(&self, found: ColumnKind, existing: ColumnKind) -> bool {
        use FieldType::{Float, Integer, Unsigned};
        self.terms.integer_into_float
            && existing == ColumnKind::Field(Float)
            && matches!(found, ColumnKind::Field(Integer | Unsigned))
    }

    /// The frame that a rejection relies on if the table's schema caused it.
    fn provisional_in_table(&self) -> Option<Sequence> {
        let since = self.schema.map(TableSchema::since);
        since.filter(|since| *since > self.terms.durable)
    }

    fn check_columns(&self, more: usize) -> Result<(), RowConflict> {
        let existing = self.schema.map_or(0, TableSchema::len);
        let (columns, columns_max) = (existing + self.new.len() + more, self.terms.columns_max);
        if more == 0 || columns <= columns_max {
            return Ok(());
        }
        let what = "the number of tags and fields";
        let rejection = limit("columns_max", what, columns_max, columns);
        Err(RowConflict {
            conflict: Conflict::Limit { rejection },
            relied_on: self.provisional_in_table(),
        })
    }

    fn check_room(&mut self, brought: &HashMap<&'a str, ColumnKind>) -> Result<(), RowConflict> {
        if brought.is_empty() {
            return Ok(());
        }
        let is_first = self.schema.is_none() && self.new.is_empty();
        let table = if is_first {
            table_bytes(self.measurement)
        } else {
            0
        };
        let bytes = table + brought.keys().map(|name| column_bytes(name)).sum::<u64>();
        let (rejection, relied_on) = match self.terms.room.check(bytes) {
            Ok(()) => {
                self.terms.room.take(bytes);
                return Ok(());
            }
            Err(Full::OfBucket(rejection)) => (rejection, self.terms.provisional_in_bucket()),
            Err(Full::OfAll(rejection)) => (rejection, self.terms.provisional_in_all()),
        };
        Err(RowConflict {
            conflict: Conflict::Limit { rejection },
            relied_on,
        })
    }

    fn conflict(&self, column: &WantedColumn<'_>, existing: ColumnKind) -> Conflict {
        Conflict::Kind {
            column: column.name.to_owned(),
            measurement: self.measurement.to_owned(),
            existing,
            found: column.kind,
            is_inexact: self.takes_integers(column.kind, existing),
        }
    }
}
