//! The index of a file's pages, held against the rows that parquet's own reader finds in them.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::PageIndexPolicy;

use super::support::{Cell, Row, every_type, layout, row, segment};
use crate::lake::parquet::{Encoded, encode_days};
use crate::merge::at_once::Sorted;

fn encode(rows: &[Row]) -> Encoded {
    let sorted = Sorted::new(&[segment(rows)]).unwrap();
    encode_days(&sorted, &layout(rows)).unwrap().remove(0).1
}

fn open(file: &Encoded, policy: PageIndexPolicy) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(policy);
    let bytes = Bytes::from(file.bytes.clone());
    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap()
}

/// Rows of several pages and row groups: all types, tags that come and go, pages without values,
/// texts that are cut in statistics.
#[allow(clippy::cast_precision_loss, reason = "whole numbers below 1000")]
fn many() -> Vec<Row> {
    let rows = (0..150_000_i64).map(|number| {
        let mut cells = match number % 3 {
            0 => every_type(),
            _ => Vec::new(),
        };
        let text = format!("{} {}", "long".repeat(20), number * 7919 % 1009);
        cells.push(("n", Cell::Integer(number * 7919 % 100_003)));
        cells.push(("x", Cell::float((number * 31 % 977) as f64 / 8.0 - 60.0)));
        cells.extend((number > 140_000).then_some(("late", Cell::text(&text))));
        let host = format!("host_{:03}", number / 1500);
        row(&[("host", &host)], number % 1500, &cells).with_tag("k", "v", number < 40_000)
    });
    rows.collect()
}

/// Asserts that no value is outside of the bounds, and that one is at each of them if they are exact.
fn assert_bounds<T: PartialOrd + Copy + std::fmt::Debug>(
    values: impl Iterator<Item = T>,
    (min, max): (T, T),
    is_exact: bool,
) {
    let (mut least, mut most) = (None::<T>, None::<T>);
    for value in values {
        assert!(
            min <= value && value <= max,
            "{value:?} in {min:?}..={max:?}"
        );
        least = Some(least.map_or(value, |least| if value < least { value } else { least }));
        most = Some(most.map_or(value, |most| if value > most { value } else { most }));
    }
    assert!(!is_exact || (least, most) == (Some(min), Some(max)));
}

fn check(values: &ArrayRef, mins: &ArrayRef, maxes: &ArrayRef, page: usize) {
    if values.null_count() == values.len() {
        assert!(
            mins.is_null(page) && maxes.is_null(page),
            "no value, no range"
        );
        return;
    }
    assert!(mins.is_valid(page) && maxes.is_valid(page), "a range");
    macro_rules! primitive {
        ($kind:ty) => {{
            let of = |array: &ArrayRef| array.as_primitive::<$kind>().value(page);
            let values = values.as_primitive::<$kind>().iter().flatten();
            assert_bounds(values, (of(mins), of(maxes)), true);
        }};
    }
    match values.data_type() {
        DataType::Int64 => primitive!(Int64Type),
        DataType::Float64 => primitive!(Float64Type),
        DataType::Timestamp(..) => primitive!(TimestampMicrosecondType),
        DataType::Decimal128(..) => primitive!(Decimal128Type),
        DataType::Boolean => {
            let ends = (
                mins.as_boolean().value(page),
                maxes.as_boolean().value(page),
            );
            assert_bounds(values.as_boolean().iter().flatten(), ends, true);
        }
        DataType::Utf8 => {
            let (min, max) = (mins.as_string::<i32>(), maxes.as_string::<i32>());
            let values = values.as_string::<i32>().iter().flatten();
            assert_bounds(values, (min.value(page), max.value(page)), false);
        }
        other => panic!("{other}"),
    }
}

fn number(of_rows: i64) -> usize {
    usize::try_from(of_rows).unwrap()
}

/// The rows of each page of a column in a row group.
fn pages(
    reader: &ParquetRecordBatchReaderBuilder<Bytes>,
    group: usize,
    column: usize,
) -> Vec<Range<usize>> {
    let index = reader.metadata().offset_index().unwrap();
    let rows = number(reader.metadata().row_group(group).num_rows());
    let starts = index[group][column].page_locations().iter();
    let starts: Vec<usize> = starts.map(|page| number(page.first_row_index)).collect();
    let ends = starts.iter().skip(1).copied().chain([rows]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

#[test]
fn the_index_tells_the_rows_and_the_range_of_every_page() {
    let file = encode(&many());
    let reader = open(&file, PageIndexPolicy::Required);
    let metadata = reader.metadata().clone();
    let (schema, parquet_schema) = (reader.schema().clone(), reader.parquet_schema().clone());
    assert!(metadata.num_row_groups() > 1);
    let mut pages_seen = 0;
    for group in 0..metadata.num_row_groups() {
        let whole = open(&file, PageIndexPolicy::Skip).with_row_groups(vec![group]);
        let rows = number(metadata.row_group(group).num_rows());
        let batch = whole
            .with_batch_size(rows)
            .build()
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        for (column, field) in schema.fields().iter().enumerate() {
            let converter =
                StatisticsConverter::try_new(field.name(), &schema, &parquet_schema).unwrap();
            let (columns, offsets) = (
                metadata.column_index().unwrap(),
                metadata.offset_index().unwrap(),
            );
            let mins = converter
                .data_page_mins(columns, offsets, [&group])
                .unwrap();
            let maxes = converter
                .data_page_maxes(columns, offsets, [&group])
                .unwrap();
            let nulls = converter
                .data_page_null_counts(columns, offsets, [&group])
                .unwrap();
            let pages = pages(&reader, group, column);
            assert_eq!(mins.len(), pages.len(), "{}", field.name());
            for (page, rows) in pages.into_iter().enumerate() {
                let values = batch.column(column).slice(rows.start, rows.len());
                assert_eq!(
                    nulls.value(page),
                    values.null_count() as u64,
                    "{}",
                    field.name()
                );
                check(&values, &mins, &maxes, page);
                pages_seen += 1;
            }
        }
    }
    assert!(pages_seen > 100, "{pages_seen}");
}

/// A question for some series reads a page of each file of a flush, of which there are many.
#[test]
fn pages_of_a_group_of_few_rows_are_smaller() {
    let reader = open(&encode(&many()), PageIndexPolicy::Required);
    let groups = reader.metadata().row_groups().iter();
    let rows: Vec<usize> = groups.map(|group| number(group.num_rows())).collect();
    assert_eq!(rows, [131_072, 18_928]);
    for (group, page_rows) in [(0, 4096), (1, 2048)] {
        for (column, field) in reader.schema().fields().iter().enumerate() {
            // A column without a value has one page.
            let name = field.name();
            let has_values = if group == 0 {
                !name.starts_with("late")
            } else {
                name != "k_1"
            };
            let expected = if has_values { page_rows } else { rows[group] };
            let pages = pages(&reader, group, column);
            let most = pages.iter().map(Range::len).max();
            assert_eq!(most, Some(expected), "{name}");
        }
    }
}

/// A reader that skips to a page by the index finds the rows that a reader of everything finds there.
#[test]
fn a_selection_of_rows_is_found_by_the_index() {
    use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
    let file = encode(&many());
    let all = open(&file, PageIndexPolicy::Skip).with_row_groups(vec![0]);
    let all = all
        .with_batch_size(1 << 20)
        .build()
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for start in [0, 1, 16_383, 16_384, 50_000, all.num_rows() - 10] {
        let selection = RowSelection::from(vec![RowSelector::skip(start), RowSelector::select(10)]);
        let some = open(&file, PageIndexPolicy::Required).with_row_groups(vec![0]);
        let some = some
            .with_row_selection(selection)
            .build()
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(some, all.slice(start, 10), "{start}");
    }
}

#[test]
fn a_file_of_single_pages_has_no_index() {
    let file = encode(&[row(&[("host", "a")], 1, &every_type())]);
    let reader = open(&file, PageIndexPolicy::Optional);
    assert!(
        reader.metadata().offset_index().is_none() && reader.metadata().column_index().is_none()
    );
}
