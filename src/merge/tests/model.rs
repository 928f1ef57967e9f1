//! Against a map: runs of every kind, in every cut, give what writing one after the other gives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Merge, MergedSegments, Run, SegmentLimits, SortedSegment, TimeRange, segment, stream};
use crate::columnar::FieldValue;
use crate::merge::{compare_tags, day_of, day_start_ns};

/// Tags of four keys, some absent; day; time of the day; values of eleven fields, one of which
/// comes with two types.
#[derive(Clone, Debug)]
struct Point {
    tags: Vec<(&'static str, &'static str)>,
    time_ns: i64,
    fields: BTreeMap<(&'static str, bool), i64>,
}

const KEYS: [&str; 3] = ["a", "b", "c"];
const VALUES: [&str; 3] = ["", "x", "y"];
const FIELDS: [&str; 10] = ["f", "g", "h", "i", "j", "k", "l", "m", "n", "o"];

fn point() -> impl Strategy<Value = Point> {
    let tags = vec(0..3_usize, 3);
    let fields = vec((0..10_usize, prop::bool::weighted(0.1)), 1..3);
    (tags, -1..2_i32, 0..4_i64, fields, any::<i64>()).prop_map(
        |(tags, day, time, fields, value)| {
            let tags = KEYS.into_iter().zip(tags).filter(|(_, value)| *value > 0);
            let fields = fields
                .into_iter()
                .map(|(field, is_float)| ((FIELDS[field], is_float), value));
            Point {
                tags: tags.map(|(key, value)| (key, VALUES[value])).collect(),
                time_ns: day_start_ns(day) + time,
                fields: fields.collect(),
            }
        },
    )
}

/// The rows of a run, and the number of rows per chunk of a stream of it (a segment if nothing).
type Written = (Vec<Point>, Option<usize>);

/// In half of the runs rows come in the order of time.
fn run() -> impl Strategy<Value = Written> {
    let cut = prop::option::of(1..9_usize);
    (vec(point(), 0..60), cut, any::<bool>()).prop_map(|(mut points, cut, ascend)| {
        if ascend {
            points.sort_by_key(|point| point.time_ns);
        }
        (points, cut)
    })
}

type Key = (Vec<(&'static str, &'static str)>, i64);
type Values = BTreeMap<(&'static str, bool), i64>;

fn in_order(points: &mut [&Point]) {
    points.sort_by(|a, b| {
        let order = compare_tags(a.tags.iter().copied(), b.tags.iter().copied());
        order.then(a.time_ns.cmp(&b.time_ns))
    });
}

fn segment_of(points: &[&Point]) -> Arc<crate::columnar::Segment> {
    let cells: Vec<Vec<(&str, FieldValue<'_>)>> = points
        .iter()
        .map(|point| {
            let fields = point.fields.iter();
            fields
                .map(|((name, is_float), value)| (*name, value_of(*is_float, *value)))
                .collect()
        })
        .collect();
    let rows = points.iter().zip(&cells);
    let rows: Vec<super::Row<'_>> = rows
        .map(|(point, cells)| (&*point.tags, point.time_ns, &**cells))
        .collect();
    segment(&rows)
}

#[allow(clippy::cast_precision_loss, reason = "any value will do")]
fn value_of(is_float: bool, value: i64) -> FieldValue<'static> {
    match is_float {
        true => FieldValue::Float(value as f64),
        false => FieldValue::Integer(value),
    }
}

fn run_of_day((points, cut): &Written, sorted: &Arc<SortedSegment>, day: i32) -> Run {
    let Some(cut) = cut else {
        return Run::of_day(sorted, day);
    };
    let mut points: Vec<&Point> = points
        .iter()
        .filter(|point| day_of(point.time_ns) == day)
        .collect();
    in_order(&mut points);
    stream("a file", points.chunks(*cut).map(segment_of))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn merged_days_equal_what_was_written_run_by_run(
        runs in vec(run(), 0..6),
        rows_max in 1..40_usize,
    ) {
        let mut model: BTreeMap<i32, BTreeMap<Key, Values>> = BTreeMap::new();
        for point in runs.iter().flat_map(|(points, _)| points) {
            let day = model.entry(day_of(point.time_ns)).or_default();
            let values = day.entry((point.tags.clone(), point.time_ns)).or_default();
            values.extend(&point.fields);
        }
        let sorted: Vec<Arc<SortedSegment>> = runs.iter().map(|(points, _)| {
            let segment = segment_of(&points.iter().collect::<Vec<_>>());
            let most = SortedSegment::bytes_max(&segment);
            let sorted = SortedSegment::new(segment, TimeRange::ALL);
            assert!(sorted.heap_bytes() <= most);
            Arc::new(sorted)
        }).collect();
        let days: BTreeSet<i32> = sorted.iter().flat_map(|segment| segment.days()).collect();
        prop_assert_eq!(&days, &model.keys().copied().collect::<BTreeSet<_>>());
        for day in days {
            let runs = runs.iter().zip(&sorted).map(|(run, sorted)| run_of_day(run, sorted, day));
            let merge = Merge::new(runs).expect("opens");
            let limits = SegmentLimits { rows_max, bytes_max: usize::MAX };
            let mut found = Vec::new();
            for segment in MergedSegments::new("m", merge, limits) {
                let segment = segment.expect("in order");
                prop_assert!(segment.rows() <= rows_max);
                for row in 0..segment.rows() {
                    let tags = segment.series_tags(segment.series_of_rows()[row]);
                    let tags: Vec<(String, String)> =
                        tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                    let values: BTreeMap<String, String> = segment.fields().iter()
                        .filter_map(|field| Some((field, field.value(row)?)))
                        .map(|(field, value)| (format!("{} {}", field.name(), field.field_type()), super::text(value)))
                        .collect();
                    found.push((tags, segment.times()[row], values));
                }
            }
            let mut keys: Vec<&Key> = model[&day].keys().collect();
            keys.sort_by(|a, b| {
                compare_tags(a.0.iter().copied(), b.0.iter().copied()).then(a.1.cmp(&b.1))
            });
            let expected: Vec<_> = keys.into_iter().map(|key| {
                let tags = key.0.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
                let values = model[&day][key].iter().map(|((name, is_float), value)| {
                    let value = value_of(*is_float, *value);
                    (format!("{name} {}", value.field_type()), super::text(value))
                });
                (tags.collect::<Vec<_>>(), key.1, values.collect::<BTreeMap<_, _>>())
            }).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
