//! The speed at which rows of a segment become a Parquet file and come back, and their size there:
//! TSBS cpu-only (10 tags, 10 integers, 4000 hosts) and Telegraf's data from 50 hosts.
//!
//! `cargo bench --bench flush`; the median of five runs counts. The baseline is parquet's own
//! ArrowWriter with its default properties (no compression), and with zstd, on the same rows,
//! sorted: it is given columns, so its time is to be compared with `encode`. Reading is compared with
//! parquet's own reader in `decode`.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "no bodies are sent here")]
mod support;

mod decode;
mod telegraf;
mod tsbs;

use std::sync::Arc;
use std::time::Instant;

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tidegate::columnar::{BatchBuilder, FieldValue, Segment};
use tidegate::lake::parquet::{Column, How, Layout, ParquetChunks, encode_days};
use tidegate::merge::TimeRange;
use tidegate::merge::at_once::Sorted;

const RUNS: usize = 5;

/// Rows of one measurement, and the same rows as line protocol.
pub struct Table {
    name: String,
    builder: BatchBuilder,
    text_bytes: usize,
}

impl Table {
    /// No rows yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            builder: BatchBuilder::new(name),
            text_bytes: 0,
        }
    }

    /// Adds a row; tags are ordered by key.
    pub fn push(&mut self, tags: &[(&str, &str)], time_ns: i64, cells: &[(&str, FieldValue<'_>)]) {
        let mut line = self.name.clone();
        tags.iter()
            .for_each(|(key, value)| line += &format!(",{key}={value}"));
        for (index, (name, value)) in cells.iter().enumerate() {
            line += if index == 0 { " " } else { "," };
            line += &match value {
                FieldValue::Float(value) => format!("{name}={value}"),
                FieldValue::Integer(value) => format!("{name}={value}i"),
                FieldValue::Unsigned(value) => format!("{name}={value}u"),
                FieldValue::Boolean(value) => format!("{name}={value}"),
                FieldValue::String(value) => format!("{name}=\"{value}\""),
            };
        }
        self.text_bytes += line.len() + format!(" {time_ns}\n").len();
        let series = self.builder.series(tags);
        let values = cells.iter();
        let values: Vec<(u32, FieldValue<'_>)> = values
            .map(|(name, value)| (self.builder.field_column(name, value.field_type()), *value))
            .collect();
        self.builder.push_row(series, time_ns, &values);
    }
}

fn main() {
    if decode::is_reader(|| layout(&tsbs::table(1).builder.freeze())) {
        return;
    }
    speed(200_000);
    speed(1_000_000);
    println!("bytes a row, flushed after 10 minutes and after 6 hours, and as line protocol:");
    let (mut rows, mut bytes, mut text) = (0, 0, 0);
    let tables = telegraf::tables(60)
        .into_iter()
        .zip(telegraf::tables(6 * 360));
    for (short, long) in tables {
        let name = long.name.clone();
        let (_, short_bytes, _) = size(short);
        let (long_rows, long_bytes, long_text) = size(long);
        rows += long_rows;
        bytes += long_bytes.0;
        text += long_text;
        println!(
            "    {name:<12} {:>6.1} {:>6.1} {:>6.0}",
            short_bytes.1,
            long_bytes.1,
            long_text as f64 / long_rows as f64
        );
    }
    println!(
        "    {:<12} {:>6} {:>6.1} {:>6.0}",
        "together",
        "",
        bytes as f64 / rows as f64,
        text as f64 / rows as f64
    );
    let (rows, bytes, text) = size(tsbs::table(200_000));
    println!(
        "    {:<12} {:>6} {:>6.1} {:>6.0}",
        "tsbs cpu",
        "",
        bytes.1,
        text as f64 / rows as f64
    );
}

/// Rows, bytes of the files with those a row, bytes of text.
fn size(table: Table) -> (usize, (usize, f64), usize) {
    let text_bytes = table.text_bytes;
    let segment = Arc::new(table.builder.freeze());
    let layout = layout(&segment);
    let sorted = Sorted::new(&[segment]).expect("sorts");
    let files = encode_days(&sorted, &layout).expect("encodes");
    let bytes: usize = files.iter().map(|(_, file)| file.bytes.len()).sum();
    let rows = sorted.rows();
    (rows, (bytes, bytes as f64 / rows as f64), text_bytes)
}

fn speed(rows: usize) {
    let segment = Arc::new(tsbs::table(rows).builder.freeze());
    let layout = layout(&segment);
    let segments = [Arc::clone(&segment)];
    println!("tsbs cpu, {rows} rows on one core, rows/s:");
    let report = |name: &str, seconds: f64| {
        println!("    {name:<32} {:>9.0}", rows as f64 / seconds);
        seconds
    };
    report(
        "sort",
        median(|| Sorted::new(&segments).expect("sorts").rows()),
    );
    let sorted = Sorted::new(&segments).expect("sorts");
    let encode = report(
        "encode",
        median(|| encode_days(&sorted, &layout).expect("encodes").len()),
    );
    let both = median(|| {
        let sorted = Sorted::new(&segments).expect("sorts");
        encode_days(&sorted, &layout).expect("encodes").len()
    });
    report("sort and encode", both);
    let (_, file) = encode_days(&sorted, &layout).expect("encodes").remove(0);
    let file = Bytes::from(file.bytes);
    let layout = Arc::new(layout);
    report("decode", median(|| decode(&file, &layout).len()));
    decode::compare(&file);
    let batches: Vec<RecordBatch> = decode(&file, &layout)
        .iter()
        .map(|segment| segment.record_batch().expect("converts"))
        .collect();
    let zstd = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    for (name, properties) in [
        ("ArrowWriter, defaults", WriterProperties::default()),
        ("ArrowWriter, zstd", zstd.build()),
    ] {
        let seconds = report(name, median(|| baseline(&batches, &properties)));
        let bytes = baseline(&batches, &properties) as f64;
        println!(
            "        encode is {:.1} times as fast, {:.2} of its bytes",
            seconds / encode,
            file.len() as f64 / bytes
        );
    }
}

fn decode(file: &Bytes, layout: &Arc<Layout>) -> Vec<Arc<Segment>> {
    let (file, layout) = (Arc::new(file.clone()), Arc::clone(layout));
    let all = TimeRange::ALL;
    let chunks = ParquetChunks::open(file, "bench.parquet", "cpu", layout, all, 2 << 20);
    let mut chunks = chunks.expect("a file");
    std::iter::from_fn(|| chunks.next(How::Whole).expect("rows")).collect()
}

fn baseline(batches: &[RecordBatch], properties: &WriterProperties) -> usize {
    let schema = batches.first().expect("rows").schema();
    let mut writer =
        ArrowWriter::try_new(Vec::new(), schema, Some(properties.clone())).expect("a writer");
    batches
        .iter()
        .for_each(|batch| writer.write(batch).expect("writes"));
    writer.into_inner().expect("a file").len()
}

fn median(mut run: impl FnMut() -> usize) -> f64 {
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(run());
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds.get(RUNS / 2).copied().expect("runs")
}

fn layout(segment: &Segment) -> Layout {
    let column = |name: &str, kind| Column {
        storage: name.into(),
        name: name.into(),
        kind,
    };
    let columns = segment.columns();
    Layout::new(columns.map(|(name, kind)| column(name, kind)).collect())
}
