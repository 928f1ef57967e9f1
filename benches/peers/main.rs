//! The cost of writes beside other servers: each a process of its own on loopback, at its defaults, over an
//! empty folder, in turns.
//!
//! `cargo bench --bench peers [-- SECTION…]`, best as `tests/scripts/write_speed.sh`, which fetches Debian's
//! victoria-metrics and influxdb. Sections, all without a name:
//!
//! | section | what |
//! | --- | --- |
//! | `bulk` | bodies of 5,000 lines from `TIDEGATE_CONNECTIONS` (4): processor seconds of the server for a million lines, until a while after the last answer, and lines per second |
//! | `beside` | Tidegate alone: how long paced requests of one line take beside bodies of 50 MB, beside flush and compaction, beside exports of everything, and how long without; with probes of the machine |
//! | `one` | one client: the median answer to a body of 5,000 lines and to one of one line, beside a loop that writes the same bytes to a file and syncs |
//! | `growth` | Tidegate alone: processor seconds for a million lines, flush included, with more and more series, tables, connections and files |
//! | `small` | bodies of one line from 64 connections: requests per second, processor time of each |
//!
//! Only Tidegate and influxdb have synced what they acknowledge. The clients run on the same cores, so lines
//! per second are those of both together. `TIDEGATE_LINES` (200000) make a run, and the median of
//! `TIDEGATE_ROUNDS` (5) counts; each part of `beside` takes `TIDEGATE_SECONDS` (10). Tidegate is
//! `TIDEGATE_BIN`, or the program that cargo builds for the bench. A server that is not there
//! (`TIDEGATE_VICTORIA`, `TIDEGATE_INFLUXD`, or in the PATH) is told of and left out. Linux only.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

mod beside;
#[allow(dead_code, reason = "another bench uses the rest")]
#[path = "../write_path/client.rs"]
mod client;
mod growth;
mod load;
mod servers;
#[allow(dead_code, reason = "another bench uses the rest")]
#[path = "../write_path/stats.rs"]
mod stats;
#[allow(dead_code, reason = "other benches use the rest")]
#[path = "../support/mod.rs"]
mod support;

use servers::Kind;

fn main() {
    // The arguments that cargo adds begin with a dash.
    let sections: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| sections.is_empty() || sections.iter().any(|word| word == name);
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(Kind::is_there).collect();
    let settings = load::Settings::from_environment();
    if is_wanted("bulk") {
        load::bulk(&kinds, &settings);
    }
    if is_wanted("beside") {
        beside::beside(&settings);
    }
    if is_wanted("growth") {
        growth::growth(&settings);
    }
    if is_wanted("one") {
        load::one(&kinds, &settings);
    }
    if is_wanted("small") {
        load::small(&kinds, &settings);
    }
}
