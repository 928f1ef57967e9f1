//! The statistics of a file in its footer and in the table's log.

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use serde_json::{Value, json};

use super::support::{Cell, Row, layout, row, segment};
use crate::lake::parquet::{Encoded, encode_days};
use crate::merge::DAY_NS;
use crate::merge::at_once::Sorted;

fn encode(rows: &[Row]) -> Encoded {
    let sorted = Sorted::new(&[segment(rows)]).unwrap();
    encode_days(&sorted, &layout(rows)).unwrap().remove(0).1
}

fn footer(file: &Encoded) -> ParquetMetaData {
    let bytes = bytes::Bytes::from(file.bytes.clone());
    ParquetMetaDataReader::new()
        .parse_and_finish(&bytes)
        .unwrap()
}

#[test]
fn the_log_of_the_table_gets_the_range_of_every_column() {
    let long = "x".repeat(40);
    let rows = [
        row(
            &[("host", "b")],
            -1,
            &[("u", Cell::Unsigned(u64::MAX)), ("s", Cell::text(&long))],
        ),
        row(
            &[("host", "a")],
            -1_500,
            &[("u", Cell::Unsigned(0)), ("f", Cell::float(1e-310))],
        ),
        row(
            &[],
            -2_000,
            &[("i", Cell::Integer(i64::MIN)), ("b", Cell::Boolean(true))],
        ),
    ];
    let file = encode(&rows);
    assert_eq!(
        (file.rows, file.time_ns_min, file.time_ns_max),
        (3, -2_000, -1)
    );
    let stats: Value = serde_json::from_str(&file.stats).unwrap();
    let x = "x".repeat(31);
    assert_eq!(
        stats,
        json!({
            "numRecords": 3,
            "minValues": {
                "time": "1969-12-31T23:59:59.999998Z", "time_ns": -2_000, "host_0": "a", "u_2": 0,
                "s_1": format!("{x}x"), "f_3": 1e-310, "b_4": true,
                "i_5": i64::MIN,
            },
            "maxValues": {
                "time": "1969-12-31T23:59:59.999999Z", "time_ns": -1, "host_0": "b", "u_2": u64::MAX,
                "s_1": format!("{x}y"), "f_3": 1e-310, "b_4": true,
                "i_5": i64::MIN,
            },
            "nullCount": {
                "time": 0, "time_ns": 0, "host_0": 1, "u_2": 1, "s_1": 2, "f_3": 2, "b_4": 2, "i_5": 2,
            },
        })
    );
}

#[test]
fn only_the_first_32_columns_have_statistics_in_the_log() {
    let names: Vec<String> = (0..50).map(|number| format!("f{number:02}")).collect();
    let cells: Vec<(&str, Cell)> = names
        .iter()
        .map(|name| (&**name, Cell::Integer(1)))
        .collect();
    let stats: Value = serde_json::from_str(&encode(&[row(&[], 0, &cells)]).stats).unwrap();
    let keys = |name: &str| stats[name].as_object().unwrap().len();
    assert_eq!(
        [keys("minValues"), keys("maxValues"), keys("nullCount")],
        [32; 3]
    );
}

#[test]
fn the_footer_says_how_rows_are_sorted_and_lacks_columns_without_values() {
    let mut rows = vec![row(
        &[("b", "1"), ("z", "1")],
        1,
        &[("f", Cell::float(0.0))],
    )];
    rows.push(row(&[("a", "1")], DAY_NS, &[("g", Cell::float(0.0))]));
    let metadata = footer(&encode(&rows));
    let columns = metadata.file_metadata().schema_descr().columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    assert_eq!(names, ["time", "time_ns", "b_0", "z_1", "f_2"]);
    let sorting = metadata.row_group(0).sorting_columns().unwrap();
    let sorting: Vec<i32> = sorting.iter().map(|column| column.column_idx).collect();
    assert_eq!(sorting, [2, 3, 1]);
    let zero = metadata.row_group(0).column(4).statistics().unwrap();
    assert_eq!(zero.min_bytes_opt(), Some(&(-0.0_f64).to_le_bytes()[..]));
    assert_eq!(zero.null_count_opt(), Some(0));
}
