//! The real program against what happens to real processes: `kill -9`, SIGTERM, a full disk,
//! a sync that fails, more load than memory.
//!
//! One promise is checked throughout, point by point and to the byte (`record`):
//! **acknowledged <= recovered <= sent**. Tests that need root or tools are ignored here and run
//! by `tests/*.sh`.
//!
//! Settings of the tests, from the environment: `TIDEGATE_CRASHES` (how often the server is
//! killed), `TIDEGATE_SEED` (to repeat a run; it is printed).

#![allow(
    clippy::needless_range_loop,
    clippy::single_range_in_vec_init,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

mod day;
mod disk_full;
mod http;
mod kill;
mod manage;
mod memory;
mod points;
mod random;
mod record;
mod server;
mod shapes;
mod stop;
mod syscalls;
mod writers;

use std::time::SystemTime;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.map_or(default, |value| {
        value.parse().unwrap_or_else(|_| panic!("{name}={value}"))
    })
}

/// The seed of this run, told so that it can be repeated.
fn seed() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let seed = setting("TIDEGATE_SEED", now.as_nanos() as u64);
    println!("to repeat: TIDEGATE_SEED={seed}");
    seed
}
