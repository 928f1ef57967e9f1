//! The speed of the parser, beside InfluxDB 3's (crate `influxdb-line-protocol`) in the same run.
//!
//! `cargo bench --no-default-features --bench parse` prints a table of the median throughputs and their
//! ratio; a word as an argument picks the shapes whose names contain it. The two take turns, for about
//! the same time each, so that a busy machine slows both alike. Only figures of one run are comparable.
//! Both sides read every point to its last field; neither stores anything.
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

use tidegate::clock::instant;
use tidegate::line_protocol::{Parser, Point, Precision};

use support::shapes::{self, Shape};

/// The number of times that each side reads a body: odd, for the sake of the median.
const ROUNDS: usize = 41;

/// The number of times that ours reads it in a round: a turn as long as the baseline's is interrupted
/// as often by what else the machine does.
const TIMES_A_ROUND: usize = 12;

/// The shapes that most clients send, whose mean ratio is the aim: the first ones of the list.
const COMMON_SHAPES: usize = 4;

fn main() {
    // The arguments that cargo adds begin with a dash.
    let picked = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    println!(
        "{:<22}{:>12}{:>12}{:>8}",
        "median MB/s", "ours", "baseline", "ratio"
    );
    let mut ratios = Vec::new();
    for shape in shapes::all() {
        if picked.as_ref().is_none_or(|word| shape.name.contains(word)) {
            ratios.extend(compare(&shape));
        }
    }
    if picked.is_none() {
        let common = ratios.iter().take(COMMON_SHAPES);
        let mean = common.map(|ratio: &f64| ratio.ln()).sum::<f64>() / COMMON_SHAPES as f64;
        println!(
            "geometric mean of the first {COMMON_SHAPES}: {:.1}",
            mean.exp()
        );
    }
}

/// Prints a line of the table and returns the ratio; nothing for a body that the baseline cannot
/// take.
fn compare(shape: &Shape) -> Option<f64> {
    let body = &shape.body;
    let text = std::str::from_utf8(body).ok()?;
    assert!(
        ours(body) * 10 > baseline(text) * 9,
        "{} is parsed",
        shape.name
    );
    let (mut our_seconds, mut baseline_seconds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let times = || (0..TIMES_A_ROUND).map(|_| ours(black_box(body))).sum();
        our_seconds.push(seconds(times) / TIMES_A_ROUND as f64);
        baseline_seconds.push(seconds(|| baseline(text)));
    }
    let megabytes = body.len() as f64 / 1e6;
    let ours = megabytes / median(our_seconds);
    let baseline = megabytes / median(baseline_seconds);
    let ratio = ours / baseline;
    println!("{:<22}{ours:>12.0}{baseline:>12.0}{ratio:>8.1}", shape.name);
    Some(ratio)
}

fn seconds(parse: impl FnOnce() -> usize) -> f64 {
    let start = instant();
    black_box(parse());
    start.elapsed().as_secs_f64()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
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
