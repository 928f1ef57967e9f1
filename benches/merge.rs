//! The speed at which sorted rows are merged: into record batches (questions, exports in Arrow),
//! into segments (compaction), point by point (exports as text), and in memory (a flush).
//!
//! The files' rows are in memory, decoded: what is measured begins where the decoder ends.
//! `cargo bench --bench merge`; the median of five runs counts.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use tidegate::buffer::{Buffer, BufferLimits};
use tidegate::columnar::{Batch, BatchBuilder, FieldType, FieldValue, Segment};
use tidegate::id::{BucketId, Sequence, TableId};
use tidegate::memory::{Budget, Marks, Room};
use tidegate::merge::at_once::{Sorted, gather};
use tidegate::merge::{
    Chunks, ChunksError, Merge, MergedPoints, MergedSegments, Run, SegmentLimits, TimeRange, Wanted,
};
use tidegate::read::{
    DataFile, Lake, LakeError, Rows, Scan, Sources, StoredColumns, Table, TableFiles,
};

const BUCKET: BucketId = BucketId(1);
const SERIES: i64 = 100;
const TIMES: i64 = 10_000;
const STEP_NS: i64 = 8_000_000_000;
const TAGS: usize = 10;
const FIELDS: usize = 10;
const CHUNK_ROWS: usize = 4096;
const RUNS: usize = 5;

/// What a table's rows are like.
#[derive(Clone, Copy)]
struct Rowset {
    /// Every how many times a row has a value of the last five fields.
    sparse: i64,
    /// True if the last field is a text.
    has_text: bool,
}

const DENSE: Rowset = Rowset {
    sparse: 1,
    has_text: false,
};

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let _entered = runtime.enter();
    let nulls = Rowset {
        sparse: 3,
        has_text: false,
    };
    let texts = Rowset {
        sparse: 1,
        has_text: true,
    };
    let small = small_files(DENSE);
    let tables = [
        ("one file", Stored::new(vec![file(DENSE, &all())], None)),
        (
            "one file, nulls",
            Stored::new(vec![file(nulls, &all())], None),
        ),
        (
            "one file, texts",
            Stored::new(vec![file(texts, &all())], None),
        ),
        (
            "50 files and a buffer",
            Stored::new(small, Some(9_550..TIMES)),
        ),
        ("two files, turn by turn", Stored::new(turn_by_turn(), None)),
        (
            "two files, equal rows",
            Stored::new(vec![file(DENSE, &all()), file(DENSE, &all())], None),
        ),
    ];
    println!(
        "{} series of {TIMES} rows, {TAGS} tags, {FIELDS} fields; ns a row, median of {RUNS}",
        SERIES
    );
    println!(
        "{:<26} {:>8} {:>8} {:>8} {:>8}",
        "", "batches", "3 cols", "segments", "points"
    );
    for (name, stored) in &tables {
        let batches = median(|| stored.batches(&runtime, |_| true));
        let few = median(|| {
            stored.batches(&runtime, |name| {
                name == "hostname" || name == "usage_0" || name == "time"
            })
        });
        let segments = median(|| stored.segments());
        let points = median(|| stored.points());
        println!("{name:<26} {batches:>8.1} {few:>8.1} {segments:>8.1} {points:>8.1}");
    }
    let buffered = segment(DENSE, 0..TIMES);
    println!("{:<26} {:>8.1}", "flush", median(|| flush(&buffered)));
}

/// The median nanoseconds a row.
fn median(mut run: impl FnMut() -> usize) -> f64 {
    let mut runs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            let rows = run();
            started.elapsed().as_secs_f64() * 1e9 / rows as f64
        })
        .collect();
    runs.sort_by(f64::total_cmp);
    runs.get(RUNS / 2).copied().expect("runs")
}

fn flush(buffered: &Arc<Segment>) -> usize {
    let sorted = Sorted::new(std::slice::from_ref(buffered)).expect("few");
    for field in buffered.fields() {
        let gathered = gather(&sorted, field.name(), field.field_type(), 0..sorted.rows());
        std::hint::black_box(&gathered);
    }
    sorted.rows()
}

fn all() -> Vec<i64> {
    (0..TIMES).collect()
}

fn small_files(rows: Rowset) -> Vec<Memory> {
    let files = (0..50).map(|number| {
        file(
            rows,
            &(number * 191..(number + 1) * 191).collect::<Vec<_>>(),
        )
    });
    files.collect()
}

fn turn_by_turn() -> Vec<Memory> {
    let (even, odd): (Vec<i64>, Vec<i64>) = (0..TIMES).partition(|time| time % 2 == 0);
    vec![file(DENSE, &even), file(DENSE, &odd)]
}

/// A file's rows by series and time.
fn file(rows: Rowset, times: &[i64]) -> Memory {
    let points: Vec<(i64, i64)> = (0..SERIES)
        .flat_map(|series| times.iter().map(move |time| (series, *time)))
        .collect();
    let chunks = points
        .chunks(CHUNK_ROWS)
        .map(|points| Arc::new(batch(rows, points).freeze()));
    let (first, last) = (times.first().expect("times"), times.last().expect("times"));
    Memory {
        times: (first * STEP_NS, last * STEP_NS),
        chunks: chunks.collect(),
    }
}

/// Rows as they arrive: all series of a time, then the next time.
fn segment(rows: Rowset, times: Range<i64>) -> Arc<Segment> {
    Arc::new(batch(rows, &arriving(times)).freeze())
}

fn arriving(times: Range<i64>) -> Vec<(i64, i64)> {
    times
        .flat_map(|time| (0..SERIES).map(move |series| (series, time)))
        .collect()
}

fn batch(rows: Rowset, points: &[(i64, i64)]) -> Batch {
    let mut builder = BatchBuilder::new("cpu");
    let kind = |field| match (rows.has_text, field) {
        (true, 9) => FieldType::String,
        _ => FieldType::Float,
    };
    let columns: Vec<u32> = (0..FIELDS)
        .map(|field| builder.field_column(&format!("usage_{field}"), kind(field)))
        .collect();
    for (series, time) in points {
        let host = format!("host_{series:03}");
        let tags: Vec<(String, String)> = (1..TAGS)
            .map(|tag| {
                (
                    format!("tag_{tag}"),
                    format!("value_{}", series % (2 << tag)),
                )
            })
            .collect();
        let mut pairs: Vec<(&str, &str)> = vec![("hostname", &host)];
        pairs.extend(tags.iter().map(|(key, value)| (&**key, &**value)));
        let id = builder.series(&pairs);
        let text = format!("state {}", time % 17);
        let mut cells: Vec<(u32, FieldValue<'_>)> = Vec::new();
        for (field, column) in columns.iter().enumerate() {
            if field >= 5 && time % rows.sparse != 0 {
                continue;
            }
            let value = match kind(field) {
                FieldType::String => FieldValue::String(&text),
                _ => FieldValue::Float((time + series) as f64 / 7.0),
            };
            cells.push((*column, value));
        }
        builder.push_row(id, time * STEP_NS, &cells);
    }
    builder.finish()
}

/// A file whose decoded rows are in memory.
#[derive(Clone, Debug)]
struct Memory {
    times: (i64, i64),
    chunks: Vec<Arc<Segment>>,
}

struct MemoryChunks(VecDeque<Arc<Segment>>);

impl Chunks for MemoryChunks {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        Ok(self.0.pop_front())
    }
}

impl Memory {
    fn stream(&self) -> Box<dyn Chunks> {
        Box::new(MemoryChunks(self.chunks.iter().cloned().collect()))
    }
}

impl DataFile for Memory {
    fn name(&self) -> &str {
        "a file"
    }

    fn times(&self) -> (i64, i64) {
        self.times
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn open(
        &self,
        _: TimeRange,
        _: Option<&HashSet<Box<str>>>,
        _: &Room,
        _: usize,
    ) -> Result<Box<dyn Chunks>, LakeError> {
        Ok(self.stream())
    }
}

#[derive(Debug)]
struct MemoryLake(Vec<Memory>);

impl Lake for MemoryLake {
    fn measurements(&self, _: BucketId) -> Result<Vec<String>, LakeError> {
        Ok(vec!["cpu".to_owned()])
    }

    fn table(&self, _: &TableId) -> Result<Option<TableFiles>, LakeError> {
        let segments = self.0.iter().filter_map(|file| file.chunks.first());
        let columns: BTreeMap<Box<str>, FieldType> = segments
            .flat_map(|segment| segment.fields())
            .map(|field| (field.name().into(), field.field_type()))
            .collect();
        let files = self
            .0
            .iter()
            .map(|file| Arc::new(file.clone()) as Arc<dyn DataFile>);
        Ok(Some(TableFiles {
            columns: StoredColumns {
                flushed: Sequence(0),
                tags: std::iter::once("hostname".into())
                    .chain((1..TAGS).map(|tag| format!("tag_{tag}").into()))
                    .collect(),
                fields: columns.into_iter().collect(),
            },
            days: [(0, files.collect())].into(),
        }))
    }
}

struct Stored {
    sources: Sources,
    files: Vec<Memory>,
    buffered: Option<Arc<Segment>>,
}

impl Stored {
    fn new(files: Vec<Memory>, buffered: Option<Range<i64>>) -> Self {
        let buffer = Buffer::new(BufferLimits::default());
        let budget = Budget::new(Marks {
            budget_bytes: 8 << 30,
            soft_bytes: 8 << 30,
            hard_bytes: 8 << 30,
        });
        if let Some(times) = buffered.clone() {
            let points = arriving(times);
            for (number, points) in (1..).zip(points.chunks(5000)) {
                let batch = batch(DENSE, points);
                let reservation = budget.force(Buffer::apply_bytes_max(&batch));
                buffer.apply(BUCKET, Sequence(number), &batch, reservation);
            }
        }
        Self {
            sources: Sources {
                buffer,
                lake: Some(Arc::new(MemoryLake(files.clone()))),
                budget,
            },
            buffered: buffered.map(|times| segment(DENSE, times)),
            files,
        }
    }

    fn batches(&self, runtime: &tokio::runtime::Runtime, has: fn(&str) -> bool) -> usize {
        let read = || {
            let id = TableId::new(BUCKET, "cpu");
            let room = self.sources.room().expect("memory");
            let moment = tidegate::read::Moment::of(&self.sources, &id)
                .expect("read")
                .expect("a table");
            let selection = tidegate::read::Selection::new(Arc::new(moment), TimeRange::ALL);
            let selection = Arc::new(selection.with_columns(has));
            let days = selection.days().into_iter().collect();
            let table = Table::of_days(&selection, days, room.as_ref(), 1);
            let mut scan = Scan::new(Rows::new(table));
            let mut rows = 0;
            while let Some(batch) = scan.next_batch().expect("rows") {
                rows += batch.num_rows();
            }
            rows
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let handle = runtime.handle().clone();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _entered = handle.enter();
                sender.send(read()).expect("waited for");
            });
        });
        receiver.recv().expect("read")
    }

    fn merge(&self) -> Merge {
        let files = self.files.iter();
        let files =
            files.map(|file| Run::stream("a file", file.stream(), Wanted::from(TimeRange::ALL)));
        let sorted = self.buffered.iter().map(|segment| {
            let sorted = tidegate::merge::SortedSegment::new(Arc::clone(segment), TimeRange::ALL);
            Run::of_day(&Arc::new(sorted), 0)
        });
        Merge::new(files.chain(sorted)).expect("opens")
    }

    fn segments(&self) -> usize {
        let limits = SegmentLimits {
            rows_max: 32 << 10,
            bytes_max: 8 << 20,
        };
        let segments = MergedSegments::new("cpu", self.merge(), limits);
        segments.map(|segment| segment.expect("rows").rows()).sum()
    }

    fn points(&self) -> usize {
        let mut points = MergedPoints::of_all_fields();
        points.start(self.merge());
        let mut rows = 0;
        while points.advance().expect("rows") {
            rows += 1;
            std::hint::black_box(points.values().count());
        }
        rows
    }
}
