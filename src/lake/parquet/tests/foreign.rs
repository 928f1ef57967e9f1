//! Files of other programs, and files that are none.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, Float32Array, Int32Array, Int64Array, LargeStringArray, RecordBatch,
    TimestampMillisecondArray,
};
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;

use super::support::{Cell, Row, layout, row, rows_of, segment};
use crate::columnar::{ColumnKind, FieldType};
use crate::lake::parquet::{
    BoxError, Column, DecodeError, How, Layout, ParquetChunks, ReadRange, encode_days,
};
use crate::merge::TimeRange;
use crate::merge::at_once::Sorted;

fn read(
    bytes: Vec<u8>,
    layout: &Layout,
    times: Option<Range<i64>>,
) -> Result<Vec<Row>, DecodeError> {
    let times = times.map_or(TimeRange::ALL, |times| TimeRange {
        start_ns: times.start,
        end_ns: Some(times.end),
    });
    let read = |how| read_in(how, &bytes, layout, times);
    let whole = read(How::Whole);
    for how in [How::Blocks, How::Narrow] {
        match (&whole, read(how)) {
            (Ok(rows), Ok(same)) => assert!(*rows == same, "{how:?}"),
            (whole, other) => assert_eq!(whole.is_err(), other.is_err(), "{how:?}"),
        }
    }
    whole
}

fn read_in(
    how: How,
    bytes: &[u8],
    layout: &Layout,
    times: TimeRange,
) -> Result<Vec<Row>, DecodeError> {
    let file = Arc::new(Bytes::copy_from_slice(bytes));
    let layout = Arc::new(layout.clone());
    let mut chunks = ParquetChunks::open(file, "x.parquet", "m", layout, times, 1 << 20)?;
    let mut rows = Vec::new();
    while let Some(segment) = chunks.next(how)? {
        rows.extend(rows_of(&segment));
    }
    Ok(rows)
}

fn write(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let fields = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn host_and(kind: FieldType) -> Layout {
    let column = |name: &str, kind| Column {
        storage: name.into(),
        name: name.into(),
        kind,
    };
    Layout::new(vec![
        column("host", ColumnKind::Tag),
        column("v", ColumnKind::Field(kind)),
        column("w", ColumnKind::Field(kind)),
    ])
}

#[test]
fn a_file_that_another_program_wrote_in_no_order_is_sorted() {
    let mut hosts = StringDictionaryBuilder::<Int32Type>::new();
    for host in [Some("b"), Some("a"), None, Some("a"), Some("b")] {
        hosts.append_option(host);
    }
    let times = TimestampMillisecondArray::from(vec![2, 3, 1, -1, 2]).with_timezone("UTC");
    let times: ArrayRef = Arc::new(times);
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![
        Some(1),
        None,
        Some(3),
        Some(4),
        Some(5),
    ]));
    let others: ArrayRef = Arc::new(LargeStringArray::from(vec!["?"; 5]));
    let file = write(vec![
        ("other", others),
        ("v", ints),
        ("host", Arc::new(hosts.finish())),
        ("time", times),
    ]);
    let v = |value| [("v", Cell::Integer(value))];
    let expected = [
        row(&[], 1_000_000, &v(3)),
        row(&[("host", "a")], -1_000_000, &v(4)),
        row(&[("host", "a")], 3_000_000, &[]),
        row(&[("host", "b")], 2_000_000, &v(5)),
    ];
    assert_eq!(
        read(file, &host_and(FieldType::Integer), None).unwrap(),
        expected
    );
}

#[test]
fn large_strings_and_short_floats_are_read() {
    let hosts: ArrayRef = Arc::new(LargeStringArray::from(vec!["a", "b"]));
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![0.5, 1.5]));
    let times: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let file = write(vec![("time_ns", times), ("host", hosts), ("v", floats)]);
    let expected = [
        row(&[("host", "a")], 1, &[("v", Cell::float(0.5))]),
        row(&[("host", "b")], 2, &[("v", Cell::float(1.5))]),
    ];
    assert_eq!(
        read(file, &host_and(FieldType::Float), None).unwrap(),
        expected
    );
}

#[test]
fn what_cannot_be_understood_is_an_error_that_names_file_and_column() {
    let ints = |values: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let time = || ints(vec![Some(1)]);
    let fails = |columns, kind| {
        read(write(columns), &host_and(kind), None)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fails(
            vec![("time_ns", time()), ("host", time())],
            FieldType::Float
        ),
        "x.parquet: column \"host\" is of type Int64, which cannot be read as tag"
    );
    assert_eq!(
        fails(
            vec![("time_ns", time()), ("v", ints(vec![Some(-1)]))],
            FieldType::Unsigned
        ),
        "x.parquet: column \"v\" has the value -1, which is not an unsigned integer"
    );
    assert_eq!(
        fails(vec![("time_ns", ints(vec![None]))], FieldType::Float),
        "x.parquet: column \"time_ns\" has a row without a time"
    );
    assert!(fails(vec![("v", time())], FieldType::Integer).contains("no column \"time\""));
    let error = read(b"PAR1 no PAR1".to_vec(), &host_and(FieldType::Float), None).unwrap_err();
    assert!(matches!(error, DecodeError::Damaged { .. }), "{error}");
}

fn three_groups() -> (Vec<u8>, Layout, usize) {
    let rows = 300_000;
    let all: Vec<Row> = (0..rows)
        .map(|t| row(&[], t, &[("v", Cell::Integer(t))]))
        .collect();
    let layout = layout(&all[..1]);
    let sorted = Sorted::new(&[segment(&all)]).unwrap();
    let (_, file) = encode_days(&sorted, &layout).unwrap().remove(0);
    (file.bytes, layout, all.len())
}

#[test]
fn row_groups_outside_of_the_times_asked_for_are_not_read() {
    let (file, layout, count) = three_groups();
    assert_eq!(read(file.clone(), &layout, Some(-10..0)).unwrap(), []);
    assert_eq!(
        read(file.clone(), &layout, Some(300_000..i64::MAX)).unwrap(),
        []
    );
    let last = read(file.clone(), &layout, Some(299_999..300_000)).unwrap();
    assert!(last.len() < count / 2 && last.last().unwrap().time_ns == 299_999);
    assert_eq!(read(file, &layout, Some(0..300_000)).unwrap().len(), count);
}

#[test]
fn cut_and_flipped_files_are_errors_or_rows_but_no_panic() {
    let rows: Vec<Row> = (0..200)
        .map(|t| {
            row(
                &[("h", if t % 2 == 0 { "a" } else { "b" })],
                t,
                &[("v", Cell::Integer(t))],
            )
        })
        .collect();
    let layout = layout(&rows);
    let sorted = Sorted::new(&[segment(&rows)]).unwrap();
    let (_, file) = encode_days(&sorted, &layout).unwrap().remove(0);
    for length in 0..file.bytes.len() {
        assert!(read(file.bytes[..length].to_vec(), &layout, None).is_err());
    }
    for place in 0..file.bytes.len() {
        for bit in [1, 0x80] {
            let mut bytes = file.bytes.clone();
            bytes[place] ^= bit;
            // Damage that is not found in one way may be in another.
            for how in [How::Whole, How::Blocks, How::Narrow] {
                let _ = read_in(how, &bytes, &layout, TimeRange::ALL);
            }
        }
    }
}

struct Failing;

impl ReadRange for Failing {
    fn read(&self, _: Range<u64>) -> Result<Bytes, BoxError> {
        Err("the store is away".into())
    }

    fn len(&self) -> u64 {
        1000
    }
}

#[test]
fn an_error_of_the_store_names_the_file() {
    let layout = Arc::new(Layout::default());
    let all = TimeRange::ALL;
    let opened = ParquetChunks::open(Arc::new(Failing), "x.parquet", "m", layout, all, 1 << 20);
    let error = opened.err().map(|error| error.to_string());
    assert_eq!(
        error.as_deref(),
        Some("reading x.parquet: the store is away")
    );
}
