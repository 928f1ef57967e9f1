//! The speed of the parser, beside InfluxDB 3's (crate `influxdb-line-protocol`) in the same run.
//!
//! `cargo bench --bench parse` ends with a table of the median throughputs and their ratio. Only
//! figures of one run are comparable. Both sides read every point to its last field; neither
//! stores anything.
#![allow(
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints its result and reads its own data"
)]

mod support;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use tidegate::clock::instant;
use tidegate::line_protocol::{Parser, Point, Precision};

use support::shapes::{self, Shape};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args();
    let rows: Vec<Row> = shapes::all()
        .iter()
        .filter_map(|shape| row(&mut criterion, shape))
        .collect();
    criterion.final_summary();
    print(&rows);
}

/// A line of the table, in MB/s.
struct Row {
    shape: &'static str,
    ours: f64,
    baseline: f64,
}

fn row(criterion: &mut Criterion, shape: &Shape) -> Option<Row> {
    let body = &shape.body;
    let text = std::str::from_utf8(body).ok()?;
    assert!(
        ours(body) * 10 > baseline(text) * 9,
        "{} is parsed",
        shape.name
    );
    let ours = throughput(criterion, shape, "ours", || ours(body))?;
    let baseline = throughput(criterion, shape, "influxdb-line-protocol", || {
        baseline(text)
    })?;
    Some(Row {
        shape: shape.name,
        ours,
        baseline,
    })
}

/// The median of the samples that criterion asked for; nothing if it was told to leave this out.
fn throughput(
    criterion: &mut Criterion,
    shape: &Shape,
    who: &str,
    parse: impl Fn() -> usize,
) -> Option<f64> {
    let mut samples = Vec::new();
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(shape.body.len() as u64));
    group.bench_function(BenchmarkId::new(who, shape.name), |bencher| {
        bencher.iter_custom(|rounds| {
            let start = instant();
            for _ in 0..rounds {
                black_box(parse());
            }
            let elapsed = start.elapsed();
            samples.push(elapsed.as_secs_f64() / rounds as f64);
            elapsed
        });
    });
    group.finish();
    samples.sort_by(f64::total_cmp);
    let seconds = samples.get(samples.len() / 2)?;
    Some(shape.body.len() as f64 / seconds / 1e6)
}

/// The number of good points.
fn ours(body: &[u8]) -> usize {
    let mut parser = Parser::new(body, Precision::Nanosecond);
    let mut point = Point::default();
    let mut points = 0;
    while let Some(read) = parser.next_point(&mut point) {
        points += usize::from(read.is_ok());
        black_box(&point);
    }
    points
}

fn baseline(text: &str) -> usize {
    influxdb_line_protocol::parse_lines(text)
        .filter(|line| black_box(line).is_ok())
        .count()
}

fn print(rows: &[Row]) {
    println!(
        "\n{:<22}{:>12}{:>12}{:>8}",
        "median MB/s", "ours", "baseline", "ratio"
    );
    for Row {
        shape,
        ours,
        baseline,
    } in rows
    {
        println!(
            "{shape:<22}{ours:>12.0}{baseline:>12.0}{:>8.1}",
            ours / baseline
        );
    }
}
