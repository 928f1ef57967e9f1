//! The lake: points leave memory into open tables, exactly once.
//!
//! ```text
//! buffer ─ seal ─ sort, merge, encode ─ files written and synced ─ commit with txn ─ release ─ log shrinks
//!                                                                     │
//!                          compaction, retention, checkpoints, vacuum ┘ one owner a table
//! ```
//!
//! One Delta Lake table a bucket and measurement, partitioned by day, in the oldest protocol that
//! every engine reads: `time` in microseconds, `time_ns` exact, tags and fields as columns whose
//! metadata says their name in line protocol and their kind. Files are sorted by tags and time;
//! no two rows of one file are the same point. Of equal points in several files the one with the
//! higher number in its name wins, field by field, and what is still buffered wins over all. The
//! number is checked at the commit, so that the order of numbers is the order of commits (see
//! `state::data_file`), and compaction keeps it (see `upkeep::plan`).
//!
//! # Promises
//!
//! - A frame of the log is in the table once, or not yet: the commit carries
//!   `txn(node, sequence)`, which is compared before every attempt. What happened to a commit that
//!   was not answered, the table tells.
//! - Files and the table's log are on disk before memory is freed and the log shrinks.
//! - A reader sees a file or the segment that it came from: [`Snapshot::flushed`] says up to
//!   which frame the files have everything.
//! - Several nodes may write to one table. Each commit is optimistic and tried anew.
//!
//! # Memory
//!
//! Whatever grows with data is paid for before it is made, in pieces that fit whatever the budget is:
//!
//! | what | paid from | if there is too much of it |
//! | --- | --- | --- |
//! | sorting and encoding a flush | free memory while there is plenty, else what is set aside for flushing | fewer segments at once, and no more days than there may be column chunks |
//! | logging rows again of a table that cannot be flushed | what is set aside for flushing | a range of times after the other |
//! | reading a table's log anew | what is set aside for flushing | one after the other |
//! | states of tables between their uses | a share that is counted | who was not used for the longest time goes |
//! | joining files | free memory, waited for | smaller row groups and files |
//! | the library's view of a table, for a checkpoint or a vacuum | free memory, waited for | with the next upkeep |
//!
//! This module does not know HTTP, lines, or how rows are read out.

mod deletion;
mod error;
mod flush;
mod flusher;
mod handle;
mod log;
mod names;
mod open;
mod options;
pub mod parquet;
mod positions;
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
