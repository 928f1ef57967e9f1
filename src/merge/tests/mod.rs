mod at_once;
mod batches;
mod model;

use std::collections::VecDeque;
use std::sync::Arc;

use super::{
    Chunks, ChunksError, Merge, MergeError, MergedPoints, MergedSegments, Run, SegmentLimits,
    SortedSegment, Stretch, TimeRange,
};
use crate::columnar::FieldValue::{self, Float, Integer};
use crate::columnar::{BatchBuilder, Segment};

type Tags<'a> = &'a [(&'a str, &'a str)];

/// Tags, time, and the values of `f` fields.
type Row<'a> = (Tags<'a>, i64, &'a [(&'a str, FieldValue<'a>)]);

fn segment(rows: &[Row<'_>]) -> Arc<Segment> {
    let mut builder = BatchBuilder::new("m");
    for (tags, time_ns, fields) in rows {
        let series = builder.series(tags);
        let cells = fields.iter().map(|(name, value)| {
            let column = builder.field_column(name, value.field_type());
            (column, *value)
        });
        let cells: Vec<_> = cells.collect();
        builder.push_row(series, *time_ns, &cells);
    }
    Arc::new(builder.freeze())
}

/// Chunks as they are given; counts who still holds one of them.
struct Given {
    chunks: VecDeque<Result<Arc<Segment>, ChunksError>>,
}

impl Chunks for Given {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        self.chunks.pop_front().transpose()
    }
}

fn stream(name: &str, chunks: impl IntoIterator<Item = Arc<Segment>>) -> Run {
    let chunks = chunks.into_iter().map(Ok).collect();
    Run::stream(name, Box::new(Given { chunks }), TimeRange::ALL)
}

/// One line a point: tags, time and values.
fn lines(points: &mut MergedPoints) -> Result<Vec<String>, MergeError> {
    let mut lines = Vec::new();
    while points.advance()? {
        let tags: Vec<String> = points
            .tags()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let values = points.values().map(|(place, value)| {
            let name = points.field(place).map_or("?", |(name, _)| name);
            format!("{name}={}", text(value))
        });
        let values: Vec<String> = values.collect();
        lines.push(format!(
            "{} {} {}",
            tags.join(","),
            points.time_ns(),
            values.join(",")
        ));
    }
    Ok(lines)
}

fn text(value: FieldValue<'_>) -> String {
    match value {
        Float(value) => format!("{value:?}"),
        Integer(value) => format!("{value}i"),
        other => format!("{other:?}"),
    }
}

fn merged(runs: Vec<Run>) -> Result<Vec<String>, MergeError> {
    let mut points = MergedPoints::of_all_fields();
    points.start(Merge::new(runs)?);
    lines(&mut points)
}

const A: Tags<'_> = &[("t", "a")];
const B: Tags<'_> = &[("t", "b")];

#[test]
fn the_later_run_wins_field_by_field_and_within_a_run_the_later_row() {
    let file = stream(
        "file",
        [
            segment(&[(
                A,
                1,
                &[("f", Integer(1)), ("g", Integer(1)), ("h", Integer(1))],
            )]),
            segment(&[
                (A, 1, &[("f", Integer(2)), ("g", Integer(2))]),
                (B, 0, &[("f", Integer(3))]),
            ]),
        ],
    );
    let buffered = segment(&[(B, 7, &[("f", Integer(9))]), (A, 1, &[("f", Integer(4))])]);
    let buffered = Arc::new(SortedSegment::new(buffered, TimeRange::ALL));
    let rows = merged(vec![file, Run::of_day(&buffered, 0)]).expect("in order");
    assert_eq!(rows, ["t=a 1 f=4i,g=2i,h=1i", "t=b 0 f=3i", "t=b 7 f=9i"]);
}

#[test]
fn a_chunk_is_freed_as_soon_as_no_row_at_hand_needs_it() {
    let chunks: Vec<_> = [(A, 1), (A, 2), (A, 2), (B, 1)]
        .map(|(tags, time_ns)| segment(&[(tags, time_ns, &[("f", Integer(1))])]))
        .to_vec();
    let held = |chunks: &[Arc<Segment>]| -> Vec<usize> {
        (0..)
            .zip(chunks)
            .filter(|(_, chunk)| Arc::strong_count(chunk) > 1)
            .map(|(n, _)| n)
            .collect()
    };
    // What waits in the test's own stream is held there: so it makes chunks when asked.
    struct Shared(VecDeque<std::sync::Weak<Segment>>);
    impl Chunks for Shared {
        fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
            Ok(self.0.pop_front().and_then(|chunk| chunk.upgrade()))
        }
    }
    let shared = Shared(chunks.iter().map(Arc::downgrade).collect());
    let run = Run::stream("file", Box::new(shared), TimeRange::ALL);
    let mut merge = Merge::new([run]).expect("opens");
    assert_eq!(held(&chunks), [0]);
    let mut row = Stretch::default();
    let mut seen = Vec::new();
    while merge.next(&mut row).expect("in order") {
        seen.push((
            row.time_ns,
            row.is_new_series,
            row.sources.len(),
            held(&chunks),
        ));
    }
    let expected = [
        (1, true, 1, vec![0, 1]),
        (2, false, 2, vec![1, 2, 3]),
        (1, true, 1, vec![3]),
    ];
    assert_eq!(seen, expected);
    assert_eq!(held(&chunks), Vec::<usize>::new());
}

/// A stream that says where it begins, and counts those that were begun and are not dropped.
struct Lazy {
    chunks: VecDeque<Arc<Segment>>,
    from: Tags<'static>,
    open: Arc<std::sync::atomic::AtomicUsize>,
    is_begun: bool,
}

impl Chunks for Lazy {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        if !std::mem::replace(&mut self.is_begun, true) {
            self.open.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(self.chunks.pop_front())
    }

    fn lower_bound(&self) -> Option<super::Tags> {
        let from = self.from.iter();
        Some(
            from.map(|(key, value)| ((*key).into(), (*value).into()))
                .collect(),
        )
    }
}

impl Drop for Lazy {
    fn drop(&mut self) {
        let ended = usize::from(self.is_begun);
        self.open
            .fetch_sub(ended, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn a_run_is_read_when_the_merge_comes_to_where_it_may_begin_and_dropped_at_its_end() {
    let f: &[(&str, FieldValue<'_>)] = &[("f", Integer(1))];
    let g: &[(&str, FieldValue<'_>)] = &[("f", Integer(2))];
    const AB: Tags<'static> = &[("t", "ab")];
    const C: Tags<'static> = &[("t", "c")];
    let open = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let lazy = |from: Tags<'static>, rows: &[Row<'_>]| {
        let chunks = rows.chunks(1).map(segment).collect();
        let (open, is_begun) = (Arc::clone(&open), false);
        let lazy = Lazy {
            chunks,
            from,
            open,
            is_begun,
        };
        Run::stream("lazy", Box::new(lazy), TimeRange::ALL)
    };
    let runs = [
        lazy(C, &[(C, 1, f)]),
        // It begins later than it might, at a series that an earlier run has too.
        lazy(AB, &[(B, 1, g), (B, 2, f)]),
        lazy(&[], &[(A, 1, f), (AB, 1, f)]),
        lazy(B, &[]),
        lazy(B, &[(B, 1, f), (B, 3, f)]),
        lazy(AB, &[(AB, 1, g)]),
    ];
    let mut points = MergedPoints::of_all_fields();
    points.start(Merge::new(runs).expect("nothing is read yet"));
    assert_eq!(open.load(std::sync::atomic::Ordering::Relaxed), 0);
    let mut seen = Vec::new();
    while points.advance().expect("in order") {
        let open = open.load(std::sync::atomic::Ordering::Relaxed);
        let (_, tag) = points.tags().next().expect("a tag");
        let (_, value) = points.values().next().expect("a value");
        seen.push(format!("{tag} {} {} {open}", points.time_ns(), text(value)));
    }
    let expected = [
        "a 1 1i 1",
        "ab 1 2i 1",
        "b 1 1i 2",
        "b 2 1i 1",
        "b 3 1i 0",
        "c 1 1i 0",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_run_out_of_order_ends_the_merge_with_its_name() {
    let f: &[(&str, FieldValue<'_>)] = &[("f", Integer(1))];
    let time = [segment(&[(A, 2, f), (A, 1, f)])];
    let series = [segment(&[(B, 1, f), (A, 2, f)])];
    let chunks_time = [segment(&[(A, 2, f)]), segment(&[(A, 1, f)])];
    let chunks_series = [segment(&[(B, 1, f)]), segment(&[(A, 2, f)])];
    for chunks in [&time[..], &series, &chunks_time, &chunks_series] {
        let good = stream("good", [segment(&[(A, 1, f), (B, 5, f)])]);
        let bad = stream("day=1970-01-01/bad.parquet", chunks.to_vec());
        let error = merged(vec![good, bad])
            .expect_err("out of order")
            .to_string();
        assert!(
            error.starts_with("day=1970-01-01/bad.parquet is not sorted"),
            "{error}"
        );
    }
}

#[test]
fn what_a_stream_says_is_told_with_its_name_and_ends_the_merge() {
    let first = segment(&[(A, 1, &[("f", Integer(1))])]);
    let chunks = VecDeque::from([Ok(first), Err("connection reset".into())]);
    let run = Run::stream("x.parquet", Box::new(Given { chunks }), TimeRange::ALL);
    let mut merge = Merge::new([run]).expect("the first chunk is there");
    let mut row = Stretch::default();
    let error = merge
        .next(&mut row)
        .expect_err("what comes behind the row is not known");
    assert_eq!(
        error.to_string(),
        "x.parquet cannot be read: connection reset"
    );
    assert!(!merge.next(&mut row).expect("nothing more"));
}

#[test]
fn rows_out_of_range_are_left_out_of_streams_and_segments() {
    let f: &[(&str, FieldValue<'_>)] = &[("f", Integer(1))];
    let range = TimeRange {
        start_ns: 2,
        end_ns: Some(4),
    };
    let rows = [1, 2, 3, 4, 5].map(|time_ns| (A, time_ns, f));
    let chunks = rows.chunks(1).map(|rows| Ok(segment(rows))).collect();
    let file = Run::stream("file", Box::new(Given { chunks }), range);
    let sorted = Arc::new(SortedSegment::new(segment(&rows), range));
    assert_eq!(sorted.days().collect::<Vec<_>>(), [0]);
    assert_eq!(
        merged(vec![file]).expect("in order"),
        ["t=a 2 f=1i", "t=a 3 f=1i"]
    );
    let buffered = merged(vec![Run::of_day(&sorted, 0)]).expect("in order");
    assert_eq!(buffered, ["t=a 2 f=1i", "t=a 3 f=1i"]);
    assert!(
        merged(vec![Run::of_day(&sorted, 1)])
            .expect("no such day")
            .is_empty()
    );
}

#[test]
fn each_part_of_a_day_has_its_rows_in_whatever_order_they_have_come() {
    let times = [-9, -3, -3, 0, 4, 4, 7];
    let values: Vec<_> = (0_i64..)
        .take(2 * times.len())
        .map(|value| [("f", Integer(value))])
        .collect();
    let cells = values.iter().map(|cells| &cells[..]);
    let series = times
        .iter()
        .flat_map(|time_ns| [(B, *time_ns), (A, *time_ns)]);
    let ascending: Vec<Row<'_>> = series
        .zip(cells)
        .map(|((tags, time_ns), cells)| (tags, time_ns, cells))
        .collect();
    let mut newest_first = ascending.clone();
    newest_first.sort_by_key(|(_, time_ns, _)| std::cmp::Reverse(*time_ns));
    let range = |(start_ns, end_ns): (i64, i64)| TimeRange {
        start_ns,
        end_ns: Some(end_ns),
    };
    let bounds = (-10..9).flat_map(|start| (start..10).map(move |end| (start, end)));
    let bounds: Vec<(i64, i64)> = bounds.collect();
    for rows in [ascending, newest_first] {
        let expected = |(start, end): (i64, i64)| {
            let within = rows
                .iter()
                .filter(|(_, time_ns, _)| (start..end).contains(time_ns));
            let within =
                within.map(|(tags, time_ns, cells)| ((tags[0].1, *time_ns), text(cells[0].1)));
            let newest: std::collections::BTreeMap<_, _> = within.collect();
            let lines = newest.iter();
            lines
                .map(|((tag, time_ns), value)| format!("t={tag} {time_ns} f={value}"))
                .collect::<Vec<_>>()
        };
        let segment = segment(&rows);
        for asked in &bounds {
            let sorted = Arc::new(SortedSegment::new(Arc::clone(&segment), range(*asked)));
            for part in bounds.iter().step_by(7) {
                for (day, of_day) in [(-1, (-10, 0)), (0, (0, 10))] {
                    let found = SortedSegment::within(&sorted, day, range(*part));
                    let found = merged(vec![Run::of_day(&found, day)]).expect("in order");
                    let start = asked.0.max(part.0).max(of_day.0);
                    let end = asked.1.min(part.1).min(of_day.1);
                    assert_eq!(found, expected((start, end)), "{asked:?} {part:?} {day}");
                }
            }
        }
    }
}

#[test]
fn a_part_that_has_all_rows_of_a_segment_is_that() {
    let f: &[(&str, FieldValue<'_>)] = &[("f", Integer(1))];
    let sorted = segment(&[(A, 1, f), (B, 2, f), (A, 3, f)]);
    let sorted = Arc::new(SortedSegment::new(sorted, TimeRange::ALL));
    for (range, is_all) in [
        ((1, 4), true),
        ((0, 9), true),
        ((2, 4), false),
        ((1, 3), false),
    ] {
        let (start_ns, end_ns) = (range.0, Some(range.1));
        let part = SortedSegment::within(&sorted, 0, TimeRange { start_ns, end_ns });
        assert_eq!(Arc::ptr_eq(&sorted, &part), is_all, "{range:?}");
    }
}

#[test]
fn fields_of_another_type_or_name_than_asked_count_as_absent() {
    let rows = segment(&[
        (A, 1, &[("f", Float(1.0)), ("g", Integer(2))]),
        (A, 2, &[("h", Integer(3))]),
    ]);
    let mut points = MergedPoints::of_fields([
        ("g", crate::columnar::FieldType::Integer),
        ("f", crate::columnar::FieldType::Integer),
    ]);
    points.start(Merge::new([stream("file", [rows])]).expect("opens"));
    assert_eq!(
        lines(&mut points).expect("in order"),
        ["t=a 1 g=2i", "t=a 2 "]
    );
}

#[test]
fn merged_segments_are_as_large_as_they_may_be_and_no_larger() {
    let f: &[(&str, FieldValue<'_>)] = &[("s", FieldValue::String("0123456789"))];
    let rows: Vec<Row<'_>> = (0..10).map(|time_ns| (A, time_ns, f)).collect();
    let sizes = |rows_max, bytes_max| -> Vec<usize> {
        let merge = Merge::new([stream("file", [segment(&rows)])]).expect("opens");
        let limits = SegmentLimits {
            rows_max,
            bytes_max,
        };
        let segments = MergedSegments::new("m", merge, limits);
        segments
            .map(|segment| segment.expect("in order").rows())
            .collect()
    };
    assert_eq!(sizes(4, usize::MAX), [4, 4, 2]);
    assert_eq!(sizes(usize::MAX, 30), [2, 2, 2, 2, 2]);
    assert_eq!(sizes(10, 1 << 20), [10]);
    assert_eq!(sizes(0, 0), [1; 10], "one row fits always");
}
