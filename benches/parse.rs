//! The speed of the parser, beside InfluxDB 3's (crate `influxdb-line-protocol`) in the same run.
//!
//! `cargo bench --no-default-features --bench parse` prints a table of the median throughputs and their
//! ratios; a word as an argument picks the shapes whose names contain it. The sides take turns, for about
//! the same time each, so that a busy machine slows all alike. Only figures of one run are comparable.
//!
//! | column | from | to |
//! | --- | --- | --- |
//! | points | bytes, checked for UTF-8 | every point, read to its last field |
//! | columns | bytes, checked for UTF-8 | columns, by the rules of a server: limits, repeated names, types, nulls |
//! | baseline | text that is known to be UTF-8 | every point, read to its last field; it stores nothing |
#![allow(
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints its result and reads its own data"
)]

#[path = "support/parsing.rs"]
mod parsing;
mod support;

use std::hint::black_box;

use tidegate::clock::instant;
use tidegate::config::{Config, Sources};
use tidegate::engine::ingest_options;
use tidegate::ingest::Options;

use parsing::{points, rows};
use support::shapes::{self, Shape};

/// The number of times that each side reads a body: odd, for the sake of the median.
const ROUNDS: usize = 41;

/// The number of times that ours reads it in a round: a turn as long as the baseline's is interrupted
/// as often by what else the machine does.
const POINTS_A_ROUND: usize = 12;
const COLUMNS_A_ROUND: usize = 6;

/// The shapes that most clients send, whose mean ratio is the aim: the first ones of the list.
const COMMON_SHAPES: usize = 4;

fn main() {
    // The arguments that cargo adds begin with a dash.
    let picked = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    println!(
        "{:<20}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "median MB/s", "points", "columns", "baseline", "points x", "columns x"
    );
    let config = Config::load(&Sources::default()).expect("the defaults are good");
    let options = ingest_options(&config);
    let mut ratios = Vec::new();
    for shape in shapes::all() {
        if picked.as_ref().is_none_or(|word| shape.name.contains(word)) {
            ratios.extend(compare(&shape, &options));
        }
    }
    if picked.is_none() {
        let mean = |ratio: fn(&(f64, f64)) -> f64| {
            let common = ratios.iter().take(COMMON_SHAPES);
            (common.map(|ratios| ratio(ratios).ln()).sum::<f64>() / COMMON_SHAPES as f64).exp()
        };
        println!(
            "geometric mean of the first {COMMON_SHAPES}:{:>24.1}{:>10.1}",
            mean(|ratios| ratios.0),
            mean(|ratios| ratios.1)
        );
    }
}

/// Prints a line of the table and returns the two ratios; nothing for a body that the baseline cannot
/// take.
fn compare(shape: &Shape, options: &Options) -> Option<(f64, f64)> {
    let body = &shape.body;
    let text = std::str::from_utf8(body).ok()?;
    let lines = points(body);
    assert!(lines * 10 > baseline(text) * 9, "{} is parsed", shape.name);
    assert!(
        rows(body, options) * 10 > lines * 9,
        "{} is stored",
        shape.name
    );
    let (mut of_points, mut of_rows, mut of_baseline) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_points.push(seconds(POINTS_A_ROUND, || points(black_box(body))));
        of_rows.push(seconds(COLUMNS_A_ROUND, || rows(black_box(body), options)));
        of_baseline.push(seconds(1, || baseline(text)));
    }
    let rate = |seconds| body.len() as f64 / 1e6 / median(seconds);
    let (points, rows, baseline) = (rate(of_points), rate(of_rows), rate(of_baseline));
    let ratios = (points / baseline, rows / baseline);
    println!(
        "{:<20}{points:>10.0}{rows:>10.0}{baseline:>10.0}{:>10.1}{:>10.1}",
        shape.name, ratios.0, ratios.1
    );
    Some(ratios)
}

/// The time that `parse` takes, from several times.
fn seconds(times: usize, parse: impl Fn() -> usize) -> f64 {
    let start = instant();
    for _ in 0..times {
        black_box(parse());
    }
    start.elapsed().as_secs_f64() / times as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn baseline(text: &str) -> usize {
    influxdb_line_protocol::parse_lines(text)
        .filter(|line| black_box(line).is_ok())
        .count()
}
