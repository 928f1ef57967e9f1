//! Which rows of a table survive, when its columns do not simply fit the schema.
//!
//! Rows are taken in line order. A row is accepted if each of its columns agrees with the schema,
//! or with what an accepted row before it brought, and then brings its own new columns along. An
//! integer agrees with a column of floats if there is a float of its value (contract section 5): it is
//! stored as one, so that log, buffer and tables know of floats only.
//! Columns that fit the schema in every row are not looked at again, so the work is in proportion
//! to the cells of contested columns.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use super::report::Counts;
use super::rules::{Echo, Full, Refusal, Room};
use crate::catalog::schema::{TableSchema, column_bytes, table_bytes};
use crate::certain::Certain;
use crate::columnar::{Batch, ColumnKind, FieldType, FieldValue, exact_float};
use crate::id::Sequence;

/// Why a row was refused by the schema. Names are those of the batch at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// The column exists with another kind.
    Kind {
        column: String,
        measurement: String,
        existing: ColumnKind,
        found: ColumnKind,
    },
    /// Tag and field of one name in one line.
    TagAndField { column: String },
    /// A limit was passed.
    Limit { refusal: Refusal },
}

impl Clash {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Kind { .. } | Self::TagAndField { .. } => "type_conflict",
            Self::Limit { .. } => "limit",
        }
    }

    /// The key to point at in the line; absent where the line as a whole is refused.
    pub(super) fn key(&self) -> Option<(&str, bool)> {
        match self {
            Self::Kind { column, found, .. } => Some((column, *found == ColumnKind::Tag)),
            Self::TagAndField { column } => Some((column, false)),
            Self::Limit { .. } => None,
        }
    }
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind {
                column,
                measurement,
                existing,
                found,
            } => {
                let place = format_args!("\"{}\" of \"{}\"", Echo(column), Echo(measurement));
                match (existing, found) {
                    (ColumnKind::Tag, _) => write!(f, "{place} is a tag, got a {found} field"),
                    (_, ColumnKind::Tag) => write!(f, "field {place} is {existing}, got a tag"),
                    _ => write!(f, "field {place} is {existing}, got {found}"),
                }
            }
            Self::TagAndField { column } => {
                let column = Echo(column);
                write!(
                    f,
                    "\"{column}\" is both a tag and a field in this line, rename one of them"
                )
            }
            Self::Limit { refusal } => refusal.fmt(f),
        }
    }
}

/// The decision on the rows of a table.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// One entry a row.
    pub(super) keep: Vec<bool>,
    /// How many were refused, by reason.
    pub(super) counts: Counts,
    /// The first refused rows, ascending: those that a report may name.
    pub(super) refused: Vec<(usize, Clash)>,
    /// Of those, so many are kept at most.
    refused_max: usize,
    /// The latest frame whose columns a refusal relied on; it may still fail.
    pub(super) relied_on: Option<Sequence>,
    /// Fields of which integers are kept as floats, by name.
    pub(super) floats: BTreeSet<String>,
}

impl Settled {
    /// Keeps every row, as yet. Remembers at most `refused_max` of those that will be refused.
    pub(super) fn keeping(rows: usize, refused_max: usize) -> Self {
        Self {
            keep: vec![true; rows],
            refused_max,
            ..Self::default()
        }
    }

    /// Refuses a row; in ascending order.
    pub(super) fn refuse(&mut self, row: usize, clash: Clash) {
        self.counts.add(clash.code(), 1);
        let keep = self.keep.get_mut(row);
        *keep.certain("it is a row of the table") = false;
        if self.refused.len() < self.refused_max {
            self.refused.push((row, clash));
        }
    }
}

/// What rows of a table are decided by, beside its schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Tags and fields of a table.
    pub(super) columns_max: usize,
    /// Refused rows that are named at most.
    pub(super) refused_max: usize,
    /// Whether integers may be stored as floats.
    pub(super) integer_into_float: bool,
    /// The memory that new names may take.
    pub(super) room: Room,
    /// The last frame that brought a column to a table of the bucket.
    pub(super) bucket_since: Sequence,
    /// The last frame that brought a column to a table of any bucket.
    pub(super) all_since: Sequence,
    /// The last frame that is beyond doubt.
    pub(super) durable: Sequence,
}

impl Terms {
    /// What a refusal relies on that was made for the schemas of the bucket as a whole.
    pub(super) fn doubt_of_bucket(&self) -> Option<Sequence> {
        (self.bucket_since > self.durable).then_some(self.bucket_since)
    }

    /// What a refusal relies on that was made for the schemas of all buckets.
    fn doubt_of_all(&self) -> Option<Sequence> {
        (self.all_since > self.durable).then_some(self.all_since)
    }
}

/// Why a wish is found.
const WISH: &str = "there is a wish for every column of the batch, in their order";

/// A column of the batch with the kind it wants.
struct Wish<'a> {
    name: &'a str,
    kind: ColumnKind,
}

/// Decides row by row.
pub(super) fn settle(schema: Option<&TableSchema>, batch: &Batch, terms: Terms) -> Settled {
    let wishes = wishes(batch);
    let contested = |wish: &Wish<'_>| {
        schema
            .and_then(|schema| schema.column(wish.name))
            .is_none_or(|kind| kind != wish.kind)
    };
    let mut cells = contested_cells(batch, &wishes, contested);
    // Stable: within a row the tags come before the fields, each in the batch's order.
    cells.sort_by_key(|(row, _)| *row);
    let mut table = Tentative {
        schema,
        measurement: batch.measurement(),
        terms,
        new: HashMap::new(),
    };
    let first_field = wishes.len() - batch.fields().len();
    let mut settled = Settled::keeping(batch.rows(), terms.refused_max);
    for group in cells.chunk_by(|(a, _), (b, _)| a == b) {
        let (row, _) = group.first().certain("a group of cells is not empty");
        let row_wishes = group.iter().map(|(_, index)| {
            let value = || {
                let field = index.checked_sub(first_field)?;
                batch.fields().get(field).certain(WISH).value(*row)
            };
            (wishes.get(*index).certain(WISH), value)
        });
        match table.admit(row_wishes) {
            Ok(floats) => settled.floats.extend(floats),
            Err((clash, relied_on)) => {
                settled.relied_on = settled.relied_on.max(relied_on);
                settled.refuse(*row, clash);
            }
        }
    }
    settled
}

fn wishes(batch: &Batch) -> Vec<Wish<'_>> {
    let columns = batch.columns();
    columns.map(|(name, kind)| Wish { name, kind }).collect()
}

/// The cells (row, wish) of every column that the schema does not simply confirm.
fn contested_cells(
    batch: &Batch,
    wishes: &[Wish<'_>],
    contested: impl Fn(&Wish<'_>) -> bool,
) -> Vec<(usize, usize)> {
    let tags: HashMap<&str, usize> = wishes
        .iter()
        .enumerate()
        .filter(|(_, wish)| wish.kind == ColumnKind::Tag && contested(wish))
        .map(|(index, wish)| (wish.name, index))
        .collect();
    let mut cells = Vec::new();
    if !tags.is_empty() {
        for (row, series) in batch.series_of_rows().iter().enumerate() {
            let keys = batch.series_tags(*series).map(|(key, _)| key);
            cells.extend(
                keys.filter_map(|key| tags.get(key))
                    .map(|wish| (row, *wish)),
            );
        }
    }
    let first_field = wishes.len() - batch.fields().len();
    for (field, index) in batch.fields().iter().zip(first_field..) {
        if contested(wishes.get(index).certain(WISH)) {
            cells.extend(field.iter().map(|(row, _)| (row, index)));
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
    /// Takes a row with these wishes and values, and says which of them are stored as floats; or says
    /// which one clashes and on which frame that relies.
    fn admit<'w, 'v>(
        &mut self,
        wishes: impl Iterator<Item = (&'w Wish<'a>, impl FnOnce() -> Option<FieldValue<'v>>)>,
    ) -> Result<Vec<String>, (Clash, Option<Sequence>)>
    where
        'a: 'w,
    {
        let mut brought: HashMap<&'a str, ColumnKind> = HashMap::new();
        let mut floats = Vec::new();
        for (wish, value) in wishes {
            let of_schema = self.schema.and_then(|schema| schema.column(wish.name));
            let existing = of_schema.or_else(|| self.new.get(wish.name).copied());
            if let Some(existing) = existing {
                if existing == wish.kind {
                    continue;
                }
                if !self.widens(wish.kind, existing, value) {
                    let doubt = of_schema.and_then(|_| self.doubt());
                    return Err((self.clash(wish, existing), doubt));
                }
                floats.push(wish.name.to_owned());
            } else if brought.insert(wish.name, wish.kind).is_some() {
                return Err((
                    Clash::TagAndField {
                        column: wish.name.to_owned(),
                    },
                    None,
                ));
            }
        }
        self.check_columns(brought.len())?;
        self.check_room(&brought)?;
        self.new.extend(brought);
        Ok(floats)
    }

    /// Whether a value may be stored in a column of another kind.
    fn widens<'v>(
        &self,
        found: ColumnKind,
        existing: ColumnKind,
        value: impl FnOnce() -> Option<FieldValue<'v>>,
    ) -> bool {
        use FieldType::{Float, Integer, Unsigned};
        self.terms.integer_into_float
            && existing == ColumnKind::Field(Float)
            && matches!(found, ColumnKind::Field(Integer | Unsigned))
            && value().and_then(exact_float).is_some()
    }

    /// What a refusal relies on that was made for the table's schema.
    fn doubt(&self) -> Option<Sequence> {
        let since = self.schema.map(TableSchema::since);
        since.filter(|since| *since > self.terms.durable)
    }

    fn check_columns(&self, more: usize) -> Result<(), (Clash, Option<Sequence>)> {
        let existing = self.schema.map_or(0, TableSchema::len);
        let (columns, columns_max) = (existing + self.new.len() + more, self.terms.columns_max);
        if more == 0 || columns <= columns_max {
            return Ok(());
        }
        let what = "the number of tags and fields";
        let refusal = super::rules::limit("columns_max", what, columns_max, columns);
        Err((Clash::Limit { refusal }, self.doubt()))
    }

    fn check_room(
        &mut self,
        brought: &HashMap<&'a str, ColumnKind>,
    ) -> Result<(), (Clash, Option<Sequence>)> {
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
        let (refusal, doubt) = match self.terms.room.check(bytes) {
            Ok(()) => {
                self.terms.room.take(bytes);
                return Ok(());
            }
            Err(Full::OfBucket(refusal)) => (refusal, self.terms.doubt_of_bucket()),
            Err(Full::OfAll(refusal)) => (refusal, self.terms.doubt_of_all()),
        };
        Err((Clash::Limit { refusal }, doubt))
    }

    fn clash(&self, wish: &Wish<'_>, existing: ColumnKind) -> Clash {
        Clash::Kind {
            column: wish.name.to_owned(),
            measurement: self.measurement.to_owned(),
            existing,
            found: wish.kind,
        }
    }
}
