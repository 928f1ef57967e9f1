//! The columns of one measurement while a slice is parsed: where the fields of a line go.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::super::rules::{Limits, RejectedAt, Rejection, limit};
use super::series::SortedTags;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::line_protocol::{Field, Point, Tag, Value};

/// Upper estimates of what a name and a cell take, in bytes.
const NAME_BYTES: usize = 512;
const CELL_BYTES: usize = 24;

/// The number of field names that a slice may bring for one table, in multiples of the column limit:
/// lines that will be rejected may bring some for nothing.
const NAMES_FACTOR: usize = 4;

/// The reason why the parts of a line are found.
const SLOT: &str = "a name keeps its slot";
const FIELD: &str = "planned cells are fields of the current line";

/// The origin of a row, to name it if it is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ingest) struct Origin {
    /// The physical line, 1-based.
    pub(in crate::ingest) line: u32,
    /// The place where parsing of the point began, in bytes from the start of the body.
    pub(in crate::ingest) offset: usize,
    /// True if a field of it was dropped, which was reported.
    pub(in crate::ingest) dropped: bool,
}

/// The rows of one measurement while a slice is parsed.
pub(super) struct Table<'a> {
    pub(super) builder: BatchBuilder,
    /// One entry per row, put there by whoever pushes a line.
    pub(super) origins: Vec<Origin>,
    tags: SortedTags<'a>,
    /// The shape of the series that `tags` was last asked for.
    shape: Option<u32>,
    names: HashMap<&'a str, usize>,
    slots: Vec<Slot<'a>>,
    /// The slot of the field that a line starts with.
    first: usize,
    /// The fields of the line before, if it has each name once, and none that is dropped.
    expected: Vec<Expected<'a>>,
    /// The cells of the current line.
    planned: Vec<Planned>,
    /// Counts lines, to notice a name that occurs twice in one.
    turn: u64,
}

/// A field name: its columns by type, its cell in the current line, and the slot of the name that came
/// after it the last time.
#[derive(Clone, Copy)]
struct Slot<'a> {
    key: &'a str,
    columns: [Option<u32>; 5],
    turn: u64,
    cell: usize,
    next: usize,
}

/// A field of the line before, and the column into which it went.
#[derive(Clone, Copy)]
struct Expected<'a> {
    key: &'a str,
    field_type: FieldType,
    column: u32,
}

/// A cell of the current line: the name's slot, the type, and the index of the field in the line.
#[derive(Clone, Copy)]
struct Planned {
    slot: usize,
    field_type: FieldType,
    field: usize,
}

impl<'a> Table<'a> {
    pub(super) fn new(measurement: &str) -> Self {
        Self {
            builder: BatchBuilder::new(measurement),
            origins: Vec::new(),
            tags: SortedTags::default(),
            shape: None,
            names: HashMap::new(),
            slots: Vec::new(),
            first: 0,
            expected: Vec::new(),
            planned: Vec::new(),
            turn: 0,
        }
    }

    /// Returns true if a line has the fields of the line before, in the same order and of the same
    /// types, and no value that needs more than to be put into its column. Then the rules for names
    /// hold as they did for the line before.
    #[inline]
    pub(super) fn repeats(&self, point: &Point<'a>, limits: &Limits) -> bool {
        let is_expected = |(field, expected): (&Field<'a>, &Expected<'a>)| {
            is_same_text(field.key.raw(), expected.key)
                && type_of(&field.value) == expected.field_type
                && is_short(&field.value, limits)
        };
        !self.expected.is_empty()
            && self.expected.len() == point.fields.len()
            && point.fields.iter().zip(&self.expected).all(is_expected)
    }

    /// Appends a line that repeats the fields of the line before. Returns an upper estimate of the
    /// bytes that it takes.
    #[inline]
    pub(super) fn push_repeated(&mut self, point: &Point<'a>, series: u32, time_ns: i64) -> usize {
        let mut bytes = CELL_BYTES * (1 + point.fields.len());
        let Self {
            builder, expected, ..
        } = self;
        let cells = point
            .fields
            .iter()
            .zip(&*expected)
            .map(|(field, expected)| {
                let value = plain_value(&field.value).certain("escaped strings repeat nothing");
                if let FieldValue::String(text) = value {
                    bytes += 2 * text.len();
                }
                (expected.column, value)
            });
        builder.push_values(series, time_ns, cells);
        bytes
    }

    /// Assigns the fields to names; of several fields of one name the last one counts, if their types
    /// agree. Returns the bytes that new names take.
    pub(super) fn plan(&mut self, point: &Point<'a>, limits: &Limits) -> Result<usize, RejectedAt> {
        self.turn += 1;
        self.expected.clear();
        self.planned.clear();
        let names_before = self.slots.len();
        let mut before = None;
        for (index, field) in point
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !is_time(field))
        {
            let slot_index = self.slot(before, field, limits)?;
            before = Some(slot_index);
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
        Ok((self.slots.len() - names_before) * NAME_BYTES)
    }

    /// The slot of a field's name: that which came after the slot `before` the last time, or the result
    /// of a look-up.
    fn slot(
        &mut self,
        before: Option<usize>,
        field: &Field<'a>,
        limits: &Limits,
    ) -> Result<usize, RejectedAt> {
        let raw = field.key.raw();
        let expected = match before.and_then(|before| self.slots.get(before)) {
            Some(slot) => slot.next,
            None => self.first,
        };
        match self.slots.get(expected) {
            Some(slot) if is_same_text(slot.key, raw) => return Ok(expected),
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
                self.slots.push(Slot {
                    key: raw,
                    columns: [None; 5],
                    turn: 0,
                    cell: 0,
                    next: next + 1,
                });
                *vacant.insert(next)
            }
        };
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(before) => before.next = slot,
            None => self.first = slot,
        }
        Ok(slot)
    }

    pub(super) fn add_series(&mut self, point: &Point<'a>) -> u32 {
        let escaped = |tag: &Tag<'_>| tag.key.is_escaped() || tag.value.is_escaped();
        if !point.tags.iter().any(escaped) {
            let is_again = self.tags.take(point);
            let shape = match self.shape {
                Some(shape) if is_again => shape,
                _ => self.builder.shape(self.tags.keys()),
            };
            self.shape = Some(shape);
            return self.builder.series_of_shape(shape, self.tags.values());
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
    pub(super) fn push_planned(&mut self, point: &Point<'a>, series: u32, time_ns: i64) -> usize {
        for index in 0..self.planned.len() {
            let planned = *self.planned.get(index).certain("it is below their number");
            let field = point.fields.get(planned.field).certain(FIELD);
            let column = self.column(planned, field);
            self.expected.push(Expected {
                key: field.key.raw(),
                field_type: planned.field_type,
                column,
            });
        }
        let unescaped: Vec<String> = self.escaped_strings(point);
        let mut next_unescaped = unescaped.iter();
        let mut bytes = CELL_BYTES * (1 + self.planned.len());
        let cells = self.planned.iter().zip(&self.expected);
        let cells = cells.map(|(planned, expected)| {
            let field = point.fields.get(planned.field).certain(FIELD);
            let value = plain_value(&field.value).unwrap_or_else(|| {
                let text = next_unescaped.next();
                FieldValue::String(text.certain("all of them were unescaped above"))
            });
            if let FieldValue::String(text) = value {
                bytes += 2 * text.len();
            }
            (expected.column, value)
        });
        self.builder.push_values(series, time_ns, cells);
        if self.expected.len() != point.fields.len() {
            self.expected.clear();
        }
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

/// Finds a field called `time` among others; if it is the only one, the line is rejected (contract
/// section 1.3).
pub(super) fn dropped_time_field(point: &Point<'_>) -> Result<Option<u32>, RejectedAt> {
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

/// Returns true if two names are written alike. The parser mostly hands out the very same text.
#[inline]
fn is_same_text(a: &str, b: &str) -> bool {
    std::ptr::eq(a, b) || a == b
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
