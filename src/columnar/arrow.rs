//! A segment as an Arrow record batch, the form that readers merge and export sends.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int32Type, Int64Type, UInt64Type};
use arrow_array::{
    ArrayRef, DictionaryArray, Int32Array, PrimitiveArray, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBuffer, NullBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::batch::TagColumn;
use super::presence::Presence;
use super::segment::{Segment, SegmentField};
use super::value::FieldType;
use crate::certain::Certain;

/// The reason why a series is found.
const SERIES: &str = "ids of series are below their number";

/// The key in a column's metadata that says what the column is, as InfluxDB 3 writes it.
pub const COLUMN_TYPE_KEY: &str = "iox::column::type";

/// The name of the column of times.
pub const TIME: &str = "time";

/// The schema of a table: `time`, then tags, then fields, both in the order given (bytewise by
/// name, so that tables agree).
pub fn schema<'a>(
    tags: impl IntoIterator<Item = &'a str>,
    fields: impl IntoIterator<Item = (&'a str, FieldType)>,
) -> SchemaRef {
    let time_type = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let time = column(TIME, time_type, false, "timestamp");
    let tags = tags
        .into_iter()
        .map(|key| column(key, tag_type(), true, "tag"));
    let fields = fields
        .into_iter()
        .map(|(name, field_type)| field(name, field_type));
    Arc::new(Schema::new(
        [time]
            .into_iter()
            .chain(tags)
            .chain(fields)
            .collect::<Vec<_>>(),
    ))
}

fn field(name: &str, field_type: FieldType) -> Field {
    let kind = match field_type {
        FieldType::Float => "field::float",
        FieldType::Integer => "field::integer",
        FieldType::Unsigned => "field::uinteger",
        FieldType::Boolean => "field::boolean",
        FieldType::String => "field::string",
    };
    column(name, field_type.arrow(), true, kind)
}

/// The type of the values of a tag in Arrow.
pub fn tag_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl FieldType {
    /// The type of the values of a field in Arrow.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Float => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Unsigned => DataType::UInt64,
            Self::Boolean => DataType::Boolean,
            Self::String => DataType::Utf8,
        }
    }
}

fn column(name: &str, data_type: DataType, nullable: bool, kind: &str) -> Field {
    let kind = format!("iox::column_type::{kind}");
    let metadata = [(COLUMN_TYPE_KEY.to_owned(), kind)].into();
    Field::new(name, data_type, nullable).with_metadata(metadata)
}

impl Segment {
    /// Returns all rows in the order of their arrival: `time`, tags by key, fields by name,
    /// bytewise.
    pub fn record_batch(&self) -> Result<RecordBatch, ArrowError> {
        let mut tags: Vec<(usize, &str)> = self.tag_keys().enumerate().collect();
        tags.sort_unstable_by_key(|(_, key)| *key);
        let mut fields: Vec<&SegmentField> = self.fields.iter().collect();
        fields.sort_unstable_by_key(|field| (field.name(), field.field_type()));
        let schema = schema(
            tags.iter().map(|(_, key)| *key),
            fields
                .iter()
                .map(|field| (field.name(), field.field_type())),
        );
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.time_array())];
        for (tag, _) in tags {
            columns.push(Arc::new(self.tag_array(tag)?));
        }
        columns.extend(fields.into_iter().map(|field| expand(field, self.rows())));
        RecordBatch::try_new(schema, columns)
    }

    /// The times of all rows; the buffer is shared.
    pub fn time_array(&self) -> TimestampNanosecondArray {
        TimestampNanosecondArray::new(self.times.clone(), None).with_timezone("UTC")
    }

    /// The values of a tag, by its position in [`Segment::tag_keys`], in all rows; all null where
    /// there is no such tag.
    pub fn tag_array(&self, tag: usize) -> Result<DictionaryArray<Int32Type>, ArrowError> {
        let values = self.tags.get(tag).map(dictionary).transpose()?;
        let values = values.unwrap_or_else(|| StringArray::new_null(0));
        let of_series: Vec<Option<i32>> = (0..)
            .take(self.series_count())
            .map(|series| self.tag_of_series(tag, series))
            .collect();
        let mut keys: Vec<i32> = Vec::with_capacity(self.rows());
        let mut nulls = NullBufferBuilder::new(self.rows());
        for same in self.row_series.chunk_by(|a, b| a == b) {
            let series = same.first().copied().unwrap_or_default();
            let key = *of_series.get(series as usize).certain(SERIES);
            keys.resize(keys.len() + same.len(), key.unwrap_or_default());
            match key {
                Some(_) => nulls.append_n_non_nulls(same.len()),
                None => nulls.append_n_nulls(same.len()),
            }
        }
        let keys = Int32Array::new(keys.into(), nulls.finish());
        DictionaryArray::try_new(keys, Arc::new(values))
    }

    /// The values of a field, by its position in [`Segment::fields`], in all rows; null where a
    /// row has none. A column that every row sets is shared, not copied.
    pub fn field_array(&self, field: usize) -> Option<ArrayRef> {
        self.fields
            .get(field)
            .map(|field| expand(field, self.rows()))
    }

    /// The dictionary id of a tag's value in a series.
    fn tag_of_series(&self, tag: usize, series: u32) -> Option<i32> {
        let (shape, values) = self.series.get(series).certain(SERIES);
        let mut columns = self.series.shape(shape).iter();
        let position = columns.position(|column| *column as usize == tag)?;
        let id = values.get(position);
        Some(id.certain("one a tag of the shape").cast_signed())
    }
}

fn dictionary(tag: &TagColumn) -> Result<StringArray, ArrowError> {
    let (bytes, offsets) = tag.values.clone().into_parts();
    StringArray::try_new(
        OffsetBuffer::new(offsets.into()),
        Buffer::from_vec(bytes),
        None,
    )
}

fn expand(field: &SegmentField, rows: usize) -> ArrayRef {
    let (presence, packed) = (&field.presence, &field.packed);
    if presence.count() == rows {
        return packed.clone();
    }
    match field.field_type() {
        FieldType::Float => Arc::new(spread::<Float64Type>(packed.as_primitive(), presence, rows)),
        FieldType::Integer => Arc::new(spread::<Int64Type>(packed.as_primitive(), presence, rows)),
        FieldType::Unsigned => {
            Arc::new(spread::<UInt64Type>(packed.as_primitive(), presence, rows))
        }
        FieldType::Boolean => {
            let values = packed.as_boolean();
            let mut spread = BooleanBuilder::with_capacity(rows);
            for (row, value) in presence.rows().zip(values.values()) {
                spread.append_nulls(row - spread_len(&spread));
                spread.append_value(value);
            }
            spread.append_nulls(rows - spread_len(&spread));
            Arc::new(spread.finish())
        }
        FieldType::String => Arc::new(spread_strings(packed.as_string(), presence, rows)),
    }
}

fn spread_len(builder: &BooleanBuilder) -> usize {
    arrow_array::builder::ArrayBuilder::len(builder)
}

fn spread<T: ArrowPrimitiveType>(
    packed: &PrimitiveArray<T>,
    presence: &Presence,
    rows: usize,
) -> PrimitiveArray<T> {
    let mut values = Vec::with_capacity(rows);
    let mut rest = packed.values().as_ref();
    for (row, length) in presence.runs() {
        values.resize(row as usize, T::default_value());
        let (run, later) = rest
            .split_at_checked(length as usize)
            .certain("there are as many values as rows that have one");
        values.extend_from_slice(run);
        rest = later;
    }
    values.resize(rows, T::default_value());
    PrimitiveArray::new(values.into(), Some(nulls(presence, rows)))
}

fn spread_strings(packed: &StringArray, presence: &Presence, rows: usize) -> StringArray {
    let mut spread = StringBuilder::with_capacity(rows, packed.value_data().len());
    let mut end = 0;
    for (row, value) in presence.rows().zip(packed.iter()) {
        spread.append_nulls(row - end);
        spread.append_option(value);
        end = row + 1;
    }
    spread.append_nulls(rows - end);
    spread.finish()
}

fn nulls(presence: &Presence, rows: usize) -> NullBuffer {
    let mut bits = BooleanBufferBuilder::new(rows);
    for (row, length) in presence.runs() {
        bits.append_n(row as usize - bits.len(), false);
        bits.append_n(length as usize, true);
    }
    bits.append_n(rows - bits.len(), false);
    NullBuffer::new(bits.finish())
}
