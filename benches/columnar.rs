//! The speed at which rows go into columns, into the log's bytes and back (replay), on TSBS
//! cpu-only: ten tags, ten integers from 0 to 100, 4000 hosts, 5000 rows per batch.
//!
//! `cargo bench --bench columnar`; it also prints what a row costs in memory and in the log.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark measures and prints"
)]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tidegate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};

const BATCHES: usize = 20;
const ROWS: usize = 5000;
const HOSTS: usize = 4000;

const FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];

const TAGS: [&str; 10] = [
    "arch",
    "datacenter",
    "hostname",
    "os",
    "rack",
    "region",
    "service",
    "service_environment",
    "service_version",
    "team",
];

/// The tag values of every host, ordered like `TAGS`.
fn hosts() -> Vec<[String; 10]> {
    let host = |host: usize| {
        [
            format!("x{}", host % 2),
            format!("eu-central-1{}", host % 3),
            format!("host_{host}"),
            format!("Ubuntu16.0{}", host % 3),
            format!("{}", host % 100),
            format!("eu-central-{}", host % 9),
            format!("{}", host % 20),
            format!("{}", host % 2),
            format!("test{}", host % 3),
            format!("LON{}", host % 4),
        ]
    };
    (0..HOSTS).map(host).collect()
}

/// Series, time and values of one row; the values do not repeat in step with the hosts.
fn row(number: usize) -> (usize, i64, [i64; 10]) {
    let mut state = number as u64;
    let values = [0; 10].map(|_: i64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963);
        i64::try_from((state >> 33) % 101).unwrap()
    });
    let tick = i64::try_from(number / HOSTS).unwrap();
    (
        number % HOSTS,
        1_700_000_000_000_000_000 + tick * 10_000_000_000,
        values,
    )
}

/// A builder that knows all series and columns, and their ids.
fn prepared(hosts: &[[String; 10]]) -> (BatchBuilder, Vec<u32>, [u32; 10]) {
    let mut builder = BatchBuilder::new("cpu");
    let columns = FIELDS.map(|name| builder.field_column(name, FieldType::Integer));
    let series = hosts
        .iter()
        .map(|host| add_series(&mut builder, host))
        .collect();
    (builder, series, columns)
}

fn add_series(builder: &mut BatchBuilder, host: &[String; 10]) -> u32 {
    let mut tags = [("", ""); 10];
    for (tag, (key, value)) in tags.iter_mut().zip(TAGS.iter().zip(host)) {
        *tag = (key, value);
    }
    builder.series(&tags)
}

fn push_rows(
    builder: &mut BatchBuilder,
    series: &[u32],
    columns: &[u32; 10],
    rows: &[(usize, i64, [i64; 10])],
) {
    for (host, time_ns, values) in rows {
        let mut cells = [(0, FieldValue::Integer(0)); 10];
        for (cell, (column, value)) in cells.iter_mut().zip(columns.iter().zip(values)) {
            *cell = (*column, FieldValue::Integer(*value));
        }
        builder.push_row(*series.get(*host).unwrap(), *time_ns, &cells);
    }
}

/// The batches that a writer would make: each knows only the series it has.
fn batches(hosts: &[[String; 10]]) -> Vec<Batch> {
    let batch = |number: usize| {
        let mut builder = BatchBuilder::new("cpu");
        let columns = FIELDS.map(|name| builder.field_column(name, FieldType::Integer));
        for number in number * ROWS..(number + 1) * ROWS {
            let row = row(number);
            let series = add_series(&mut builder, hosts.get(row.0).unwrap());
            push_rows(&mut builder, &[series], &columns, &[(0, row.1, row.2)]);
        }
        builder.finish()
    };
    (0..BATCHES).map(batch).collect()
}

fn replay(log: &[Vec<u8>]) -> BatchBuilder {
    let mut builder = BatchBuilder::new("cpu");
    for bytes in log {
        builder.append(&Batch::decode(&mut bytes.as_slice()).unwrap());
    }
    builder
}

fn build(c: &mut Criterion) {
    let hosts = hosts();
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let mut group = c.benchmark_group("build");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("push_row", |b| {
        let (builder, series, columns) = prepared(&hosts);
        b.iter_batched_ref(
            || builder.clone(),
            |builder| push_rows(builder, &series, &columns, &rows),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("push_row and finish, into a new builder", |b| {
        b.iter_with_large_drop(|| {
            let mut builder = BatchBuilder::new("cpu");
            let columns = FIELDS.map(|name| builder.field_column(name, FieldType::Integer));
            let series: Vec<u32> = hosts
                .iter()
                .map(|host| add_series(&mut builder, host))
                .collect();
            push_rows(&mut builder, &series, &columns, &rows);
            builder.finish()
        });
    });
    group.throughput(Throughput::Elements(HOSTS as u64));
    group.bench_function("series, all new", |b| {
        b.iter_with_large_drop(|| prepared(&hosts));
    });
    group.finish();
}

fn codec(c: &mut Criterion) {
    let batches = batches(&hosts());
    let log: Vec<Vec<u8>> = batches.iter().map(encoded).collect();
    let log_bytes: usize = log.iter().map(Vec::len).sum();
    let rows = (ROWS * BATCHES) as u64;
    let mut group = c.benchmark_group("log");
    group.throughput(Throughput::Elements(rows));
    group.bench_function("replay: decode and append", |b| {
        b.iter_with_large_drop(|| replay(&log));
    });
    group.bench_function("decode", |b| {
        b.iter(|| {
            log.iter()
                .map(|bytes| Batch::decode(&mut bytes.as_slice()).unwrap().rows())
                .sum::<usize>()
        });
    });
    group.bench_function("append", |b| {
        b.iter_with_large_drop(|| {
            let mut builder = BatchBuilder::new("cpu");
            batches.iter().for_each(|batch| builder.append(batch));
            builder
        });
    });
    group.throughput(Throughput::Bytes(log_bytes as u64));
    let mut out = Vec::with_capacity(log_bytes);
    group.bench_function("encode", |b| {
        b.iter(|| {
            out.clear();
            batches.iter().for_each(|batch| batch.encode(&mut out));
        });
    });
    group.finish();
    sizes(&log);
}

fn lone(c: &mut Criterion) {
    let hosts = hosts();
    let (mut builder, series, columns) = prepared(&hosts);
    push_rows(&mut builder, &series, &columns, &[row(0)]);
    let bytes = encoded(builder.batch());
    println!("one row: {} bytes of log", bytes.len());
    let mut group = c.benchmark_group("one row a batch");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decode", |b| {
        b.iter(|| Batch::decode(&mut bytes.as_slice()).unwrap());
    });
    let batch = Batch::decode(&mut bytes.as_slice()).unwrap();
    group.bench_function("append", |b| {
        let mut builder = BatchBuilder::new("cpu");
        b.iter(|| {
            builder.append(&batch);
            if builder.rows() > 100_000 {
                builder = BatchBuilder::new("cpu");
            }
        });
    });
    group.finish();
}

fn freeze(c: &mut Criterion) {
    let log: Vec<Vec<u8>> = batches(&hosts()).iter().map(encoded).collect();
    let builder = replay(&log);
    let segment = builder.clone().freeze();
    let mut group = c.benchmark_group("segment");
    group.throughput(Throughput::Elements((ROWS * BATCHES) as u64));
    group.bench_function("freeze", |b| {
        b.iter_batched(
            || builder.clone(),
            BatchBuilder::freeze,
            BatchSize::LargeInput,
        );
    });
    group.bench_function("copy for a reader", |b| {
        b.iter_with_large_drop(|| builder.batch().clone().freeze());
    });
    group.bench_function("record_batch", |b| {
        b.iter_with_large_drop(|| segment.record_batch().unwrap());
    });
    group.finish();
}

fn encoded(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    batch.encode(&mut out);
    out
}

fn sizes(log: &[Vec<u8>]) {
    let rows = (ROWS * BATCHES) as f64;
    let log_bytes: usize = log.iter().map(Vec::len).sum();
    let builder = replay(log);
    let (growing, most) = (builder.heap_bytes(), builder.heap_bytes_max());
    let frozen = builder.freeze().heap_bytes();
    println!(
        "bytes a row: log {:.1}, growing {:.1} (reserved {:.1}), frozen {:.1}",
        log_bytes as f64 / rows,
        growing as f64 / rows,
        most as f64 / rows,
        frozen as f64 / rows
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = build, codec, lone, freeze
}
criterion_main!(benches);
