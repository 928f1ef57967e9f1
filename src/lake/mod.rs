//! The lake: points leave memory into open tables, exactly once.
//!
//! ```text
//! buffer ─ seal ─ sort, merge, encode ─ files written and synced ─ commit with txn ─ release ─ log shrinks
//!                                                                     │
//!                          compaction, retention, checkpoints, vacuum ┘ one owner per table
//! ```
//!
//! There is one Delta Lake table per bucket and measurement, partitioned by day, in the oldest
//! protocol that every engine reads: `time` in microseconds, `time_ns` exact, and tags and fields as
//! columns whose metadata holds their name in line protocol and their kind. Files are sorted by tags
//! and time, and no two rows of one file are the same point. If several files have equal points, the
//! file with the higher number in its name wins, field by field; buffered points win over all files.
//! The number is checked at the commit, so that the order of numbers is the order of commits (see
//! `state::data_file`), and compaction keeps it (see `upkeep::plan`).
//!
//! # Promises
//!
//! - A frame of the log is in the table once, or not yet: the commit carries
//!   `txn(node, sequence)`, which is compared before every attempt. If a commit's outcome is
//!   unknown, the table's log decides.
//! - Files and the table's log are on disk before memory is freed and the log shrinks.
//! - A reader sees a file or the segment that it came from, never both: [`Snapshot::flushed`] is
//!   the last frame up to which the files are complete.
//! - Several nodes may write to one table. Commits are optimistic and retried.
//!
//! # Memory
//!
//! Memory for whatever grows with the data is reserved before it is used, in pieces that fit any budget:
//!
//! | what | reserved from | if there is too much of it |
//! | --- | --- | --- |
//! | sorting and encoding a flush | free memory while there is plenty, else the memory set aside for flushing | fewer segments at once, and fewer days, to limit the number of column chunks |
//! | logging the rows of a table that cannot be flushed again | the memory set aside for flushing | one range of times after another |
//! | reading a table's log anew | the memory set aside for flushing | one log after another |
//! | states of tables between their uses | a share of the budget | the least recently used state goes |
//! | joining files | free memory, waited for | smaller row groups and files |
//! | the library's view of a table, for a checkpoint or a vacuum | free memory, waited for | retried with the next upkeep |
//!
//! # Rooms
//!
//! Top down: `open` and `flusher` run the work; `upkeep`, `removal`, `flush` and `reading`
//! do it, on the `handle` that they share; `tables`, `table` and `positions` hold what is known;
//! `state` is a table at one version; `store` and `parquet` are the bytes.
//!
//! This module does not know HTTP, line protocol, or how rows are exported.

mod deletion;
mod error;
mod flush;
mod flusher;
mod handle;
mod listed;
mod log;
mod names;
mod open;
mod options;
pub mod parquet;
mod positions;
mod ranges;
mod reading;
mod removal;
mod settle;
mod state;
mod status;
mod store;
mod table;
mod tables;
mod trust;
mod upkeep;

pub use error::{Faulty, LakeError};
pub use flusher::Flusher;
pub use handle::Lake;
pub use log::{Batch, Log, TableHold};
pub use open::LakeParts;
pub use options::Options;
pub use parquet::Column;
pub use reading::{Snapshot, StoredFile};
pub use state::columns::TableColumns;
pub use state::data_file::DataFile;
pub use status::TableStatus;
pub use upkeep::Upkeep;

#[cfg(test)]
mod tests;
