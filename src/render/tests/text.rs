//! What people and programs read as text.

use std::slice;
use std::sync::Arc;

use arrow_array::types::IntervalMonthDayNano;
use arrow_array::{Float64Array, Int64Array, IntervalMonthDayNanoArray, RecordBatch, StringArray};
use arrow_cast::pretty::pretty_format_batches_with_schema;
use arrow_schema::{DataType, Field, Schema};

use super::{batch, kinds, nested, text, times};
use crate::render::{Format, renderer};

#[test]
fn json_leaves_nulls_out_and_has_no_zone_where_the_type_has_none() {
    assert_eq!(
        text(Format::Json, &[kinds()]),
        concat!(
            r#"[{"b":true,"f":21.0,"i":-9223372036854775808,"s":"a\"b\nc,d","#,
            r#""time":"2023-11-14T22:13:20","u":18446744073709551615},"#,
            r#"{"time":"2023-11-14T22:13:20.000000001"}]"#
        )
    );
    let zoned = batch(vec![("t", times(&[1_500_000_000], Some("+00:00")))]);
    assert_eq!(
        text(Format::Lines, &[zoned]),
        "{\"t\":\"1970-01-01T00:00:01.500Z\"}\n"
    );
}

#[test]
fn a_number_that_json_does_not_have_is_null_and_not_left_out() {
    let odd = [
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(-0.0),
        Some(1e300),
        None,
    ];
    let odd = batch(vec![("f", Arc::new(Float64Array::from(odd.to_vec())))]);
    assert_eq!(
        text(Format::Lines, slice::from_ref(&odd)),
        "{\"f\":null}\n{\"f\":null}\n{\"f\":-0.0}\n{\"f\":1.0e300}\n{}\n"
    );
    assert_eq!(
        text(Format::Csv, &[odd]),
        "f\nNaN\ninf\n-0.0\n1e300\n\"\"\n"
    );
}

#[test]
fn csv_has_one_header_and_quotes_what_needs_it() {
    assert_eq!(
        text(Format::Csv, &[kinds(), kinds()]),
        concat!(
            "b,f,i,s,time,u\n",
            "true,21.0,-9223372036854775808,\"a\"\"b\nc,d\",2023-11-14T22:13:20,18446744073709551615\n",
            ",,,,2023-11-14T22:13:20.000000001,\n",
            "true,21.0,-9223372036854775808,\"a\"\"b\nc,d\",2023-11-14T22:13:20,18446744073709551615\n",
            ",,,,2023-11-14T22:13:20.000000001,\n",
        )
    );
}

#[test]
fn without_rows_each_format_is_still_whole() {
    let none = kinds().slice(0, 0);
    for (format, expected) in [
        (Format::Json, "[]"),
        (Format::Lines, ""),
        (Format::Csv, "b,f,i,s,time,u\n"),
        (
            Format::Table,
            "+---+---+---+---+------+---+\n\
             | b | f | i | s | time | u |\n\
             +---+---+---+---+------+---+\n\
             +---+---+---+---+------+---+",
        ),
    ] {
        assert_eq!(text(format, slice::from_ref(&none)), expected, "{format:?}");
    }
}

#[test]
fn a_table_looks_as_arrow_prints_it() {
    let words = ["", "x", "two\nlines", "大きい", "a | b"].map(Some);
    let words = batch(vec![
        ("word", Arc::new(StringArray::from(words.to_vec()))),
        ("long name", Arc::new(Int64Array::from_iter_values(0..5))),
    ]);
    for rows in [words, kinds(), kinds().slice(1, 1)] {
        let expected = pretty_format_batches_with_schema(rows.schema(), slice::from_ref(&rows));
        let expected = expected.expect("it prints").to_string();
        assert_eq!(text(Format::Table, &[rows]), expected);
    }
}

#[test]
fn a_table_gives_no_orders_to_a_terminal() {
    let rows = batch(vec![(
        "a\tb",
        Arc::new(StringArray::from(vec!["\u{1b}[2J\r"])),
    )]);
    let table = text(Format::Table, &[rows]);
    assert!(table.contains(r"| a\tb        |"), "{table}");
    assert!(table.contains(r"| \u{1b}[2J\r |"), "{table}");
}

#[test]
fn a_table_of_more_rows_than_are_held_back_goes_on_with_the_same_widths() {
    let narrow = Int64Array::from_iter_values((0..60_000).map(|n| n % 10));
    let wide = Int64Array::from_iter_values([1_000_000]);
    let of = |values: Int64Array| batch(vec![("n", Arc::new(values))]);
    let table = text(Format::Table, &[of(narrow), of(wide)]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 60_000 + 1 + 4);
    assert_eq!(&lines[..4], ["+---+", "| n |", "+---+", "| 0 |"]);
    assert_eq!(
        lines[60_000..],
        ["| 7 |", "| 8 |", "| 9 |", "| 1000000 |", "+---+"]
    );
}

#[test]
fn a_column_that_a_format_has_no_room_for_is_named_before_the_first_row() {
    for format in [Format::Json, Format::Lines, Format::Table, Format::Parquet] {
        assert!(renderer(format, &nested()).is_ok(), "{format:?}");
    }
    let error = renderer(Format::Csv, &nested()).err().expect("no room");
    let told = error.to_string();
    assert!(
        told.starts_with("csv cannot hold the column \"first\""),
        "{told}"
    );
}

#[test]
fn a_column_that_only_its_values_show_to_have_no_room_is_named() {
    let values = IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(0, 1, 0)]);
    let rows = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![1]))),
        ("i", Arc::new(values)),
    ]);
    let mut parquet = renderer(Format::Parquet, &rows.schema()).expect("begins");
    let error = parquet.write(&rows, &mut Vec::new()).expect_err("no room");
    let told = error.to_string();
    assert!(
        told.starts_with("parquet cannot hold the column \"i\""),
        "{told}"
    );
}

#[test]
fn structs_become_objects_in_json() {
    let schema = nested();
    let inner = batch(vec![("value", Arc::new(Float64Array::from(vec![1.5])))]);
    let first = Arc::new(arrow_array::StructArray::from(inner));
    let columns: Vec<arrow_array::ArrayRef> = vec![Arc::new(Int64Array::from(vec![7])), first];
    let rows = RecordBatch::try_new(schema, columns).expect("rows");
    assert_eq!(
        text(Format::Json, &[rows]),
        r#"[{"a":7,"first":{"value":1.5}}]"#
    );
}

/// From a bug: an object had a member twice, of which a client keeps one.
#[test]
fn two_columns_of_one_name_are_refused_where_clients_would_keep_one() {
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    let schema = Arc::new(Schema::new(vec![field("v"), field("w"), field("v")]));
    for format in [Format::Json, Format::Lines] {
        let Err(refused) = renderer(format, &schema) else {
            panic!("{format:?}");
        };
        assert!(
            refused.to_string().contains("several are called \"v\""),
            "{refused}"
        );
    }
    assert!(renderer(Format::Csv, &schema).is_ok());
}
