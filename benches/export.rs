//! The speed at which stored rows are exported: tables of few columns that every row has, and of
//! 900 columns of which each row has one, in each format.
//!
//! `cargo bench --bench export`; the median of three runs counts.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

use std::time::Instant;

use futures_core::Stream;
use tidegate::buffer::{Buffer, BufferLimits};
use tidegate::catalog::Bucket;
use tidegate::clock::Clock;
use tidegate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use tidegate::export::{ExportQuery, Exporter, Format, Options};
use tidegate::id::{BucketId, Sequence};
use tidegate::memory::{Budget, Marks};
use tidegate::read::Sources;

const BATCHES: u64 = 40;
const ROWS: u64 = 5000;
const RUNS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    println!("export of {} rows, median of {RUNS}:", BATCHES * ROWS);
    for (name, fill) in [
        ("10 tags, 10 fields", dense as fn(u64) -> Batch),
        ("1 of 900 fields", sparse),
    ] {
        let (bucket, exporter) = stored(fill);
        for format in [Format::Lp, Format::Csv, Format::Arrow] {
            let mut runs: Vec<(f64, usize)> = (0..RUNS)
                .map(|_| runtime.block_on(export(&exporter, &bucket, format)))
                .collect();
            runs.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (seconds, bytes) = runs.get(RUNS / 2).copied().expect("runs");
            println!(
                "    {name:<20} {:<6} {:>9.0} rows/s {:>6.0} MB/s",
                format.name(),
                (BATCHES * ROWS) as f64 / seconds,
                bytes as f64 / 1e6 / seconds,
            );
        }
    }
}

fn stored(fill: fn(u64) -> Batch) -> (Bucket, Exporter) {
    let buffer = Buffer::new(BufferLimits::default());
    let budget = Budget::new(Marks {
        budget_bytes: 4 << 30,
        soft_bytes: 4 << 30,
        hard_bytes: 4 << 30,
    });
    let bucket = Bucket {
        id: BucketId(1),
        name: "b".to_owned(),
        retention_ns: None,
        created_ns: 0,
    };
    for number in 0..BATCHES {
        let batch = fill(number * ROWS);
        let reservation = budget.force(Buffer::apply_bytes_max(&batch));
        buffer.apply(bucket.id, Sequence(number + 1), &batch, reservation);
    }
    let options = Options {
        concurrent_max: 1,
        rate_bytes_min: 1,
        line_bytes_max: 4 << 20,
    };
    let sources = Sources {
        buffer,
        lake: None,
        budget,
    };
    (bucket, Exporter::new(sources, Clock::system(), options))
}

/// Seconds and bytes.
async fn export(exporter: &Exporter, bucket: &Bucket, format: Format) -> (f64, usize) {
    let query = ExportQuery {
        measurement: Some("m".to_owned()),
        start_ns: None,
        end_ns: None,
        format,
    };
    // The place of the export before may not be free yet.
    while exporter.exports_running() > 0 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    let mut pieces = std::pin::pin!(exporter.export(bucket, query).await.expect("starts"));
    let mut bytes = 0;
    while let Some(piece) = std::future::poll_fn(|cx| pieces.as_mut().poll_next(cx)).await {
        bytes += piece.expect("whole").len();
    }
    (started.elapsed().as_secs_f64(), bytes)
}

/// Rows like those of the Time Series Benchmark Suite's hosts, in the order of time.
fn dense(first: u64) -> Batch {
    let mut builder = BatchBuilder::new("m");
    let columns: Vec<u32> = (0..10)
        .map(|field| builder.field_column(&format!("usage_{field}"), FieldType::Integer))
        .collect();
    for row in first..first + ROWS {
        let host = format!("host_{}", row % 4000);
        let tags: Vec<(String, &str)> = (0..10).map(|tag| (format!("tag_{tag}"), &*host)).collect();
        let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (&**key, *value)).collect();
        let series = builder.series(&tags);
        let cells: Vec<(u32, FieldValue<'_>)> = columns
            .iter()
            .zip(row.cast_signed()..)
            .map(|(column, value)| (*column, FieldValue::Integer(value % 100)))
            .collect();
        builder.push_row(series, row.cast_signed(), &cells);
    }
    builder.finish()
}

/// 900 columns, of which a row has one.
fn sparse(first: u64) -> Batch {
    let mut builder = BatchBuilder::new("m");
    for row in first..first + ROWS {
        let client = format!("{}", row % 16);
        let series = builder.series(&[("client", &client)]);
        let field = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let column = builder.field_column(&format!("f{}", field % 900), FieldType::Integer);
        let cells = [(column, FieldValue::Integer(row.cast_signed()))];
        builder.push_row(series, row.cast_signed(), &cells);
    }
    builder.finish()
}
