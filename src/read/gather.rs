//! Gathering the values of merged rows into Arrow arrays.
//!
//! Only cells that exist are visited: the rows without a value are added to a column when its next
//! value comes, and the tags of a series once for all of its rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder,
    StringDictionaryBuilder, TimestampNanosecondBuilder, UInt64Builder,
};
use arrow_array::types::Int32Type;

use super::rows::Rows;
use crate::certain::{Certain, impossible};
use crate::columnar::{FieldType, FieldValue};

/// Columns under construction.
pub(super) struct Gather {
    times: TimestampNanosecondBuilder,
    tags: Vec<Tag>,
    tag_places: HashMap<Box<str>, usize>,
    /// Rows of the current series whose tags are not in the columns yet.
    series_rows: usize,
    fields: Vec<Values>,
    rows: usize,
    /// The size of a row without its texts: a cell without a value takes as much as one with a
    /// value.
    row_bytes: usize,
    bytes: usize,
}

#[derive(Default)]
struct Tag {
    values: StringDictionaryBuilder<Int32Type>,
    /// The tag's value in the current series.
    text: String,
    is_present: bool,
}

enum Values {
    Float(Float64Builder),
    Integer(Int64Builder),
    Unsigned(UInt64Builder),
    Boolean(BooleanBuilder),
    String(StringBuilder),
}

impl Gather {
    /// Columns for the tags and fields of these rows, which may be a part of what the table has.
    pub(super) fn new(rows: &Rows, zone: Option<&'static str>) -> Self {
        let tags = rows.tag_keys().map(|_| Tag::default());
        let fields = rows.fields().iter();
        let fields = fields.map(|field| Values::new(field.field_type));
        let row_bytes = size_of::<i64>() * (1 + rows.fields().len());
        let row_bytes = row_bytes + size_of::<i32>() * rows.tag_keys().count();
        Self {
            times: TimestampNanosecondBuilder::new().with_timezone_opt(zone),
            tags: tags.collect(),
            tag_places: rows.tag_keys().map(Box::from).zip(0..).collect(),
            series_rows: 0,
            fields: fields.collect(),
            rows: 0,
            row_bytes,
            bytes: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The approximate memory of the rows, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the current row.
    pub(super) fn push(&mut self, row: &Rows) {
        if row.is_new_series() {
            self.end_series();
            self.start_series(row);
        }
        self.series_rows += 1;
        self.times.append_value(row.time_ns());
        self.bytes += self.row_bytes;
        for (place, value) in row.row_values() {
            if let FieldValue::String(text) = value {
                self.bytes += text.len();
            }
            let values = self.fields.get_mut(place);
            let values = values.certain("places are those of the table's fields");
            values.push(self.rows, value);
        }
        self.rows += 1;
    }

    fn start_series(&mut self, row: &Rows) {
        self.tags.iter_mut().for_each(|tag| tag.is_present = false);
        for (key, value) in row.row_tags() {
            let Some(place) = self.tag_places.get(key) else {
                continue; // not asked for
            };
            let tag = self.tags.get_mut(*place);
            let tag = tag.certain("each place is that of a tag");
            self.bytes += value.len();
            value.clone_into(&mut tag.text);
            tag.is_present = true;
        }
    }

    fn end_series(&mut self) {
        let rows = std::mem::take(&mut self.series_rows);
        if rows == 0 {
            return;
        }
        for tag in &mut self.tags {
            match tag.is_present {
                true => tag.values.append_values(&tag.text, rows),
                false => tag.values.append_nulls(rows),
            }
        }
    }

    /// Returns the columns gathered so far, and starts anew.
    pub(super) fn finish(&mut self) -> Vec<ArrayRef> {
        self.end_series();
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let times: ArrayRef = Arc::new(self.times.finish());
        let tags = self.tags.iter_mut();
        let tags = tags.map(|tag| Arc::new(tag.values.finish()) as ArrayRef);
        let fields = self.fields.iter_mut().map(|values| values.finish(rows));
        [times].into_iter().chain(tags).chain(fields).collect()
    }
}

impl Values {
    fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Float => Self::Float(Float64Builder::new()),
            FieldType::Integer => Self::Integer(Int64Builder::new()),
            FieldType::Unsigned => Self::Unsigned(UInt64Builder::new()),
            FieldType::Boolean => Self::Boolean(BooleanBuilder::new()),
            FieldType::String => Self::String(StringBuilder::new()),
        }
    }

    /// Sets the value of a row; earlier rows without a value become null. A value of another type
    /// cannot arrive here: the merge already treats it as absent.
    fn push(&mut self, row: usize, value: FieldValue<'_>) {
        self.fill(row);
        match (self, value) {
            (Self::Float(values), FieldValue::Float(value)) => values.append_value(value),
            (Self::Integer(values), FieldValue::Integer(value)) => values.append_value(value),
            (Self::Unsigned(values), FieldValue::Unsigned(value)) => values.append_value(value),
            (Self::Boolean(values), FieldValue::Boolean(value)) => values.append_value(value),
            (Self::String(values), FieldValue::String(value)) => values.append_value(value),
            _ => impossible("a field is read with its type"),
        }
    }

    /// Adds nulls up to `rows`.
    fn fill(&mut self, rows: usize) {
        match self {
            Self::Float(values) => values.append_nulls(rows.saturating_sub(values.len())),
            Self::Integer(values) => values.append_nulls(rows.saturating_sub(values.len())),
            Self::Unsigned(values) => values.append_nulls(rows.saturating_sub(values.len())),
            Self::Boolean(values) => values.append_nulls(rows.saturating_sub(values.len())),
            Self::String(values) => values.append_nulls(rows.saturating_sub(values.len())),
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.fill(rows);
        match self {
            Self::Float(values) => Arc::new(values.finish()),
            Self::Integer(values) => Arc::new(values.finish()),
            Self::Unsigned(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::String(values) => Arc::new(values.finish()),
        }
    }
}
