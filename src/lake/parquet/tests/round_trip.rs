//! Rows that go into files come out of them unchanged.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use super::support::{Cell, Row, every_type, layout, merged, row, rows_of, segment};
use crate::columnar::Segment;
use crate::lake::parquet::{
    DayFiles, FileWriter, How, Layout, ParquetChunks, ReadRange, encode_days,
};
use crate::merge::at_once::Sorted;
use crate::merge::{DAY_NS, TimeRange, day_of};

/// All rows of a file.
fn decode(bytes: Vec<u8>, layout: &Layout) -> Vec<Row> {
    segments(bytes, layout)
        .iter()
        .flat_map(|segment| rows_of(segment))
        .collect()
}

fn segments(bytes: Vec<u8>, layout: &Layout) -> Vec<Arc<Segment>> {
    let mut chunks = open(Arc::new(Bytes::from(bytes)), layout, 1 << 20);
    std::iter::from_fn(|| chunks.next(How::Whole).unwrap()).collect()
}

fn open(file: Arc<dyn ReadRange>, layout: &Layout, chunk_bytes: u64) -> ParquetChunks {
    let (layout, all) = (Arc::new(layout.clone()), TimeRange::ALL);
    ParquetChunks::open(file, "a.parquet", "m", layout, all, chunk_bytes).unwrap()
}

/// Writes the segments as files, reads them, writes the result as one file per day again, and reads that.
fn there_and_back(parts: &[Vec<Row>]) -> Vec<Row> {
    let all: Vec<Row> = parts.iter().flatten().cloned().collect();
    let layout = layout(&all);
    let input: Vec<Arc<Segment>> = parts.iter().map(|rows| segment(rows)).collect();
    let sorted = Sorted::new(&input).unwrap();
    let mut rows = Vec::new();
    for (_, file) in encode_days(&sorted, &layout).unwrap() {
        let mut writer = FileWriter::new(&layout, u64::MAX).unwrap();
        let first = segments(file.bytes.clone(), &layout);
        first
            .iter()
            .for_each(|segment| writer.push(Arc::clone(segment)).unwrap());
        let again = writer.finish().unwrap().unwrap();
        assert_eq!((again.rows, &again.stats), (file.rows, &file.stats));
        let read = decode(file.bytes, &layout);
        assert_eq!(decode(again.bytes, &layout), read);
        rows.extend(read);
    }
    assert_eq!(sorted.rows(), rows.len());
    rows
}

/// Issue 8, C1: the memory of a flush went by days times columns.
#[test]
fn many_days_of_many_columns_are_made_some_days_at_a_time() {
    let names: Vec<String> = (0..1000).map(|number| format!("f{number}")).collect();
    let mut rows = Vec::new();
    for day in 0..120_u16 {
        let time = i64::from(day) * DAY_NS;
        // Two rows of one point, of which the second overwrites, and one of another series.
        for (tags, first) in [
            (&[][..], day),
            (&[][..], day + 20),
            (&[("k", "v")][..], day),
        ] {
            let cells = (0..40).map(|step| (first + step * 23) % 1000);
            let cells =
                cells.map(|number| (&*names[usize::from(number)], Cell::float(f64::from(first))));
            rows.push(row(tags, time, &cells.collect::<Vec<_>>()));
        }
    }
    let mut parts: Vec<Vec<Row>> = rows.chunks(100).map(<[Row]>::to_vec).collect();
    parts.reverse();
    let all: Vec<Row> = parts.iter().flatten().cloned().collect();
    let mut expected = merged(&all);
    expected.sort_by_key(|row| day_of(row.time_ns));
    assert_eq!(there_and_back(&parts), expected);
    let input: Vec<Arc<Segment>> = parts.iter().map(|rows| segment(rows)).collect();
    let mut files = DayFiles::new(Sorted::new(&input).unwrap(), layout(&all)).unwrap();
    let mut counts = Vec::new();
    while let Some(days) = files.next_days().unwrap() {
        counts.push(days.len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 120);
    assert!(counts.iter().all(|days| *days <= 8), "{counts:?}");
}

#[test]
fn every_type_and_edge_comes_back() {
    let mut cells: Vec<(&str, Cell)> = Vec::new();
    let floats = [
        0.0,
        -0.0,
        f64::MIN_POSITIVE / 4.0,
        -f64::MIN_POSITIVE / 4.0,
        f64::MAX,
        f64::MIN,
    ];
    let mut rows = Vec::new();
    for (time, float) in (0..).zip(floats) {
        rows.push(row(&[], time, &[("f", Cell::float(float))]));
    }
    cells.extend([
        ("i", Cell::Integer(i64::MIN)),
        ("u", Cell::Unsigned(u64::MAX)),
    ]);
    cells.extend([("s", Cell::text("")), ("b", Cell::Boolean(false))]);
    rows.push(row(&[("host name", "a \"b\", c")], 10, &cells));
    rows.push(row(
        &[("host name", "ü€😀")],
        10,
        &[("i", Cell::Integer(i64::MAX)), ("u", Cell::Unsigned(0))],
    ));
    rows.push(row(
        &[("host name", "x")],
        10,
        &[("feld mit \"Zitat\"", Cell::text("é\n\t\\"))],
    ));
    assert_eq!(there_and_back(std::slice::from_ref(&rows)), merged(&rows));
}

#[test]
fn times_before_1970_and_at_both_ends_come_back_a_day_a_file() {
    let day = DAY_NS;
    let times = [
        i64::MIN + 2,
        -day - 1,
        -day,
        -1,
        0,
        1,
        day - 1,
        day,
        i64::MAX - 1,
    ];
    let rows: Vec<Row> = times
        .iter()
        .map(|time| row(&[], *time, &every_type()))
        .collect();
    assert_eq!(there_and_back(std::slice::from_ref(&rows)), rows);
    let sorted = Sorted::new(&[segment(&rows)]).unwrap();
    let days: Vec<(i32, usize)> = sorted.days().map(|(day, rows)| (day, rows.len())).collect();
    assert_eq!(
        days,
        [
            (-106_752, 1),
            (-2, 1),
            (-1, 2),
            (0, 3),
            (1, 1),
            (106_751, 1)
        ]
    );
}

#[test]
fn of_equal_points_the_newest_value_of_each_field_stays() {
    let tags = [("host", "a")];
    let old = vec![
        row(
            &tags,
            1,
            &[("x", Cell::Integer(1)), ("y", Cell::Integer(1))],
        ),
        row(&tags, 1, &[("x", Cell::Integer(2))]),
    ];
    let new = vec![
        row(&tags, 1, &[("z", Cell::Integer(3))]),
        row(&tags, 0, &[("x", Cell::Integer(0))]),
    ];
    let cells = [
        ("x", Cell::Integer(2)),
        ("y", Cell::Integer(1)),
        ("z", Cell::Integer(3)),
    ];
    let expected = [
        row(&tags, 0, &[("x", Cell::Integer(0))]),
        row(&tags, 1, &cells),
    ];
    assert_eq!(there_and_back(&[old.clone(), new.clone()]), expected);
    let sorted = Sorted::new(&[segment(&old), segment(&new)]).unwrap();
    assert_eq!((sorted.rows(), sorted.merged()), (2, 2));
}

#[test]
fn a_thousand_sparse_columns_come_back() {
    let rows: Vec<Row> = (0..3000_i64)
        .map(|time| {
            row(
                &[],
                time,
                &[(&*format!("f{}", time % 1000), Cell::Integer(time))],
            )
        })
        .collect();
    assert_eq!(there_and_back(std::slice::from_ref(&rows)), rows);
}

#[test]
fn row_groups_and_pages_without_values_come_back() {
    let rows: Vec<Row> = (0..300_000_i64)
        .map(|time| {
            let mut cells = vec![("i", Cell::Integer(time * 7919 % 100_003))];
            cells.extend((time < 10).then_some(("early", Cell::float(0.5))));
            cells.extend((time > 299_990).then_some(("late", Cell::text("text"))));
            let tag = format!("{}", time / 7);
            row(
                if time < 150_000 { &[] } else { &[("n", "x")] },
                time,
                &cells,
            )
            .with_tag("k", &tag, time % 2 == 0)
        })
        .collect();
    assert_eq!(there_and_back(std::slice::from_ref(&rows)), merged(&rows));
}

#[test]
fn a_column_that_the_layout_lacks_is_refused_not_dropped() {
    let rows = [row(&[("host", "a")], 1, &every_type())];
    let sorted = Sorted::new(&[segment(&rows)]).unwrap();
    let error = encode_days(&sorted, &Layout::new(Vec::new())).unwrap_err();
    assert!(error.to_string().contains("the tag \"host\""), "{error}");
}

fn cell() -> impl Strategy<Value = (&'static str, Cell)> {
    prop_oneof![
        any::<f64>()
            .prop_filter("no NaN in line protocol", |v| v.is_finite())
            .prop_map(|v| ("f", Cell::float(v))),
        prop_oneof![any::<i64>(), -3..3_i64].prop_map(|v| ("i", Cell::Integer(v))),
        any::<u64>().prop_map(|v| ("u", Cell::Unsigned(v))),
        any::<bool>().prop_map(|v| ("b", Cell::Boolean(v))),
        "[a-c]{0,2}".prop_map(|v| ("s", Cell::text(&v))),
        any::<String>().prop_map(|v| ("t", Cell::text(&v))),
    ]
}

fn any_row() -> impl Strategy<Value = Row> {
    let tags = proptest::collection::btree_map("[a-c]", "[x-z]{1,2}", 0..3);
    let time = prop_oneof![-5..5_i64, any::<i64>()];
    (tags, time, proptest::collection::vec(cell(), 1..5)).prop_map(|(tags, time_ns, cells)| Row {
        tags: tags.into_iter().collect(),
        time_ns,
        cells: cells
            .into_iter()
            .map(|(name, cell)| (name.to_owned(), cell))
            .collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_goes_in_comes_out_sorted_and_merged(
        parts in proptest::collection::vec(proptest::collection::vec(any_row(), 1..40), 1..4),
    ) {
        let all: Vec<Row> = parts.iter().flatten().cloned().collect();
        prop_assert_eq!(there_and_back(&parts), merged(&all));
    }
}
