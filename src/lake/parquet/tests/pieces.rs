//! Files read in pieces that fit the memory there is.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::columnar::{BatchBuilder, ColumnKind, FieldType, FieldValue, Segment};
use crate::lake::parquet::{
    BoxError, Column, DecodeError, How, Layout, ParquetChunks, ReadRange, encode_days,
};
use crate::merge::TimeRange;
use crate::merge::at_once::Sorted;

use super::support::{Row, rows_of};

const WAYS: [How; 3] = [How::Whole, How::Blocks, How::Narrow];

/// A file of the rows that `fill` adds, with tags `host` and `rack`, a float `f` and a text `s`.
fn file(fill: impl FnOnce(&mut BatchBuilder)) -> (Bytes, Arc<Layout>) {
    let mut builder = BatchBuilder::new("m");
    fill(&mut builder);
    let segment = Arc::new(builder.freeze());
    let column = |name: &str, kind| Column {
        storage: name.into(),
        name: name.into(),
        kind,
    };
    let layout = Layout::new(vec![
        column("rack", ColumnKind::Tag),
        column("host", ColumnKind::Tag),
        column("f", ColumnKind::Field(FieldType::Float)),
        column("s", ColumnKind::Field(FieldType::String)),
    ]);
    let sorted = Sorted::new(std::slice::from_ref(&segment)).unwrap();
    let (_, encoded) = encode_days(&sorted, &layout).unwrap().remove(0);
    (Bytes::from(encoded.bytes), Arc::new(layout))
}

fn open(file: Arc<dyn ReadRange>, layout: &Arc<Layout>, chunk_bytes: u64) -> ParquetChunks {
    let all = TimeRange::ALL;
    ParquetChunks::open(file, "x.parquet", "m", Arc::clone(layout), all, chunk_bytes).unwrap()
}

fn push(builder: &mut BatchBuilder, host: &str, time_ns: i64, float: Option<f64>, text: &str) {
    let series = builder.series(&[("host", host)]);
    let f = builder.field_column("f", FieldType::Float);
    let s = builder.field_column("s", FieldType::String);
    let mut cells = vec![(s, FieldValue::String(text))];
    cells.extend(float.map(|float| (f, FieldValue::Float(float))));
    builder.push_row(series, time_ns, &cells);
}

fn mixed(builder: &mut BatchBuilder) {
    for row in 0..40_000_i64 {
        let float = (row % 3 != 0).then_some(f64::from(u32::try_from(row).unwrap()).sqrt());
        let text = "x".repeat(usize::try_from(row % 50).unwrap());
        push(builder, &format!("h{:03}", row % 101), row, float, &text);
    }
}

#[test]
fn every_way_gives_the_same_rows_and_may_change_from_chunk_to_chunk() {
    let (bytes, layout) = file(mixed);
    let read = |ways: &[How], chunk_bytes: u64| -> Vec<Row> {
        let mut chunks = open(Arc::new(bytes.clone()), &layout, chunk_bytes);
        let mut rows = Vec::new();
        let mut turn = ways.iter().cycle();
        while let Some(segment) = chunks.next(*turn.next().unwrap()).unwrap() {
            rows.extend(rows_of(&segment));
        }
        rows
    };
    let expected = read(&[How::Whole], 1 << 20);
    assert_eq!(expected.len(), 40_000);
    for ways in [
        &[How::Blocks][..],
        &[How::Narrow],
        &[How::Narrow, How::Whole],
        &WAYS,
    ] {
        for chunk_bytes in [20_000, 1 << 20] {
            assert!(
                read(ways, chunk_bytes) == expected,
                "{ways:?} {chunk_bytes}"
            );
        }
    }
}

/// The most that a chunk has on the heap, and the rows of all.
fn most(bytes: &Bytes, layout: &Arc<Layout>, how: How, chunk_bytes: u64) -> (u64, usize) {
    let mut chunks = open(Arc::new(bytes.clone()), layout, chunk_bytes);
    let next = || chunks.next(how).unwrap();
    let sizes =
        std::iter::from_fn(next).map(|chunk: Arc<Segment>| (chunk.heap_bytes(), chunk.rows()));
    sizes.fold((0, 0), |(most, rows), (bytes, more)| {
        (bytes.max(most), rows + more)
    })
}

#[test]
fn long_texts_that_are_repeated_make_chunks_of_fewer_rows() {
    let text = "abc".repeat(30_000);
    let (bytes, layout) = file(|builder| {
        for row in 0..1000 {
            push(builder, "h", row, None, &text);
        }
    });
    assert!(bytes.len() < 100_000, "the file has the text once");
    for how in WAYS {
        let (most, rows) = most(&bytes, &layout, how, 1 << 20);
        assert_eq!(rows, 1000);
        assert!(most < (1 << 20) + (64 << 10), "{how:?}: {most}");
    }
}

#[test]
fn long_tags_make_chunks_of_fewer_rows() {
    let (bytes, layout) = file(|builder| {
        for row in 0..300 {
            push(
                builder,
                &format!("{row:03}{}", "x".repeat(60_000)),
                row,
                Some(1.0),
                "",
            );
        }
    });
    for how in WAYS {
        let (most, rows) = most(&bytes, &layout, how, 1 << 20);
        assert_eq!(rows, 300);
        assert!(most < 5 << 19, "{how:?}: {most}");
    }
}

/// Counts reads, and fails from one of them on.
struct Watched {
    bytes: Bytes,
    reads: Mutex<Vec<Range<u64>>>,
    reads_max: usize,
}

impl Watched {
    fn new(bytes: &Bytes, reads_max: usize) -> Arc<Self> {
        Arc::new(Self {
            bytes: bytes.clone(),
            reads: Mutex::default(),
            reads_max,
        })
    }
}

impl ReadRange for Watched {
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError> {
        let mut reads = self.reads.lock().unwrap();
        if reads.len() >= self.reads_max {
            return Err("the store is away".into());
        }
        reads.push(range.clone());
        self.bytes.read(range)
    }

    fn len(&self) -> u64 {
        ReadRange::len(&self.bytes)
    }
}

#[test]
fn an_error_of_the_store_is_told_as_one_however_deep_it_happens() {
    let (bytes, layout) = file(mixed);
    for how in WAYS {
        let counted = Watched::new(&bytes, usize::MAX);
        let mut chunks = open(Arc::clone(&counted) as _, &layout, 1 << 20);
        while chunks.next(how).unwrap().is_some() {}
        let count = counted.reads.lock().unwrap().len();
        for reads_max in 1..count {
            let mut chunks = open(Watched::new(&bytes, reads_max), &layout, 1 << 20);
            let error = loop {
                match chunks.next(how) {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{how:?} needs {count} reads"),
                    Err(error) => break error,
                }
            };
            assert!(
                matches!(error, DecodeError::Read { .. }),
                "{how:?}: {error}"
            );
        }
    }
}

#[test]
fn a_file_tells_tags_that_none_of_its_rows_comes_before() {
    let bound = |hosts: &[Option<&str>], times: TimeRange| {
        let (bytes, layout) = file(|builder| {
            for (row, host) in (0..).zip(hosts) {
                let tags: Vec<_> = host.iter().map(|host| ("host", *host)).collect();
                let tags: Vec<_> = tags.into_iter().chain([("rack", "7")]).collect();
                let series = builder.series(&tags);
                let f = builder.field_column("f", FieldType::Float);
                builder.push_row(series, row, &[(f, FieldValue::Float(1.0))]);
            }
        });
        let file = Arc::new(bytes);
        let chunks = ParquetChunks::open(file, "x", "m", layout, times, 1 << 20).unwrap();
        let bound = chunks.lower_bound()?;
        let texts = bound.iter().map(|(key, value)| format!("{key}={value}"));
        Some(texts.collect::<Vec<_>>().join(","))
    };
    let all = TimeRange::ALL;
    assert_eq!(
        bound(&[Some("b"), Some("c")], all).as_deref(),
        Some("host=b,rack=7")
    );
    assert_eq!(bound(&[Some("b"), None], all).as_deref(), Some("rack=7"));
    let long = "x".repeat(100);
    let cut = format!("host={},rack=7", "x".repeat(32));
    assert_eq!(bound(&[Some(&long)], all), Some(cut));
    let later = TimeRange {
        start_ns: 5,
        end_ns: None,
    };
    assert_eq!(
        bound(&[Some("b")], later),
        None,
        "no row group is to be read"
    );
}
