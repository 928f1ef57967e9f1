//! The two merges against each other: rows that come in segments at once, and the same as runs.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    Merge, MergedPoints, MergedSegments, Run, SegmentLimits, SortedSegment, TimeRange, segment,
};
use crate::columnar::FieldValue::{self, Boolean, Float, Integer, String as Text, Unsigned};
use crate::columnar::{FieldType, Segment};
use crate::merge::at_once::{Gathered, Sorted, Values, gather};
use crate::merge::day_start_ns;

/// A point as it is written: tags, time, and values by name and type.
#[derive(Clone, Debug)]
struct Written {
    tags: Vec<(&'static str, &'static str)>,
    time_ns: i64,
    cells: BTreeMap<(&'static str, FieldType), u8>,
}

/// A point as it is read: tags, time, and the text of each value.
type Read = (Vec<(String, String)>, i64, BTreeMap<Field, String>);

type Field = (String, FieldType);

const FIELDS: [&str; 6] = ["f", "g", "h", "i", "j", "k"];
const TEXTS: [&str; 4] = ["", "x", "xy", "é"];

fn value_of(field_type: FieldType, value: u8) -> FieldValue<'static> {
    match field_type {
        FieldType::Float => Float(f64::from(value)),
        FieldType::Integer => Integer(i64::from(value) - 128),
        FieldType::Unsigned => Unsigned(u64::from(value)),
        FieldType::Boolean => Boolean(value.is_multiple_of(2)),
        FieldType::String => Text(TEXTS[usize::from(value % 4)]),
    }
}

/// Points of few series and times, so that many are equal. Most values are of fields that every
/// row has, some of fields that few have: each has its own way through [`gather`].
fn written(days: Range<i32>) -> impl Strategy<Value = Written> {
    let tags = (0..3_usize, 0..3_usize);
    let cell = (0..FIELDS.len(), 0..FieldType::ALL.len(), any::<u8>());
    (tags, days, 0..5_i64, any::<u8>(), vec(cell, 0..3)).prop_map(
        |((a, b), day, time, value, more)| {
            let tags = [("a", a), ("b", b)].into_iter();
            let tags = tags.filter(|(_, value)| *value > 0);
            let always = (("always", FieldType::Integer), value);
            let more = more.into_iter().map(|(name, field_type, value)| {
                ((FIELDS[name], FieldType::ALL[field_type]), value)
            });
            Written {
                tags: tags.map(|(key, value)| (key, TEXTS[value])).collect(),
                time_ns: day_start_ns(day) + time,
                cells: more.chain([always]).collect(),
            }
        },
    )
}

fn segments(parts: &[Vec<Written>]) -> Vec<Arc<Segment>> {
    let parts = parts.iter().map(|points| {
        let cells = points.iter().map(|point| {
            let cells = point.cells.iter();
            let cells = cells.map(|((name, kind), value)| (*name, value_of(*kind, *value)));
            cells.collect()
        });
        let cells: Vec<Vec<_>> = cells.collect();
        let rows = points.iter().zip(&cells);
        let rows = rows.map(|(point, cells)| (&*point.tags, point.time_ns, &**cells));
        segment(&rows.collect::<Vec<_>>())
    });
    parts.collect()
}

fn owned<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    tags.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The result of the streamed merge of the segments, by day.
fn streamed(segments: &[Arc<Segment>]) -> BTreeMap<i32, Vec<Read>> {
    let sorted = segments.iter();
    let sorted = sorted.map(|segment| SortedSegment::new(Arc::clone(segment), TimeRange::ALL));
    let sorted: Vec<_> = sorted.map(Arc::new).collect();
    let mut days = BTreeMap::new();
    for day in sorted.iter().flat_map(|segment| segment.days()) {
        days.entry(day).or_insert_with(|| {
            let mut points = MergedPoints::of_all_fields();
            points.start(merge_of(&sorted, day));
            let mut read: Vec<Read> = Vec::new();
            while points.advance().expect("in order") {
                let values = points.values().map(|(place, value)| {
                    let (name, field_type) = points.field(place).expect("a field");
                    ((name.to_owned(), field_type), super::text(value))
                });
                read.push((owned(points.tags()), points.time_ns(), values.collect()));
            }
            read
        });
    }
    days
}

fn merge_of(sorted: &[Arc<SortedSegment>], day: i32) -> Merge {
    let runs = sorted.iter().map(|segment| Run::of_day(segment, day));
    Merge::new(runs).expect("opens")
}

/// Some rows of the result of the merge in memory.
fn at_once(sorted: &Sorted, rows: Range<usize>) -> Vec<Read> {
    let mut read: Vec<Read> = Vec::new();
    let mut times = sorted.times(rows.clone()).iter();
    for (segment, series, length) in sorted.runs_in(rows.clone()) {
        let segment = sorted.segment(segment);
        for time_ns in times.by_ref().take(length) {
            let tags = owned(segment.series_tags(series));
            read.push((tags, *time_ns, BTreeMap::new()));
        }
    }
    assert_eq!(read.len(), rows.len());
    for name in FIELDS.into_iter().chain(["always"]) {
        for field_type in FieldType::ALL {
            for (row, value) in cells(&gather(sorted, name, field_type, rows.clone())) {
                if rows.contains(&row) {
                    let cells = &mut read[row - rows.start].2;
                    let before = cells.insert((name.to_owned(), field_type), value);
                    assert_eq!(before, None, "one value of a field");
                }
            }
        }
    }
    read
}

/// The rows that have a value, with its text.
fn cells(values: &Values<'_>) -> Vec<(usize, String)> {
    fn texts<'a, T: Copy>(
        gathered: &Gathered<T>,
        value: fn(T) -> FieldValue<'a>,
    ) -> Vec<(usize, String)> {
        let values = gathered.values.iter().enumerate();
        let cells = values.map(|(index, found)| {
            let row = gathered.rows.as_ref().map(|rows| rows[index] as usize);
            (row.unwrap_or(index), super::text(value(*found)))
        });
        cells.collect()
    }
    match values {
        Values::Float(values) => texts(values, Float),
        Values::Integer(values) => texts(values, Integer),
        Values::Unsigned(values) => texts(values, Unsigned),
        Values::Boolean(values) => texts(values, Boolean),
        Values::String(values) => texts(values, Text),
    }
}

fn assert_same(parts: &[Vec<Written>], from: usize, length: usize) {
    let segments = segments(parts);
    let expected = streamed(&segments);
    let sorted = Sorted::new(&segments).expect("few");
    let days = sorted.days().map(|(day, rows)| (day, rows.len()));
    let expected_days = expected.iter().map(|(day, rows)| (*day, rows.len()));
    assert!(days.eq(expected_days));
    let all: Vec<Read> = expected.into_values().flatten().collect();
    assert_eq!(at_once(&sorted, 0..sorted.rows()), all);
    // A few rows are gathered another way.
    let from = from.min(all.len());
    let some = from..all.len().min(from + length);
    assert_eq!(at_once(&sorted, some.clone()), all[some]);
    assert_eq!(
        sorted.rows() + sorted.merged(),
        parts.iter().map(Vec::len).sum::<usize>()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn both_merges_keep_the_same_rows_and_of_each_field_the_value_written_last(
        parts in vec(vec(written(-1..3), 0..60), 0..4),
        from in 0..80_usize,
        length in 0..8_usize,
    ) {
        assert_same(&parts, from, length);
    }

    #[test]
    fn both_merges_keep_the_same_of_a_single_day(
        parts in vec(vec(written(0..1), 0..60), 0..4),
        from in 0..80_usize,
        length in 0..8_usize,
    ) {
        assert_same(&parts, from, length);
    }

    /// The segments that the streamed merge writes are taken as they are.
    #[test]
    fn rows_that_are_merged_already_stay_as_they_are(
        parts in vec(vec(written(0..1), 1..60), 1..4),
        rows_max in 1..40_usize,
    ) {
        let segments = segments(&parts);
        let expected: Vec<Read> = streamed(&segments).into_values().flatten().collect();
        let sorted = segments.into_iter();
        let sorted = sorted.map(|segment| Arc::new(SortedSegment::new(segment, TimeRange::ALL)));
        let merge = merge_of(&sorted.collect::<Vec<_>>(), 0);
        let limits = SegmentLimits { rows_max, bytes_max: usize::MAX };
        let merged = MergedSegments::new("m", merge, limits);
        let merged = merged.map(|segment| Arc::new(segment.expect("in order"))).collect();
        let sorted = Sorted::in_order(merged);
        prop_assert_eq!(at_once(&sorted, 0..sorted.rows()), expected);
    }
}
