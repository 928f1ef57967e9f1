//! What `tests/scripts/instructions.sh` counts the instructions of: a body of a shape, parsed to points or
//! to columns as many times as it is told. Two runs that differ in the times differ by just that.
//!
//! `cargo bench --no-default-features --bench instructions` alone does each once and prints what it got.
#![allow(
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints its result and reads its own data"
)]

#[path = "../support/parsing.rs"]
mod parsing;
#[allow(
    dead_code,
    reason = "other benches read a file, too, which is not there everywhere"
)]
#[path = "../support/mod.rs"]
mod support;

use std::hint::black_box;

use tidegate::config::{Config, Sources};
use tidegate::engine::ingest_options;
use tidegate::ingest::Options;

use parsing::{points, rows};
use support::shapes;

/// The parts that are counted: an argument of the bench, a column of the file.
const PARTS: [&str; 2] = ["points", "columns"];

fn main() {
    let config = Config::load(&Sources::default()).expect("the defaults are good");
    let options = ingest_options(&config);
    // The arguments that cargo adds begin with a dash.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let (picked, times) = match words.as_slice() {
        [] => (None, 1),
        [shape, part, times] => {
            let times = times.parse().expect("a number of times");
            (Some((shape.as_str(), part.as_str())), times)
        }
        _ => panic!("SHAPE PART TIMES, or nothing"),
    };
    let mut is_done = false;
    for shape in shapes::generated() {
        for part in PARTS {
            if picked.is_none_or(|picked| picked == (shape.name, part)) {
                is_done = true;
                for _ in 0..times {
                    let rows = count(part, &shape.body, &options);
                    println!("{}, {part}: {rows} rows", shape.name);
                }
            }
        }
    }
    assert!(
        is_done,
        "the shape and the part are among those of shapes::generated and PARTS"
    );
}

fn count(part: &str, body: &[u8], options: &Options) -> usize {
    match part {
        "points" => points(black_box(body)),
        "columns" => rows(black_box(body), options),
        _ => panic!("a part is one of {PARTS:?}"),
    }
}
