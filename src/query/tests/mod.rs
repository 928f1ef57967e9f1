//! Tests of the traits, against a database that is a plain list of points.

pub(crate) mod ask;
mod bounds;
mod branches;
mod casts;
mod correlated;
mod disk;
mod filled;
mod gapfill;
mod large;
mod limits;
mod list;
mod misread;
mod mixed;
mod nameless;
mod nothing;
mod offset;
mod orders;
mod passed_over;
pub(crate) mod points;
pub(crate) mod records;
mod recursive;
mod rowless;
mod selectors;
mod spilling;
mod sql;
mod surface;
mod times;
mod typed;
mod unknown;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType};
use futures_util::TryStreamExt;

use crate::{Column, ColumnKind, Database, FixedMemory, Limits, Piece, Scan, Table, TagFilter};
use points::{Point, Points};

#[tokio::test]
async fn a_scan_gives_the_last_value_of_each_point_that_passes_and_no_other() {
    let database = Points::new([
        Point::new("cpu", &[("host", "a")], 1, &[("usage", 1.0)]),
        Point::new("cpu", &[("host", "b")], 1, &[("usage", 2.0)]),
        Point::new("cpu", &[("host", "a")], 1, &[("usage", 3.0), ("idle", 4.0)]),
        Point::new("cpu", &[], 2, &[("idle", 5.0)]),
        Point::new("cpu", &[("host", "a")], 3, &[("usage", 6.0)]),
        Point::new("mem", &[("host", "a")], 1, &[("used", 7.0)]),
    ]);
    assert_eq!(database.tables().await.unwrap(), ["cpu", "mem"]);
    assert!(database.table("CPU").await.unwrap().is_none());
    let table = database.table("cpu").await.unwrap().unwrap();
    let names = |kind: ColumnKind| {
        let of_kind = table.columns().iter().filter(move |c| c.kind == kind);
        of_kind
            .map(|column: &Column| column.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(ColumnKind::Time), ["time"]);
    assert_eq!(names(ColumnKind::Tag), ["host"]);
    assert_eq!(names(ColumnKind::Field), ["idle", "usage"]);

    let of = |hosts: &[Option<&str>]| TagFilter {
        column: "host".to_owned(),
        one_of: hosts.iter().map(|host| host.map(str::to_owned)).collect(),
    };
    let all = [
        (None, 2, None),
        (Some("a".to_owned()), 1, Some(3.0)),
        (Some("a".to_owned()), 3, Some(6.0)),
        (Some("b".to_owned()), 1, Some(2.0)),
    ];
    for (times, tags, rows) in [
        (i64::MIN..=i64::MAX, vec![], vec![0, 1, 2, 3]),
        (1..=2, vec![], vec![0, 1, 3]),
        (i64::MIN..=i64::MAX, vec![of(&[Some("a")])], vec![1, 2]),
        (
            i64::MIN..=i64::MAX,
            vec![of(&[None, Some("b")])],
            vec![0, 3],
        ),
        (2..=2, vec![of(&[Some("a")])], vec![]),
    ] {
        let scan = Scan {
            columns: ["usage", "time", "host"].map(str::to_owned).to_vec(),
            times,
            tags,
            newest: None,
        };
        let expected: Vec<_> = rows.into_iter().map(|row| all[row].clone()).collect();
        assert_eq!(read(&*table, scan.clone()).await, expected, "{scan:?}");
    }
}

/// Host, time and usage of every row, in the order in which they come.
async fn read(table: &dyn Table, scan: Scan) -> Vec<(Option<String>, i64, Option<f64>)> {
    let mut rows = Vec::new();
    for piece in table.scan(scan).await.unwrap() {
        let Piece::Merged(merged) = piece else {
            panic!("a list has no files");
        };
        for batch in merged.read().try_collect::<Vec<_>>().await.unwrap() {
            let usage = batch.column(0).as_primitive::<Float64Type>();
            let time = batch.column(1).as_primitive::<TimestampNanosecondType>();
            let host = batch.column(2).as_string::<i32>();
            for ((usage, time), host) in usage.iter().zip(time).zip(host) {
                rows.push((host.map(str::to_owned), time.unwrap(), usage));
            }
        }
    }
    rows
}

/// Limits for tests, run on the test's own threads.
pub(super) fn limits() -> Limits {
    Limits {
        partitions: 2,
        memory: Arc::new(FixedMemory::new(64 << 20)),
        disk: Arc::new(disk::Small::new(1 << 30)),
        threads: tokio::runtime::Handle::current(),
        timeout: None,
        instant,
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the package has no clock of its own"
)]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}
