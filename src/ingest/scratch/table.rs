//! The columns of one measurement while a slice is parsed: where the fields of a line go.

use super::super::keyed::{HasKey, Keyed};
use super::super::rules::{Limits, RejectedAt, Rejection, limit};
use super::tags::KnownTags;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::line_protocol::{Field, Point, Value};
use crate::narrow;

/// Upper estimates of what the parts of a table take, in bytes. A vector has room for up to twice what is
/// in it, and a hash table up to 16/7 buckets for an entry, with a byte beside each.
const ROW_BYTES: usize = 2 * (size_of::<i64>() + size_of::<u32>() + size_of::<Origin>());
/// A value, and the run of rows that it may begin. Twice its text comes with a string.
const CELL_BYTES: usize = 2 * (size_of::<u64>() + size_of::<u64>());
const NAME_BYTES: usize = 2
    * (size_of::<Slot<'_>>() + size_of::<Expected<'_>>() + size_of::<Planned>())
    + 3 * (size_of::<usize>() + 1);
/// Of a field or a tag, with the smallest vectors and tables that there are. The name comes with it.
const COLUMN_BYTES: usize = 640;

/// The number of tags and of fields that a table has room for from the start, if its first line has so many.
const ROOM_MAX: usize = 16;

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
    /// The measurement as it was written first.
    written: &'a str,
    pub(super) builder: BatchBuilder,
    /// One entry per row, put there by whoever pushes a line.
    pub(super) origins: Vec<Origin>,
    tags: KnownTags<'a>,
    slots: Keyed<Slot<'a>>,
    /// The slot of the field that a line starts with.
    first: usize,
    /// The fields of the last line that was planned, if it has each name once, and none that is dropped.
    expected: Vec<Expected<'a>>,
    /// The cells of the current line.
    planned: Vec<Planned>,
    /// Counts lines, to notice a name that occurs twice in one.
    turn: u64,
    /// An upper estimate of the bytes that were taken since they were last asked for.
    grown: usize,
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

impl HasKey for Slot<'_> {
    type Key = str;

    fn key(&self) -> &str {
        self.key
    }
}

impl HasKey for Table<'_> {
    type Key = str;

    fn key(&self) -> &str {
        self.written
    }
}

/// A field of the last line that was planned, and the column into which it went.
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
    /// A table for the measurement of a line, without rows.
    pub(super) fn new(point: &Point<'a>) -> Self {
        let fields = point.fields.len().min(ROOM_MAX);
        let mut builder = BatchBuilder::new(&point.measurement.decode());
        builder.reserve(point.tags.len().min(ROOM_MAX), fields);
        let room_bytes = size_of::<Slot<'_>>() + size_of::<Expected<'_>>() + size_of::<Planned>();
        let grown = fields * room_bytes + narrow::to_usize(builder.heap_bytes());
        Self {
            written: point.measurement.raw(),
            builder,
            origins: Vec::new(),
            tags: KnownTags::default(),
            slots: Keyed::with_room(fields),
            first: 0,
            expected: Vec::with_capacity(fields),
            planned: Vec::with_capacity(fields),
            turn: 0,
            grown,
        }
    }

    /// An upper estimate of the bytes that were taken since the last call, also by lines that were
    /// rejected.
    pub(super) fn take_grown(&mut self) -> usize {
        std::mem::take(&mut self.grown)
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        let builder = usize::try_from(self.builder.heap_bytes()).expect("it is in memory");
        builder
            + self.origins.capacity() * size_of::<Origin>()
            + self.tags.heap_bytes()
            + self.slots.heap_bytes()
            + self.expected.capacity() * size_of::<Expected<'_>>()
            + self.planned.capacity() * size_of::<Planned>()
    }

    /// Returns true if a line has the fields of the last line that was planned, in the same order and of the
    /// same types, and no value that needs more than to be put into its column. Then the rules for names
    /// hold as they did for that line.
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

    /// Appends a line that repeats the fields of the last line that was planned.
    #[inline]
    pub(super) fn push_repeated(&mut self, point: &Point<'a>, series: u32, time_ns: i64) {
        let mut bytes = ROW_BYTES + CELL_BYTES * point.fields.len();
        let cells = point.fields.iter().zip(&self.expected);
        let cells = cells.map(|(field, expected)| {
            let value = plain_value(&field.value).certain("escaped strings repeat nothing");
            if let FieldValue::String(text) = value {
                bytes += 2 * text.len();
            }
            (expected.column, value)
        });
        self.builder.push_values(series, time_ns, cells);
        self.grown += bytes;
    }

    /// Assigns the fields to names; of several fields of one name the last one counts, if their types
    /// agree.
    pub(super) fn plan(&mut self, point: &Point<'a>, limits: &Limits) -> Result<(), RejectedAt> {
        self.turn += 1;
        self.expected.clear();
        self.planned.clear();
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
        Ok(())
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
        let slot = match self.slots.find(raw) {
            Some(known) => known,
            None if next >= names_max => {
                let what = "the number of field names";
                let rejection = limit("columns_max", what, limits.columns_max, next + 1);
                return Err(rejection.at(field.column));
            }
            None => {
                self.grown += NAME_BYTES;
                self.slots.push(Slot {
                    key: raw,
                    columns: [None; 5],
                    turn: 0,
                    cell: 0,
                    next: next + 1,
                })
            }
        };
        match before.and_then(|before| self.slots.get_mut(before)) {
            Some(before) => before.next = slot,
            None => self.first = slot,
        }
        Ok(slot)
    }

    /// Returns true if the series of a line obeys the rules for names and tags because that of the last line
    /// whose series was made did: its keys are the same, and its text is too short for a value that is too
    /// long. `point` is of this table's measurement.
    #[inline]
    pub(super) fn repeats_tags(&self, point: &Point<'a>, limits: &Limits) -> bool {
        point.series_key.len() <= limits.tag_value_bytes_max && self.tags.has_keys_of(point)
    }

    /// The series of a line, made if it is new. `is_again` is what [`Table::repeats_tags`] says of it.
    pub(super) fn series(&mut self, point: &Point<'a>, is_again: bool) -> u32 {
        let before = self.builder.batch().tag_count();
        let remembered_bytes = self.tags.remembered_bytes();
        let series = self.tags.series(&mut self.builder, point, is_again);
        self.grown += self.tags.remembered_bytes() - remembered_bytes;
        let more = self.builder.batch().tag_count() - before;
        if more > 0 {
            self.grown += more * COLUMN_BYTES + point.series_key.len();
        }
        series
    }

    /// Appends the planned cells as a row.
    pub(super) fn push_planned(&mut self, point: &Point<'a>, series: u32, time_ns: i64) {
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
        let mut bytes = ROW_BYTES + CELL_BYTES * self.planned.len();
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
        self.grown += bytes;
        if self.expected.len() != point.fields.len() {
            self.expected.clear();
        }
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
            let key = field.key.decode();
            self.grown += COLUMN_BYTES + key.len();
            self.builder.field_column(&key, planned.field_type)
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
