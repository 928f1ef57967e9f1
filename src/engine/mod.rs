//! The parts of a running server: the data folder, buckets and tokens, the write path with its log,
//! the tables, and their readers. All of them are opened and closed here, in the one order in which
//! each finds what it needs.
//!
//! ```text
//! data folder > catalog > buffer > tables > exporter, queries > log, replayed into the buffer > flusher
//! ```
//!
//! This module knows no HTTP: the endpoints receive an [`Engine`]. It also connects modules that
//! must not know each other: the lake sees the log of the write path (`lake`), a reader sees the
//! lake (`tables`), and the query package sees what is read (`queries`).

mod environment;
#[cfg_attr(not(feature = "lake"), path = "without_lake.rs")]
mod lake;
mod open;
mod parts;
mod progress;
#[cfg(feature = "query")]
mod queries;
mod skew;
#[cfg(feature = "lake")]
mod tables;

pub use environment::Environment;
#[cfg(not(feature = "lake"))]
pub use lake::NoTables;
pub use open::{Announce, Announcement, OpenError, ingest_options};
pub use parts::Engine;
#[cfg(feature = "query")]
pub use queries::{Queries, QueriesError, Turn};
