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
//! `state`), and compaction keeps it (see `plan`).
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

mod actions;
mod again;
mod checked;
mod columns;
mod compact;
mod deletion;
mod error;
mod failing;
mod faulty;
mod flush;
mod flusher;
mod idle;
mod journal;
mod kept;
mod leaving;
mod loading;
mod log;
mod names;
mod open;
mod packed;
pub mod parquet;
mod plan;
mod position;
mod positions;
mod reading;
mod relieve;
mod removal;
mod scratch;
mod settle;
mod state;
mod status;
mod store;
mod table;
mod tables;
mod time;
mod told;
mod upkeep;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::buffer::Buffer;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::id::{Sequence, TableId};
use crate::memory::Budget;
use crate::storage::Storage;
use crate::telemetry::Metrics;

pub use columns::Columns;
pub use error::LakeError;
pub use faulty::Faulty;
pub use flusher::Flusher;
pub use log::{Batch, Held, Log};
pub use parquet::Column;
pub use reading::{Snapshot, StoredFile};
pub use state::DataFile;
pub use status::TableStatus;
pub use upkeep::Upkeep;

use compact::JoinLimits;
use positions::Positions;
use tables::Tables;

/// How the lake works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the tables lie; in the data folder if absent.
    pub url: Option<url::Url>,
    /// Whether other nodes write to the same tables.
    pub shared: bool,
    /// A table that holds so many bytes is flushed.
    pub flush_bytes: u64,
    /// A table whose oldest row is older than this is flushed.
    pub flush_age: Duration,
    /// Tables that are flushed at the same time.
    pub flushes_max: usize,
    /// From so many bytes of log on, the tables that hold it up are flushed.
    pub log_bytes: u64,
    /// Small files of a day that are joined.
    pub compact_files_min: usize,
    /// Size of a file that a compaction writes.
    pub file_bytes_max: u64,
    /// Age at which files that belong to no table are deleted.
    pub vacuum_age: Duration,
    /// Commits after which a table's log gets a checkpoint.
    pub checkpoint_every: u64,
    /// How often tables are looked after; never if zero.
    pub upkeep_every: Duration,
}

impl Options {
    /// Reads the URL of a store.
    pub fn parse_url(text: &str) -> Result<url::Url, LakeError> {
        url::Url::parse(text).map_err(|error| LakeError::Url {
            url: text.to_owned(),
            reason: format!(
                "{error}; expected something like s3://bucket/prefix, gs://bucket/prefix, \
                 az://container/prefix or file:///folder"
            ),
        })
    }
}

/// What the lake is made of.
#[derive(Debug)]
pub struct Opened {
    /// The data folder.
    pub storage: Arc<dyn Storage>,
    /// Which buckets there are.
    pub catalog: Catalog,
    /// Where points come from.
    pub buffer: Buffer,
    /// Memory for all of it.
    pub budget: Budget,
    /// The wall clock.
    pub clock: Clock,
    /// Where numbers go.
    pub metrics: Metrics,
    /// How it works.
    pub options: Options,
}

/// The open tables of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Lake {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    node_id: u64,
    /// This node in the tables' transactions.
    app: String,
    tables: Tables,
    positions: Positions,
    /// How far the wall clock is believed.
    trust: time::Trust,
    catalog: Catalog,
    buffer: Buffer,
    budget: Budget,
    clock: Clock,
    metrics: Metrics,
    options: Options,
    joins: JoinLimits,
    /// When files that belong to no table were last looked for.
    vacuumed: Mutex<Instant>,
}

impl Lake {
    /// Up to which frame everything of a table is in the lake: a replay leaves it out.
    pub fn flushed(&self, table: &TableId) -> Sequence {
        self.shared.positions.of(table).flushed
    }

    /// The last frame that any table has or may have.
    pub fn last(&self) -> Sequence {
        self.shared.positions.last()
    }

    fn app(&self) -> &str {
        &self.shared.app
    }

    fn now_ms(&self) -> i64 {
        self.shared.clock.now_ns() / 1_000_000
    }
}

#[cfg(test)]
mod tests;
