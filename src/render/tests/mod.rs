//! Tests of the formats, on batches in memory.

mod arrow;
mod text;
mod whole;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::{Format, renderer, slices};

const FORMATS: [Format; 6] = [
    Format::Json,
    Format::Lines,
    Format::Csv,
    Format::Table,
    Format::Parquet,
    Format::Arrow,
];

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields = columns.iter().map(|(name, values)| {
        let data_type = values.data_type().clone();
        Field::new(*name, data_type, true)
    });
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let columns = columns.into_iter().map(|(_, values)| values).collect();
    RecordBatch::try_new(schema, columns).expect("columns of one length")
}

/// All kinds of columns; in the second row everything is null but the time.
fn kinds() -> RecordBatch {
    batch(vec![
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("f", Arc::new(Float64Array::from(vec![Some(21.0), None]))),
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        (
            "s",
            Arc::new(StringArray::from(vec![Some("a\"b\nc,d"), None])),
        ),
        (
            "time",
            times(
                &[1_700_000_000_000_000_000, 1_700_000_000_000_000_001],
                None,
            ),
        ),
        ("u", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
    ])
}

fn times(times_ns: &[i64], zone: Option<&str>) -> ArrayRef {
    let times = TimestampNanosecondArray::from(times_ns.to_vec());
    Arc::new(times.with_timezone_opt(zone))
}

/// The pieces in which these batches are written.
fn pieces(format: Format, schema: &SchemaRef, batches: &[RecordBatch]) -> Vec<Vec<u8>> {
    let mut renderer = renderer(format, schema).expect("there is room");
    let mut pieces = Vec::new();
    for slice in batches.iter().flat_map(slices) {
        let mut piece = Vec::new();
        renderer.write(&slice, &mut piece).expect("written");
        pieces.push(piece);
    }
    let mut last = Vec::new();
    renderer.finish(&mut last).expect("finished");
    pieces.push(last);
    pieces
}

fn text(format: Format, batches: &[RecordBatch]) -> String {
    let bytes = pieces(format, &batches[0].schema(), batches).concat();
    String::from_utf8(bytes).expect("text")
}

/// Columns that some formats have no room for.
fn nested() -> SchemaRef {
    let inner = Field::new("value", DataType::Float64, true);
    let first = DataType::Struct(vec![inner].into());
    Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("first", first, true),
    ]))
}
