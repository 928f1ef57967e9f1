//! The cost of a write from the socket to the acknowledgement, through a real server.
//!
//! `cargo bench --bench write_path [-- FOLDER] [SECTION…]`; the folder must be on the disk that
//! matters. Sections: `ack`, `log`, `ingest`, `replay`, `idle`; all of them without a name.
//!
//! The server runs in this process, on loopback, with authentication and the default limits; the
//! clients are raw sockets that stay open. Disks and neighbours change their speed from minute to
//! minute: what is compared is measured in turns of some milliseconds, and medians count. CPU time
//! is read from the scheduler thread by thread, so that the clients' share can be told apart.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

mod ack;
mod bodies;
mod client;
mod cpu;
mod idle;
mod ingest;
mod log;
mod replay;
mod server;
mod stats;
#[path = "../support/mod.rs"]
#[allow(
    dead_code,
    reason = "other benches use the shapes that this one does not"
)]
mod support;

use std::path::{Path, PathBuf};

type Section = (&'static str, fn(&Path));

const SECTIONS: [Section; 5] = [
    ("ack", ack::run),
    ("log", log::run),
    ("ingest", ingest::run),
    ("replay", replay::run),
    ("idle", idle::run),
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let is_section = |argument: &String| SECTIONS.iter().any(|(name, _)| name == argument);
    let (wanted, folders): (Vec<String>, Vec<String>) = arguments.into_iter().partition(is_section);
    let parent = folders
        .first()
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let folder = tempfile::tempdir_in(&parent).expect("a scratch folder");
            run(folder.path());
        }
    }
}
