//! Selections of rows that are in memory, on days that files divide.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::split::file;
use crate::buffer::{Buffer, BufferLimits};
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Marks};
use crate::merge::{MergedPoints, SeriesFilter, TimeRange, Wanted};
use crate::read::{Lake, LakeError, Moment, Selection, Sources, StoredColumns, TableFiles};

const MINUTE_NS: i64 = 60_000_000_000;

/// A table with one file, of the first day.
#[derive(Debug)]
struct OneFile {
    times: (i64, i64),
}

impl Lake for OneFile {
    fn measurements(&self, _: BucketId) -> Result<Vec<String>, LakeError> {
        Ok(vec!["m".to_owned()])
    }

    fn table(&self, _: &TableId) -> Result<Option<TableFiles>, LakeError> {
        Ok(Some(TableFiles {
            columns: StoredColumns {
                flushed: Sequence(0),
                tags: Vec::new(),
                fields: Vec::new(),
            },
            days: BTreeMap::from([(0, vec![file(self.times)])]),
        }))
    }
}

/// A lake on a disk, of which the table is known or not.
#[derive(Debug)]
struct Near {
    table: OneFile,
    is_known: bool,
}

impl Lake for Near {
    fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, LakeError> {
        self.table.measurements(bucket)
    }

    fn table(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError> {
        self.table.table(table)
    }

    fn is_near(&self) -> bool {
        true
    }

    fn table_at_once(&self, table: &TableId) -> Option<Result<Option<TableFiles>, LakeError>> {
        self.is_known.then(|| self.table(table))
    }
}

/// A condition that all series pass, and that counts how often it is asked.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl SeriesFilter for Counting {
    fn passes<'t>(&self, _: &mut dyn Iterator<Item = (&'t str, &'t str)>) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        true
    }
}

/// Rows of one series at these minutes, latest first, and a file from the first hour to the second.
fn sources(minutes: &[i64]) -> Sources {
    let budget = Budget::new(Marks {
        budget_bytes: 1 << 40,
        soft_bytes: 1 << 40,
        hard_bytes: 1 << 40,
    });
    let buffer = Buffer::new(BufferLimits::default());
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[("host", "a")]);
    let column = builder.field_column("v", FieldType::Integer);
    for minute in minutes.iter().rev() {
        let value = FieldValue::Integer(*minute);
        builder.push_row(series, minute * MINUTE_NS, &[(column, value)]);
    }
    let batch = builder.finish();
    let memory = budget.try_reserve(Buffer::apply_bytes_max(&batch));
    buffer.apply(BucketId(7), Sequence(1), &batch, memory.expect("room"));
    Sources {
        buffer,
        lake: Some(Arc::new(OneFile {
            times: (0, 120 * MINUTE_NS),
        })),
        budget,
    }
}

/// The minutes of the rows of a day that are in memory.
fn minutes(selection: &Selection) -> Vec<i64> {
    let merge = selection.day(0, None, 1).expect("merged");
    let mut points = MergedPoints::of_all_fields();
    points.start(merge);
    let mut minutes = Vec::new();
    while points.advance().expect("in order") {
        minutes.push(points.time_ns() / MINUTE_NS);
    }
    minutes
}

/// From a review: each stretch ranked the series of all segments and sorted their rows anew.
#[test]
fn rows_in_memory_are_sorted_once_for_all_stretches_of_their_day() {
    let sources = sources(&[1, 2, 50, 51, 110, 24 * 60 + 1]);
    let before = sources.budget.used_bytes();
    let moment = Moment::of(&sources, &TableId::new(BucketId(7), "m"));
    let moment = moment.expect("room").expect("a table");
    let asked = Arc::new(Counting::default());
    let wanted = Wanted {
        range: TimeRange {
            start_ns: 2 * MINUTE_NS,
            end_ns: None,
        },
        series: Some(Arc::clone(&asked) as _),
        newest: None,
    };
    let selection = Selection::new(Arc::new(moment), wanted);
    assert_eq!(selection.days().into_iter().collect::<Vec<_>>(), [0, 1]);
    let day = Arc::new(selection.of_day(0));
    let stretches = day.split(0).stretches.into_iter();
    let parts: Vec<Selection> = stretches.map(|stretch| day.within(stretch)).collect();
    let read: Vec<Vec<i64>> = parts.iter().map(minutes).collect();
    assert_eq!(read, [vec![2], vec![50, 51], vec![110]]);
    assert_eq!(parts.iter().map(minutes).collect::<Vec<_>>(), read, "again");
    assert_eq!(asked.0.load(Ordering::Relaxed), 1, "sorted once");
    assert_eq!(minutes(&day), [2, 50, 51, 110]);
    drop((parts, day, selection));
    assert_eq!(sources.budget.used_bytes(), before, "all is given back");
}

/// A plan is made for the rows that are left.
#[test]
fn rows_that_a_newer_one_stands_for_are_neither_announced_nor_read() {
    let sources = Sources {
        lake: None,
        ..sources(&[1, 2, 50])
    };
    let moment = Moment::of(&sources, &TableId::new(BucketId(7), "m"));
    let moment = Arc::new(moment.expect("room").expect("a table"));
    let read = |field: Option<&str>| {
        let newest = field.map(|name| Arc::from([(Box::from(name), FieldType::Integer)]));
        let wanted = Wanted {
            newest,
            ..Wanted::from(TimeRange::ALL)
        };
        let selection = Selection::new(Arc::clone(&moment), wanted);
        (selection.rows_at_most(0), minutes(&selection))
    };
    assert_eq!(read(None), (Some(3), vec![1, 2, 50]));
    assert_eq!(read(Some("v")), (Some(1), vec![50]));
    assert_eq!(read(Some("w")), (Some(3), vec![1, 2, 50]), "no row has it");
}

#[test]
fn a_table_is_looked_at_at_once_only_where_nobody_is_waited_for() {
    let table = TableId {
        bucket: BucketId(7),
        measurement: "m".into(),
    };
    let mut sources = sources(&[5, 90]);
    let places = |moment: Moment| (moment.buffered.len(), moment.files.is_some());
    let at_once = |sources: &Sources| {
        let moment = Moment::at_once(sources, &table)?;
        Some(places(moment.expect("read").expect("there is one")))
    };
    assert_eq!(at_once(&sources), None, "others are asked");
    for is_known in [false, true] {
        let times = (0, MINUTE_NS);
        let table = OneFile { times };
        sources.lake = Some(Arc::new(Near { table, is_known }));
        assert_eq!(at_once(&sources), is_known.then_some((1, true)));
    }
    sources.lake = None;
    assert_eq!(at_once(&sources), Some((1, false)));
}
