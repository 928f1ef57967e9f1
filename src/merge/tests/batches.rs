//! Batches of merged points against a map: long and short stretches, equal times in several runs,
//! every type, columns with holes, a selection of columns and rows, and limits in the middle.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "any value will do"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Given, Merge, MergedPoints, Run, SegmentLimits, SortedSegment, TimeRange, segment};
use crate::columnar::FieldValue::{self, Boolean, Float, Integer, String as Text, Unsigned};
use crate::columnar::{FieldType, Segment};
use crate::merge::{PointBatch, SeriesFilter, Wanted, Weights};

const SERIES: [&[(&str, &str)]; 4] = [
    &[],
    &[("a", "1"), ("b", "x")],
    &[("a", "1"), ("b", "y")],
    &[("b", "long enough to count for the limit")],
];
const TEXTS: [&str; 4] = ["", "é", "some text", "x"];
const SPARSE: [&str; 10] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9"];

/// Points of one series: every `step` nanoseconds from `start` on.
#[derive(Clone, Debug)]
struct Line {
    series: usize,
    start: i64,
    step: i64,
    count: i64,
    seed: u8,
}

/// Lines in the order of writing; the rows per chunk of a stream of them, or nothing for a segment
/// in memory; whether there are columns of few values.
#[derive(Clone, Debug)]
struct Written {
    lines: Vec<Line>,
    cut: Option<usize>,
    has_sparse: bool,
}

type Cells = Vec<(&'static str, FieldValue<'static>)>;
type Point = (usize, i64, Cells);
/// By series and time: the text of each value by name and type.
type Model = BTreeMap<(usize, i64), BTreeMap<(String, FieldType), String>>;

fn written() -> impl Strategy<Value = Written> {
    let line = (0..4_usize, 0..150_i64, 1..3_i64, 1..60_i64, any::<u8>());
    let line = line.prop_map(|(series, start, step, count, seed)| Line {
        series,
        start,
        step,
        count,
        seed,
    });
    let cut = prop::option::of(1..70_usize);
    (vec(line, 0..5), cut, prop::bool::weighted(0.3)).prop_map(|(lines, cut, has_sparse)| Written {
        lines,
        cut,
        has_sparse,
    })
}

/// The cells of a point: some in every row, some with holes, some absent from a whole line.
fn cells(line: &Line, time_ns: i64, has_sparse: bool) -> Cells {
    let value = time_ns * 7 + i64::from(line.seed) * 1000;
    let seed = line.seed;
    let holes = |of: u8| (time_ns / 3) % i64::from(of) != i64::from(seed % of);
    let mut cells: Cells = vec![("float", Float(value as f64 / 4.0))];
    let mut add = |is_there: bool, name, value| {
        if is_there {
            cells.push((name, value));
        }
    };
    let text = Text(TEXTS[(value % 4) as usize]);
    add(holes(2), "integer", Integer(value - 5000));
    add(seed.is_multiple_of(3), "unsigned", Unsigned(value as u64));
    add(holes(5), "boolean", Boolean(value % 3 == 0));
    add(seed % 2 == 1, "flag", Boolean(value % 2 == 0));
    add(holes(3), "text", text);
    // One name of two types.
    add(seed.is_multiple_of(4), "mixed", Integer(value));
    add(seed % 4 == 1, "mixed", text);
    if has_sparse {
        add(true, SPARSE[(value % 10) as usize], Integer(value));
        add(value % 11 == 0, "sparse text", text);
    }
    cells
}

fn points(written: &Written) -> Vec<Point> {
    let lines = written.lines.iter().flat_map(|line| {
        (0..line.count).map(|number| {
            let time_ns = line.start + number * line.step;
            (
                line.series,
                time_ns,
                cells(line, time_ns, written.has_sparse),
            )
        })
    });
    lines.collect()
}

fn segment_of(points: &[Point]) -> Arc<Segment> {
    let rows = points.iter();
    let rows = rows.map(|(series, time_ns, cells)| (SERIES[*series], *time_ns, &**cells));
    segment(&rows.collect::<Vec<_>>())
}

#[derive(Debug)]
struct HasTag(bool);

impl SeriesFilter for HasTag {
    fn passes<'t>(&self, tags: &mut dyn Iterator<Item = (&'t str, &'t str)>) -> bool {
        let keys: Vec<&str> = tags.map(|(key, _)| key).collect();
        keys.contains(&"a") == self.0
    }
}

fn run(written: &Written, wanted: &Wanted) -> Run {
    let mut points = points(written);
    let Some(cut) = written.cut else {
        let sorted = SortedSegment::new(segment_of(&points), wanted.clone());
        return Run::of_day(&Arc::new(sorted), 0);
    };
    points.sort_by_key(|(series, time_ns, _)| (order_of(*series), *time_ns));
    let chunks = points.chunks(cut).map(|points| Ok(segment_of(points)));
    let chunks = chunks.collect();
    Run::stream("a file", Box::new(Given { chunks }), wanted.clone())
}

/// The place of a series in the order of series: an absent tag comes first.
fn order_of(series: usize) -> usize {
    [0, 2, 3, 1][series]
}

fn model(runs: &[Written], wanted: &Wanted, fields: Option<&[(&str, FieldType)]>) -> Model {
    let mut model = Model::new();
    for (series, time_ns, cells) in runs.iter().flat_map(points) {
        let tags = &mut SERIES[series].iter().copied();
        let passes = wanted
            .series
            .as_ref()
            .is_none_or(|filter| filter.passes(tags));
        if !passes || !wanted.range.contains(time_ns) {
            continue;
        }
        let point = model.entry((order_of(series), time_ns)).or_default();
        for (name, value) in cells {
            let key = (name, value.field_type());
            if fields.is_none_or(|fields| fields.contains(&key)) {
                point.insert((name.to_owned(), key.1), super::text(value));
            }
        }
    }
    model
}

/// The bytes of a row that count.
fn bytes(values: &BTreeMap<(String, FieldType), String>, weights: Weights) -> usize {
    let values = values
        .iter()
        .map(|((_, field_type), text)| match field_type {
            // As it is printed: `String("...")`.
            FieldType::String => text.len() - "String(\"\")".len(),
            _ => weights.value_bytes,
        });
    weights.row_bytes + values.sum::<usize>()
}

/// Reads everything batch by batch, and looks at the size of each.
fn read(mut all: MergedPoints, limits: SegmentLimits, weights: Weights) -> Model {
    let mut batch = PointBatch::new("m", limits, weights);
    let mut read = Model::new();
    let mut last = None;
    loop {
        let is_full = batch.fill(&mut all).expect("in order");
        let Some(points) = batch.finish() else {
            assert!(!is_full);
            return read;
        };
        let segment = &points.segment;
        assert!(segment.rows() <= limits.rows_max);
        let mut sizes = Vec::new();
        let mut before = None;
        for (row, (id, time_ns)) in segment
            .series_of_rows()
            .iter()
            .zip(segment.times())
            .enumerate()
        {
            let tags: Vec<(&str, &str)> = segment.series_tags(*id).collect();
            let series = SERIES
                .iter()
                .position(|series| **series == *tags)
                .expect("known");
            let values =
                all.fields()
                    .zip(&points.columns)
                    .filter_map(|((name, field_type), column)| {
                        let field = &segment.fields()[(*column)? as usize];
                        assert_eq!((field.name(), field.field_type()), (name, field_type));
                        Some((
                            (name.to_owned(), field_type),
                            super::text(field.value(row)?),
                        ))
                    });
            let values: BTreeMap<_, _> = values.collect();
            let of_tags = tags.iter().map(|(_, value)| value.len()).sum::<usize>();
            sizes.push(bytes(&values, weights) + usize::from(before != Some(series)) * of_tags);
            before = Some(series);
            let key = (order_of(series), *time_ns);
            assert!(
                last.is_none_or(|last| last < key),
                "in order, and each point once"
            );
            last = Some(key);
            read.insert(key, values);
        }
        let size: usize = sizes.iter().sum();
        let size_before = size - sizes.last().expect("rows");
        assert!(
            size_before < limits.bytes_max.max(1),
            "it was full before its last row"
        );
        assert_eq!(
            is_full,
            size >= limits.bytes_max || segment.rows() == limits.rows_max
        );
    }
}

fn merge(runs: &[Written], wanted: &Wanted) -> Merge {
    Merge::new(runs.iter().map(|written| run(written, wanted))).expect("opens")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn batches_hold_what_was_written_last_whole_or_in_part(
        runs in vec(written(), 0..5),
        range in (0..200_i64, prop::option::of(0..300_i64), 0..3_u8),
        chosen in prop::option::of(vec(any::<bool>(), 8)),
        limits in (1..100_usize, 100..6000_usize),
        value_bytes in 0..9_usize,
    ) {
        let (start, end, filter) = range;
        let filter = (filter > 0).then(|| Arc::new(HasTag(filter > 1)) as Arc<dyn SeriesFilter>);
        let range = TimeRange { start_ns: start - 100, end_ns: end };
        let wanted = Wanted { range, series: filter, newest: None };
        let all = [
            ("float", FieldType::Float), ("integer", FieldType::Integer),
            ("unsigned", FieldType::Unsigned), ("boolean", FieldType::Boolean),
            ("text", FieldType::String), ("mixed", FieldType::String),
            ("s3", FieldType::Integer), ("sparse text", FieldType::String),
        ];
        let fields = chosen.map(|chosen| {
            let chosen = all.into_iter().zip(chosen).filter(|(_, is_chosen)| *is_chosen);
            chosen.map(|(field, _)| field).collect::<Vec<_>>()
        });
        let points = || match &fields {
            Some(fields) => MergedPoints::of_fields(fields.iter().copied()),
            None => MergedPoints::of_all_fields(),
        };
        let expected = model(&runs, &wanted, fields.as_deref());
        let mut batches = points();
        batches.start(merge(&runs, &wanted));
        let weights = Weights { row_bytes: 10, value_bytes, tag_bytes_free: 0 };
        let limits = SegmentLimits { rows_max: limits.0, bytes_max: limits.1 };
        prop_assert_eq!(read(batches, limits, weights), expected.clone());
        // The same points one by one.
        let mut one_by_one = points();
        one_by_one.start(merge(&runs, &wanted));
        let mut found = Model::new();
        let mut before = None;
        while one_by_one.advance().expect("in order") {
            let tags: Vec<(&str, &str)> = one_by_one.tags().collect();
            let series = SERIES.iter().position(|series| **series == *tags).expect("known");
            prop_assert_eq!(one_by_one.is_new_series(), before != Some(series));
            before = Some(series);
            let values = one_by_one.values().map(|(place, value)| {
                let (name, field_type) = one_by_one.field(place).expect("a field");
                ((name.to_owned(), field_type), super::text(value))
            });
            found.insert((order_of(series), one_by_one.time_ns()), values.collect());
        }
        prop_assert_eq!(found, expected);
    }
}

/// Fields of which some rows lack one.
const OFTEN: [(&str, FieldType); 3] = [
    ("float", FieldType::Float),
    ("integer", FieldType::Integer),
    ("mixed", FieldType::String),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// From the newest row of a series on that has a value in each of the fields, nothing is missing; a row
    /// before it may be, in whole or in part.
    #[test]
    fn no_row_is_left_out_that_the_newest_one_does_not_stand_for(
        runs in vec(written(), 0..5),
        present in vec(any::<bool>(), OFTEN.len()),
        start in 0..200_i64,
        filter in 0..3_u8,
    ) {
        let present = OFTEN.into_iter().zip(present).filter(|(_, is_present)| *is_present);
        let present: Vec<(&str, FieldType)> = present.map(|(field, _)| field).collect();
        let filter = (filter > 0).then(|| Arc::new(HasTag(filter > 1)) as Arc<dyn SeriesFilter>);
        let range = TimeRange { start_ns: start - 100, end_ns: None };
        let newest = present.iter().map(|(name, field_type)| (Box::from(*name), *field_type));
        let wanted = Wanted { range, series: filter, newest: Some(newest.collect()) };
        let all = model(&runs, &wanted, None);
        let mut points = MergedPoints::of_all_fields();
        points.start(merge(&runs, &wanted));
        let weights = Weights { row_bytes: 10, value_bytes: 8, tag_bytes_free: 0 };
        let limits = SegmentLimits { rows_max: 1000, bytes_max: usize::MAX };
        let found = read(points, limits, weights);
        let stands = |values: &BTreeMap<(String, FieldType), String>| {
            let mut present = present.iter();
            present.all(|(name, field_type)| values.contains_key(&((*name).to_owned(), *field_type)))
        };
        let mut newest = BTreeMap::new();
        for ((series, time_ns), values) in &all {
            if stands(values) {
                newest.insert(*series, *time_ns);
            }
        }
        for ((series, time_ns), values) in &all {
            if newest.get(series).is_none_or(|newest| time_ns >= newest) {
                prop_assert_eq!(found.get(&(*series, *time_ns)), Some(values));
            }
        }
        prop_assert!(found.keys().all(|key| all.contains_key(key)));
    }
}

#[test]
fn rows_that_a_newer_one_stands_for_are_not_sorted() {
    let (a, b): (&[_], &[_]) = (SERIES[1], SERIES[2]);
    let v = |value| ("v", Integer(value));
    let rows = segment(&[
        (a, 1, &[v(1)]),
        (b, 2, &[v(2)]),
        // Equal points come together, in any order of times.
        (a, 5, &[v(3), ("w", Integer(1))]),
        (a, 3, &[v(4)]),
        (a, 5, &[v(5)]),
        // Without the field it stands for none.
        (b, 9, &[("w", Integer(2))]),
    ]);
    let kept = |fields: &[(&str, FieldType)], end_ns| {
        let newest = fields
            .iter()
            .map(|(name, field_type)| (Box::from(*name), *field_type));
        let range = TimeRange {
            start_ns: 0,
            end_ns,
        };
        let newest = Some(newest.collect());
        let wanted = Wanted {
            range,
            series: None,
            newest,
        };
        let most = SortedSegment::bytes_max(&rows);
        let sorted = SortedSegment::new(Arc::clone(&rows), wanted);
        assert!(sorted.heap_bytes() <= most);
        let mut points = MergedPoints::of_all_fields();
        points.start(Merge::new([Run::of_day(&Arc::new(sorted), 0)]).expect("opens"));
        let mut kept = Vec::new();
        while points.advance().expect("in order") {
            let tags = points.tags().map(|(_, value)| value.to_owned());
            kept.push((
                tags.collect::<String>(),
                points.time_ns(),
                points.values().count(),
            ));
        }
        kept
    };
    let row = |series: &str, time_ns, values| (series.to_owned(), time_ns, values);
    let integer = FieldType::Integer;
    let newest = [row("1x", 5, 2), row("1y", 2, 1), row("1y", 9, 1)];
    assert_eq!(kept(&[("v", integer)], None), newest);
    assert_eq!(kept(&[], None), [row("1x", 5, 2), row("1y", 9, 1)]);
    assert_eq!(
        kept(&[("v", integer)], Some(5)),
        [row("1x", 3, 1), row("1y", 2, 1)]
    );
    // Another type is another field.
    assert_eq!(kept(&[("v", FieldType::Float)], None).len(), 5);
}
