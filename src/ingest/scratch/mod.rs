//! The columns that a slice of text is parsed into, one set per measurement, without any lock.
//!
//! A field may have values of several types here: the schema decides later which lines survive
//! (design decision D2). Consecutive lines resemble each other, so the raw text of measurement and
//! tags is the key to the series (D5), and a field is first looked up at its place in the line
//! before. A line with all the fields of the one before goes straight into its columns: `tests.rs`
//! holds that to the longer way.

mod series;

use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::rules::{Limits, LineRules, RejectedAt, Rejection, limit};
use crate::certain::Certain;
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::line_protocol::{Field, Point, Tag, Value};
use series::{KnownSeries, Place, SortedTags};

/// The origin of a row, to name it if it is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// The physical line, 1-based.
    pub(super) line: u32,
    /// The place where parsing of the point began, in bytes from the start of the body.
    pub(super) offset: usize,
    /// True if a field of it was dropped, which was reported.
    pub(super) dropped: bool,
}

/// The rows of one measurement, in line order.
#[derive(Clone, Debug)]
pub(super) struct TableRows {
    pub(super) batch: Batch,
    /// One entry per row.
    pub(super) origins: Vec<Origin>,
}

/// A part of a request: the rows of one slice, which become one frame.
pub(super) type Part = Vec<Arc<TableRows>>;

/// Upper estimates of what a part of the scratch takes, in bytes: reservations grow by these
/// while a slice is parsed and are corrected after it.
const TABLE_BYTES: usize = 2048;
const NAME_BYTES: usize = 512;
const SERIES_BYTES: usize = 256;
const CELL_BYTES: usize = 24;

/// The number of field names that a slice may bring for one table, in multiples of the column limit:
/// lines that will be rejected may bring some for nothing.
const NAMES_FACTOR: usize = 4;

/// The reason why the parts of a line are found.
const TABLE: &str = "a table stays where it was put";
const SLOT: &str = "a name keeps its slot";
const FIELD: &str = "planned cells are fields of the current line";

/// The scratch columns of one slice. `'a` is the body's life.
pub(super) struct Scratch<'a> {
    rules: LineRules,
    tables: Vec<Table<'a>>,
    by_measurement: HashMap<&'a str, usize>,
    series: KnownSeries<'a>,
    bytes: usize,
}

impl<'a> Scratch<'a> {
    pub(super) fn new(rules: LineRules) -> Self {
        Self {
            rules,
            tables: Vec::new(),
            by_measurement: HashMap::new(),
            series: KnownSeries::default(),
            bytes: 0,
        }
    }

    /// An upper estimate of the memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a line that has `bytes` of text, or rejects it without a trace. Returns the column of a
    /// `time` field that was dropped.
    pub(super) fn push(
        &mut self,
        point: &Point<'a>,
        origin: Origin,
        bytes: usize,
    ) -> Result<Option<u32>, RejectedAt> {
        let known = self.series.find(point.series_key);
        let known_table = known
            .map(|(table, _)| table)
            .or_else(|| self.by_measurement.get(point.measurement.raw()).copied());
        let repeats = |table: usize| self.known_table(table).repeats(point, &self.rules.limits);
        if bytes <= self.rules.limits.point_bytes_max
            && let Some(table) = known_table.filter(|table| repeats(*table))
        {
            let time_ns = self.rules.time(point)?;
            if known.is_none() {
                self.rules.limits.check_series(point)?;
            }
            let series = self.series(point, known, table);
            let table = self.tables.get_mut(table).certain(TABLE);
            self.bytes += table.push_repeated(point, series, time_ns);
            table.origins.push(origin);
            return Ok(None);
        }
        self.rules.limits.check_fields(point, bytes)?;
        let time_ns = self.rules.time(point)?;
        let dropped = dropped_time_field(point)?;
        if known.is_none() {
            self.rules.limits.check_series(point)?;
        }
        let table_index = match known_table {
            Some(table) => table,
            None => self.table(point)?,
        };
        let table = self.tables.get_mut(table_index).certain(TABLE);
        self.bytes += table.plan(point, &self.rules.limits)?;
        let series = self.series(point, known, table_index);
        let table = self.tables.get_mut(table_index).certain(TABLE);
        self.bytes += table.push_planned(point, series, time_ns);
        table.origins.push(Origin {
            dropped: dropped.is_some(),
            ..origin
        });
        Ok(dropped)
    }

    fn known_table(&self, table: usize) -> &Table<'a> {
        self.tables.get(table).certain(TABLE)
    }

    /// The series of a line in its table, made if it is not known.
    fn series(&mut self, point: &Point<'a>, known: Option<Place>, table_index: usize) -> u32 {
        if let Some((_, series)) = known {
            return series;
        }
        let table = self.tables.get_mut(table_index).certain(TABLE);
        let series = table.add_series(point);
        self.series.add(point.series_key, (table_index, series));
        self.bytes += SERIES_BYTES + 3 * point.series_key.len();
        series
    }

    /// The rows, with measurements in the order of their first lines.
    pub(super) fn finish(self) -> Vec<TableRows> {
        let written = self
            .tables
            .into_iter()
            .filter(|table| !table.origins.is_empty());
        written
            .map(|table| TableRows {
                batch: table.builder.finish(),
                origins: table.origins,
            })
            .collect()
    }

    fn table(&mut self, point: &Point<'a>) -> Result<usize, RejectedAt> {
        let next = self.tables.len();
        match self.by_measurement.entry(point.measurement.raw()) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(_) if next >= self.rules.limits.tables_max => {
                let tables_max = self.rules.limits.tables_max;
                let what = "the number of measurements";
                Err(limit("tables_max", what, tables_max, next + 1).at(1))
            }
            Entry::Vacant(vacant) => {
                self.tables.push(Table::new(&point.measurement.decode()));
                self.bytes += TABLE_BYTES;
                Ok(*vacant.insert(next))
            }
        }
    }
}

/// Finds a field called `time` among others; if it is the only one, the line is rejected (contract
/// section 1.3).
fn dropped_time_field(point: &Point<'_>) -> Result<Option<u32>, RejectedAt> {
    let dropped = point
        .fields
        .iter()
        .find(|field| is_time(field))
        .map(|field| field.column);
    match dropped {
        Some(column) if point.fields.iter().all(is_time) => Err(Rejection::OnlyTime.at(column)),
        _ => Ok(dropped),
    }
}

fn is_time(field: &Field<'_>) -> bool {
    field.key.raw() == "time"
}

struct Table<'a> {
    builder: BatchBuilder,
    origins: Vec<Origin>,
    tags: SortedTags<'a>,
    names: HashMap<&'a str, usize>,
    slots: Vec<Slot>,
    /// The fields of the line before, in order: raw key and slot.
    order: Vec<(&'a str, usize)>,
    /// True if the line before has exactly these fields: none twice, none dropped.
    is_whole: bool,
    /// The cells of the current line.
    planned: Vec<Planned>,
    /// Counts lines, to notice a name that occurs twice in one.
    turn: u64,
}

/// A field name: its columns by type, and its cell in the current line.
#[derive(Clone, Copy, Default)]
struct Slot {
    columns: [Option<u32>; 5],
    turn: u64,
    cell: usize,
}

/// A cell of the current line: the name's slot, the type, and the index of the field in the line.
#[derive(Clone, Copy)]
struct Planned {
    slot: usize,
    field_type: FieldType,
    field: usize,
}

impl<'a> Table<'a> {
    fn new(measurement: &str) -> Self {
        Self {
            builder: BatchBuilder::new(measurement),
            origins: Vec::new(),
            tags: SortedTags::default(),
            names: HashMap::new(),
            slots: Vec::new(),
            order: Vec::new(),
            is_whole: false,
            planned: Vec::new(),
            turn: 0,
        }
    }

    /// Returns true if a line has the fields of the line before, in the same order, and no value that
    /// needs more than to be put into a column that there is. Then the rules for names hold as they
    /// did for the line before.
    fn repeats(&self, point: &Point<'a>, limits: &Limits) -> bool {
        let is_known = |(field, (key, slot)): (&Field<'a>, &(&'a str, usize))| {
            let raw = field.key.raw();
            // The parser mostly hands out the very same text.
            let is_key = std::ptr::eq(raw, *key) || raw == *key;
            is_key && is_short(&field.value, limits) && self.known_column(*slot, field).is_some()
        };
        self.is_whole
            && self.order.len() == point.fields.len()
            && point.fields.iter().zip(&self.order).all(is_known)
    }

    fn known_column(&self, slot: usize, field: &Field<'a>) -> Option<u32> {
        let columns = &self.slots.get(slot)?.columns;
        *columns.get(type_of(&field.value) as usize)?
    }

    /// Appends a line that repeats the fields of the line before. Returns an upper estimate of the
    /// bytes that it takes.
    fn push_repeated(&mut self, point: &Point<'a>, series: u32, time_ns: i64) -> usize {
        let mut bytes = CELL_BYTES * (1 + point.fields.len());
        let Self {
            builder,
            slots,
            order,
            ..
        } = self;
        let cells = point.fields.iter().zip(&*order).map(|(field, (_, slot))| {
            let value = plain_value(&field.value).certain("escaped strings repeat nothing");
            if let FieldValue::String(text) = value {
                bytes += 2 * text.len();
            }
            let columns = &slots.get(*slot).certain(SLOT).columns;
            let column = columns.get(type_of(&field.value) as usize).copied();
            (column.flatten().certain("its column is known"), value)
        });
        builder.push_values(series, time_ns, cells);
        bytes
    }

    /// Assigns the fields to names; of several fields of one name the last one counts, if their types
    /// agree. Returns the bytes that new names take.
    fn plan(&mut self, point: &Point<'a>, limits: &Limits) -> Result<usize, RejectedAt> {
        self.turn += 1;
        self.is_whole = false;
        self.planned.clear();
        let names_before = self.slots.len();
        for (index, field) in point
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !is_time(field))
        {
            let slot_index = self.slot(self.planned.len(), field, limits)?;
            let field_type = type_of(&field.value);
            let cell = Planned {
                slot: slot_index,
                field_type,
                field: index,
            };
            let slot = self.slots.get_mut(slot_index).certain(SLOT);
            if slot.turn != self.turn {
                (slot.turn, slot.cell) = (self.turn, self.planned.len());
                self.planned.push(cell);
                continue;
            }
            let earlier = self.planned.get_mut(slot.cell);
            let earlier = earlier.certain("it was planned in this line");
            if earlier.field_type != field_type {
                let key = field.key.decode().into_owned();
                let rejection = Rejection::FieldTwice {
                    key,
                    first: earlier.field_type,
                    second: field_type,
                };
                return Err(rejection.at(field.column));
            }
            *earlier = cell;
        }
        let fields = point.fields.len();
        self.is_whole = self.planned.len() == fields && self.order.len() == fields;
        Ok((self.slots.len() - names_before) * NAME_BYTES)
    }

    /// The slot of a field's name: that of the line before at this place, or the result of a look-up.
    fn slot(
        &mut self,
        position: usize,
        field: &Field<'a>,
        limits: &Limits,
    ) -> Result<usize, RejectedAt> {
        let raw = field.key.raw();
        match self.order.get(position) {
            Some((expected, slot)) if *expected == raw => return Ok(*slot),
            _ => {}
        }
        let names_max = limits.columns_max.saturating_mul(NAMES_FACTOR);
        let next = self.slots.len();
        let slot = match self.names.entry(raw) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if next >= names_max => {
                let what = "the number of field names";
                let rejection = limit("columns_max", what, limits.columns_max, next + 1);
                return Err(rejection.at(field.column));
            }
            Entry::Vacant(vacant) => {
                self.slots.push(Slot::default());
                *vacant.insert(next)
            }
        };
        self.order.truncate(position);
        self.order.push((raw, slot));
        Ok(slot)
    }

    fn add_series(&mut self, point: &Point<'a>) -> u32 {
        let escaped = |tag: &Tag<'_>| tag.key.is_escaped() || tag.value.is_escaped();
        if !point.tags.iter().any(escaped) {
            return self.builder.series(self.tags.of(point));
        }
        let mut tags: Vec<_> = point
            .tags
            .iter()
            .map(|tag| (tag.key.decode(), tag.value.decode()))
            .collect();
        tags.sort_unstable();
        let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (&**key, &**value)).collect();
        self.builder.series(&tags)
    }

    /// Appends the planned cells as a row. Returns an upper estimate of the bytes that they take.
    fn push_planned(&mut self, point: &Point<'a>, series: u32, time_ns: i64) -> usize {
        let mut cells = Vec::with_capacity(self.planned.len());
        let unescaped: Vec<String> = self.escaped_strings(point);
        let mut next_unescaped = unescaped.iter();
        let mut bytes = CELL_BYTES;
        for index in 0..self.planned.len() {
            let planned = *self.planned.get(index).certain("it is below their number");
            let field = point.fields.get(planned.field).certain(FIELD);
            let value = plain_value(&field.value).unwrap_or_else(|| {
                let text = next_unescaped.next();
                FieldValue::String(text.certain("all of them were unescaped above"))
            });
            if let FieldValue::String(text) = value {
                bytes += 2 * text.len();
            }
            bytes += CELL_BYTES;
            cells.push((self.column(planned, field), value));
        }
        self.builder.push_row(series, time_ns, &cells);
        bytes
    }

    fn escaped_strings(&self, point: &Point<'a>) -> Vec<String> {
        let values = self
            .planned
            .iter()
            .map(|planned| point.fields.get(planned.field).certain(FIELD));
        values
            .filter_map(|field| match field.value {
                Value::String(text) if text.is_escaped() => Some(text.decode().into_owned()),
                _ => None,
            })
            .collect()
    }

    fn column(&mut self, planned: Planned, field: &Field<'a>) -> u32 {
        let slot = self.slots.get_mut(planned.slot).certain(SLOT);
        let column = slot.columns.get_mut(planned.field_type as usize);
        let column = column.certain("there are five types");
        *column.get_or_insert_with(|| {
            self.builder
                .field_column(&field.key.decode(), planned.field_type)
        })
    }
}

/// The value for a column, unless it is a string that has to be unescaped.
#[inline]
fn plain_value<'a>(value: &Value<'a>) -> Option<FieldValue<'a>> {
    match *value {
        Value::Float(value) => Some(FieldValue::Float(value)),
        Value::Integer(value) => Some(FieldValue::Integer(value)),
        Value::Unsigned(value) => Some(FieldValue::Unsigned(value)),
        Value::Boolean(value) => Some(FieldValue::Boolean(value)),
        Value::String(text) => (!text.is_escaped()).then(|| FieldValue::String(text.raw())),
    }
}

/// Returns true unless the value is a string that is escaped or longer than is permitted.
#[inline]
fn is_short(value: &Value<'_>, limits: &Limits) -> bool {
    match value {
        Value::String(text) => !text.is_escaped() && text.raw().len() <= limits.string_bytes_max,
        _ => true,
    }
}

fn type_of(value: &Value<'_>) -> FieldType {
    match value {
        Value::Float(_) => FieldType::Float,
        Value::Integer(_) => FieldType::Integer,
        Value::Unsigned(_) => FieldType::Unsigned,
        Value::Boolean(_) => FieldType::Boolean,
        Value::String(_) => FieldType::String,
    }
}

#[cfg(test)]
mod tests;
