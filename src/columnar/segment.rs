//! Rows that no longer change, in Arrow's buffers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, OffsetBuffer, ScalarBuffer};

use super::batch::{Batch, TagColumn, tags_of};
use super::column::{FieldColumn, Values};
use super::kind::ColumnKind;
use super::presence::Presence;
use super::series::SeriesTable;
use super::value::{FieldType, FieldValue};
use crate::certain::Certain;
use crate::narrow;

/// The reason why there is a value.
const RANKED: &str = "a field has as many values, of its type, as rows that have one";

/// Rows of one measurement that no longer change. Cheap to share behind an `Arc`.
///
/// Values were moved into Arrow's buffers, not copied; sparse columns stay packed until
/// [`Segment::field_array`] asks for them, so that a thousand of them cost no more than what they
/// hold. Rows are in the order in which they arrived.
#[derive(Clone, Debug)]
pub struct Segment {
    pub(super) measurement: Box<str>,
    pub(super) tags: Vec<TagColumn>,
    pub(super) series: SeriesTable,
    pub(super) times: ScalarBuffer<i64>,
    pub(super) row_series: ScalarBuffer<u32>,
    pub(super) fields: Vec<SegmentField>,
}

/// All values of a field that exist, one after another, without nulls.
#[derive(Clone, Copy, Debug)]
pub enum FieldValues<'a> {
    /// Doubles.
    Float(&'a [f64]),
    /// Signed integers.
    Integer(&'a [i64]),
    /// Unsigned integers.
    Unsigned(&'a [u64]),
    /// Booleans.
    Boolean(&'a BooleanArray),
    /// Texts.
    String(&'a StringArray),
}

/// A field of a [`Segment`].
#[derive(Clone, Debug)]
pub struct SegmentField {
    name: Box<str>,
    field_type: FieldType,
    pub(super) presence: Presence,
    /// The values that exist, without nulls.
    pub(super) packed: ArrayRef,
}

impl Batch {
    /// The same rows, immutable, in Arrow's layout; buffers are moved.
    pub fn freeze(mut self) -> Segment {
        self.shrink();
        let fields = self
            .fields
            .into_iter()
            .filter(|field| field.present_count() > 0);
        let mut fields: Vec<SegmentField> = fields.map(SegmentField::new).collect();
        fields.shrink_to_fit();
        Segment {
            measurement: self.measurement,
            tags: self.tags,
            series: self.series,
            times: self.times.into(),
            row_series: self.row_series.into(),
            fields,
        }
    }
}

/// The reason why tags, values and series are found.
const KNOWN: &str = "their numbers are handed out by the batch that the segment was";

impl Segment {
    /// The measurement of all rows, unescaped.
    pub fn measurement(&self) -> &str {
        &self.measurement
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Returns the times in nanoseconds since the epoch, one per row.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// Returns the series id of each row, below [`Segment::series_count`].
    pub fn series_of_rows(&self) -> &[u32] {
        &self.row_series
    }

    /// The number of distinct series.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Key and value of every tag of a series, ordered by key, bytewise.
    pub fn series_tags(&self, series: u32) -> impl Iterator<Item = (&str, &str)> + Clone {
        tags_of(&self.tags, &self.series, series)
    }

    /// The tags of a series as numbers, ordered by key: the place of the key among
    /// [`Segment::tag_keys`], and that of the value among [`Segment::tag_values`].
    pub fn series_ids(&self, series: u32) -> impl Iterator<Item = (u32, u32)> {
        let (shape, values) = self.series.get(series).certain(KNOWN);
        self.series
            .shape(shape)
            .iter()
            .copied()
            .zip(values.iter().copied())
    }

    /// The distinct values of a tag, by the place of its key among [`Segment::tag_keys`].
    pub fn tag_values(&self, column: usize) -> impl ExactSizeIterator<Item = &str> {
        let values = &self.tags.get(column).certain(KNOWN).values;
        (0..narrow::id(values.len())).map(|id| values.get(id).certain(KNOWN))
    }

    /// The tag keys, in the order in which they appeared.
    pub fn tag_keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.tags.iter().map(|tag| &*tag.key)
    }

    /// The field columns that have a value, in the order in which they appeared.
    pub fn fields(&self) -> &[SegmentField] {
        &self.fields
    }

    /// Name and kind of every column: the tags, then the fields. One name may come several times,
    /// each with another kind.
    pub fn columns(&self) -> impl Iterator<Item = (&str, ColumnKind)> + Clone {
        let tags = self.tag_keys().map(|key| (key, ColumnKind::Tag));
        let fields = self.fields.iter();
        tags.chain(fields.map(|field| (field.name(), ColumnKind::Field(field.field_type()))))
    }

    /// Returns the number of columns, tags and fields.
    pub fn column_count(&self) -> usize {
        self.tags.len() + self.fields.len()
    }

    /// Bytes on the heap, counted by capacity.
    pub fn heap_bytes(&self) -> u64 {
        let tags: usize = self
            .tags
            .iter()
            .map(|tag| tag.key.len() + tag.values.heap_bytes())
            .sum();
        let fields: usize = self.fields.iter().map(SegmentField::heap_bytes).sum();
        let bytes = self.measurement.len()
            + tags
            + self.tags.capacity() * size_of::<TagColumn>()
            + self.series.heap_bytes()
            + self.times.inner().capacity()
            + self.row_series.inner().capacity()
            + fields
            + self.fields.capacity() * size_of::<SegmentField>();
        bytes as u64
    }
}

impl SegmentField {
    fn new(field: FieldColumn) -> Self {
        let field_type = field.field_type();
        Self {
            name: field.name,
            field_type,
            presence: field.presence,
            packed: array(field.values),
        }
    }

    /// `packed` has as many values as `presence` counts, of the field's type, and no nulls.
    pub(super) fn from_parts(
        name: &str,
        field_type: FieldType,
        presence: Presence,
        packed: ArrayRef,
    ) -> Self {
        Self {
            name: name.into(),
            field_type,
            presence,
            packed,
        }
    }

    /// The field's key, unescaped.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of all its values.
    pub fn field_type(&self) -> FieldType {
        self.field_type
    }

    /// Returns true if `row` has a value.
    pub fn has(&self, row: usize) -> bool {
        self.presence.rank(row).is_some()
    }

    /// The value of `row`, if it has one.
    pub fn value(&self, row: usize) -> Option<FieldValue<'_>> {
        let rank = self.presence.rank(row)?;
        Some(self.get(rank).certain(RANKED))
    }

    /// Returns the place of the value of `row` among those that exist, for
    /// [`SegmentField::value_at`].
    pub fn place(&self, row: usize) -> Option<usize> {
        self.presence.rank(row)
    }

    /// Returns the value at a place, if there are that many values.
    pub fn value_at(&self, place: usize) -> Option<FieldValue<'_>> {
        self.get(place)
    }

    /// Returns every row that has a value, ascending.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.presence.rows()
    }

    /// Returns the number of rows that have a value.
    pub fn present_count(&self) -> usize {
        self.presence.count()
    }

    /// Returns first row and length of every run of rows that have a value, ascending.
    pub fn runs(&self) -> impl Iterator<Item = (u32, u32)> + Clone {
        self.presence.runs()
    }

    /// The values of the rows in [`SegmentField::runs`], in bulk.
    pub fn values(&self) -> FieldValues<'_> {
        match self.field_type {
            FieldType::Float => {
                FieldValues::Float(self.packed.as_primitive::<Float64Type>().values())
            }
            FieldType::Integer => {
                FieldValues::Integer(self.packed.as_primitive::<Int64Type>().values())
            }
            FieldType::Unsigned => {
                FieldValues::Unsigned(self.packed.as_primitive::<UInt64Type>().values())
            }
            FieldType::Boolean => FieldValues::Boolean(self.packed.as_boolean()),
            FieldType::String => FieldValues::String(self.packed.as_string()),
        }
    }

    /// Returns every row that has a value, ascending, with the value.
    pub fn iter(&self) -> impl Iterator<Item = (usize, FieldValue<'_>)> {
        let ranked = self.presence.rows().enumerate();
        ranked.map(|(rank, row)| (row, self.get(rank).certain(RANKED)))
    }

    fn get(&self, rank: usize) -> Option<FieldValue<'_>> {
        let any = self.packed.as_any();
        if rank >= self.packed.len() {
            return None;
        }
        match self.field_type {
            FieldType::Float => any
                .downcast_ref::<PrimitiveArray<Float64Type>>()
                .map(|array| FieldValue::Float(array.value(rank))),
            FieldType::Integer => any
                .downcast_ref::<PrimitiveArray<Int64Type>>()
                .map(|array| FieldValue::Integer(array.value(rank))),
            FieldType::Unsigned => any
                .downcast_ref::<PrimitiveArray<UInt64Type>>()
                .map(|array| FieldValue::Unsigned(array.value(rank))),
            FieldType::Boolean => any
                .downcast_ref::<BooleanArray>()
                .map(|array| FieldValue::Boolean(array.value(rank))),
            FieldType::String => any
                .downcast_ref::<StringArray>()
                .map(|array| FieldValue::String(array.value(rank))),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.name.len() + self.presence.heap_bytes() + self.packed.get_buffer_memory_size()
    }
}

/// The packed values as an array without nulls; the buffers are moved.
fn array(values: Values) -> ArrayRef {
    match values {
        Values::Float(values) => Arc::new(PrimitiveArray::<Float64Type>::from(values)),
        Values::Integer(values) => Arc::new(PrimitiveArray::<Int64Type>::from(values)),
        Values::Unsigned(values) => Arc::new(PrimitiveArray::<UInt64Type>::from(values)),
        Values::Boolean(values) => {
            let length = values.len();
            let bytes = Buffer::from_vec(values.into_bytes());
            Arc::new(BooleanArray::new(
                BooleanBuffer::new(bytes, 0, length),
                None,
            ))
        }
        Values::String(values) => {
            let (bytes, offsets) = values.into_parts();
            let offsets = OffsetBuffer::new(offsets.into());
            Arc::new(StringArray::new(offsets, Buffer::from_vec(bytes), None))
        }
    }
}
