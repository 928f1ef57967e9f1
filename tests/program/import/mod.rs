//! `tidegate import` and `tidegate export` as a shell sees them, against the real server: bad
//! lines, a server that is killed, Ctrl-C, compressed input, a busy server.
//!
//! `TIDEGATE_IMPORT_LINES=1000000 cargo test --release --test program -- --nocapture import::` is
//! the proof at size.

mod bucket;
mod export;
mod input;
mod interruption;
mod kill;
mod rejected;
mod retries;
mod scripted;
pub mod server;

/// The number of lines for a test: `usually`, and more by hand, see above.
fn lines_or(usually: usize) -> usize {
    let given = std::env::var("TIDEGATE_IMPORT_LINES").ok();
    given.map_or(usually, |lines| lines.parse().expect("a number"))
}

/// Line `number` of the inputs here as the export writes it, with a line feed.
fn line(number: usize) -> String {
    let time = 1_700_000_000_000_000_000 + number;
    format!("m,t={} f={number}.5,g={number}i {time}\n", number % 50)
}

/// The lines, sorted: written and exported lines may be in different orders.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
