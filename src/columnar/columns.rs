//! A segment made of whole columns at once, as a file's reader has them.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, PrimitiveArray, StringArray, StringViewArray,
};
use arrow_buffer::{BooleanBufferBuilder, ScalarBuffer};
use arrow_schema::DataType;

use super::batch::TagColumn;
use super::presence::Presence;
use super::segment::{Segment, SegmentField};
use super::series::SeriesTable;
use super::value::FieldType;
use crate::certain::Certain;
use crate::narrow;

/// Columns of equal length: times, tags by key, fields by name.
#[derive(Debug, Default)]
pub struct Columns<'a> {
    /// Nanoseconds since the epoch.
    pub times: ScalarBuffer<i64>,
    /// A null is an absent tag.
    pub tags: Vec<(&'a str, DictionaryArray<Int32Type>)>,
    /// Float64, Int64, UInt64, Boolean, Utf8 or Utf8View; a null is an absent value.
    pub fields: Vec<(&'a str, ArrayRef)>,
}

impl Segment {
    /// A segment with these rows. A stretch of rows with the same tags is one series; tags that
    /// come back after others are a series of their own, so sorted rows are best. Nothing if the
    /// columns differ in length or in type from what they may be.
    pub fn from_columns(measurement: &str, mut columns: Columns<'_>) -> Option<Self> {
        let rows = columns.times.len();
        let tag_lengths = columns.tags.iter().map(|(_, tag)| tag.len());
        let field_lengths = columns.fields.iter().map(|(_, field)| field.len());
        if tag_lengths
            .chain(field_lengths)
            .any(|length| length != rows)
        {
            return None;
        }
        columns.tags.sort_unstable_by_key(|(key, _)| *key);
        let mut fields = Vec::with_capacity(columns.fields.len());
        for (name, array) in &columns.fields {
            let field = field(name, array)?;
            fields.extend((field.present_count() > 0).then_some(field));
        }
        let tags = columns.tags.iter().map(|(key, tag)| Tag::new(key, tag));
        let tags = tags.collect::<Option<Vec<_>>>()?;
        let (tags, series, row_series) = intern(tags, rows);
        Some(Self {
            measurement: measurement.into(),
            tags,
            series,
            times: columns.times,
            row_series: row_series.into(),
            fields,
        })
    }
}

/// A tag's column while its values are being taken over.
struct Tag<'a> {
    column: TagColumn,
    values: &'a StringArray,
    /// The dictionary's key of each row, -1 where the tag is absent.
    keys: ScalarBuffer<i32>,
    /// Our id of each key, one more, or 0.
    ids: Vec<u32>,
}

impl<'a> Tag<'a> {
    fn new(key: &str, array: &'a DictionaryArray<Int32Type>) -> Option<Self> {
        let values = array.values().as_string_opt::<i32>()?;
        let keys = array.keys();
        Some(Self {
            column: TagColumn {
                key: key.into(),
                values: Default::default(),
            },
            values,
            keys: match keys.null_count() {
                0 => keys.values().clone(),
                _ => keys.iter().map(|key| key.unwrap_or(-1)).collect(),
            },
            ids: vec![0; values.len()],
        })
    }

    /// Our id of the value in a row, if it has one.
    fn id(&mut self, row: usize) -> Option<u32> {
        let key = *self.keys.get(row).certain("all columns are of one length");
        let key = usize::try_from(key).ok()?;
        let known = self.ids.get_mut(key);
        let known = known.certain("keys are within the dictionary, which Arrow checks");
        if *known == 0 {
            self.column.values.push(self.values.value(key));
            *known = narrow::id(self.column.values.len());
        }
        Some(*known - 1)
    }
}

/// The series of the rows.
fn intern(mut tags: Vec<Tag<'_>>, rows: usize) -> (Vec<TagColumn>, SeriesTable, Vec<u32>) {
    let mut series = SeriesTable::default();
    let mut row_series = Vec::with_capacity(rows);
    let mut starts = vec![false; rows];
    starts.iter_mut().take(1).for_each(|start| *start = true);
    for tag in &tags {
        let later = tag.keys.iter().zip(tag.keys.iter().skip(1));
        for (start, (before, key)) in starts.iter_mut().skip(1).zip(later) {
            *start |= before != key;
        }
    }
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    let mut id = 0;
    for (row, is_start) in starts.iter().enumerate() {
        if *is_start {
            columns.clear();
            values.clear();
            for (column, tag) in (0_u32..).zip(&mut tags) {
                if let Some(value) = tag.id(row) {
                    columns.push(column);
                    values.push(value);
                }
            }
            let known = series
                .shapes()
                .iter()
                .rposition(|shape| **shape == *columns);
            let shape = known.map_or_else(|| series.push_shape(&columns), narrow::id);
            id = series.push(shape, &values);
        }
        row_series.push(id);
    }
    (
        tags.into_iter().map(|tag| tag.column).collect(),
        series,
        row_series,
    )
}

fn field(name: &str, array: &ArrayRef) -> Option<SegmentField> {
    let (field_type, packed): (FieldType, ArrayRef) = match array.data_type() {
        DataType::Float64 => (FieldType::Float, pack::<Float64Type>(array)),
        DataType::Int64 => (FieldType::Integer, pack::<Int64Type>(array)),
        DataType::UInt64 => (FieldType::Unsigned, pack::<UInt64Type>(array)),
        DataType::Boolean => (FieldType::Boolean, pack_booleans(array.as_boolean())),
        DataType::Utf8 => (FieldType::String, pack_strings(array.as_string())),
        DataType::Utf8View => (FieldType::String, pack_views(array.as_string_view())),
        _ => return None,
    };
    let mut presence = Presence::default();
    match array.nulls() {
        Some(nulls) => {
            for (start, end) in nulls.valid_slices() {
                presence.push_run(narrow::id(start), narrow::id(end - start));
            }
        }
        None if array.is_empty() => {}
        None => {
            presence.push_run(0, narrow::id(array.len()));
        }
    }
    Some(SegmentField::from_parts(name, field_type, presence, packed))
}

fn pack<T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef {
    let array = array.as_primitive::<T>();
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Arc::new(PrimitiveArray::<T>::new(array.values().clone(), None));
    };
    let mut values = Vec::with_capacity(array.len() - nulls.null_count());
    for (start, end) in nulls.valid_slices() {
        values.extend_from_slice(
            array
                .values()
                .get(start..end)
                .certain("slices are within the column"),
        );
    }
    Arc::new(PrimitiveArray::<T>::new(values.into(), None))
}

fn pack_booleans(array: &BooleanArray) -> ArrayRef {
    let mut bits = BooleanBufferBuilder::new(array.len());
    array.iter().flatten().for_each(|bit| bits.append(bit));
    Arc::new(BooleanArray::new(bits.finish(), None))
}

fn pack_strings(array: &StringArray) -> ArrayRef {
    if array.null_count() == 0 {
        let (offsets, bytes, _) = array.clone().into_parts();
        return Arc::new(StringArray::new(offsets, bytes, None));
    }
    Arc::new(StringArray::from_iter_values(array.iter().flatten()))
}

/// Texts in a buffer of their own, of the size that they need.
fn pack_views(array: &StringViewArray) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(array.len(), array.total_bytes_len());
    array
        .iter()
        .flatten()
        .for_each(|text| texts.append_value(text));
    Arc::new(texts.finish())
}
