//! The program as a shell sees it: its commands, their help and their errors, against real servers and
//! the folders of stopped ones. One executable, because each links everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    missing_docs,
    reason = "tests stop at the first surprise, and play the part of users"
)]

mod cli;
mod first_errors;
mod folder;
mod help;
mod import;
#[cfg(feature = "query")]
mod query;
mod support;
mod wal_tools;
