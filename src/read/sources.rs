//! Where rows come from: the buffer, and the lake, of which a reader knows this seam only.
//!
//! A reader asks the buffer first and the lake second. What was flushed between the two is then in
//! both answers, and [`TableFiles::flushed`] says what to leave out: never both, never neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Handle;

use super::ReadError;
use crate::buffer::Buffer;
use crate::columnar::FieldType;
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Room};
use crate::merge::{Chunks, ChunksError, TimeRange};

/// How long a reader waits for memory before it is refused: as long as a write, by default.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

/// Where points may lie.
#[derive(Clone, Debug)]
pub struct Sources {
    /// What is in memory.
    pub buffer: Buffer,
    /// The tables, if there are any.
    pub lake: Option<Arc<dyn Lake>>,
    /// What reading takes is taken from here.
    pub budget: Budget,
}

impl Sources {
    /// Where files are read; nothing without a lake. Blocks for a while if memory is short; must be
    /// called within a runtime.
    pub fn room(&self) -> Result<Option<Room>, ReadError> {
        if self.lake.is_none() {
            return Ok(None);
        }
        let room = Room::enter(&self.budget, ROOM_PATIENCE);
        Ok(Some(Handle::current().block_on(room)?))
    }

    /// The measurements of a bucket, bytewise.
    pub fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, ReadError> {
        let mut all: BTreeSet<String> = self.buffer.measurements(bucket).into_iter().collect();
        if let Some(lake) = &self.lake {
            all.extend(lake.measurements(bucket)?);
        }
        Ok(all.into_iter().collect())
    }
}

/// The open tables of all buckets. Its methods may block.
pub trait Lake: Debug + Send + Sync {
    /// The measurements of a bucket that have a table, in any order.
    fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, LakeError>;

    /// A table as it is now, if there is one.
    fn table(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError>;
}

/// The files of a table at one of its versions.
#[derive(Debug)]
pub struct TableFiles {
    /// Rows of this node's log up to here are in the files, so the buffer's do not count.
    pub flushed: Sequence,
    /// The keys of the tag columns, in any order.
    pub tags: Vec<Box<str>>,
    /// The fields. Several nodes may have given one name several types: the first one that stands
    /// here is what a reader sees (unless the buffer has another), so those of this node come
    /// first.
    pub fields: Vec<(Box<str>, FieldType)>,
    /// The files of each day (days since 1970-01-01, UTC) in the order of writing: of equal points
    /// the later file's values count.
    pub days: BTreeMap<i32, Vec<Arc<dyn DataFile>>>,
}

/// A file of a table.
pub trait DataFile: Debug + Send + Sync {
    /// Its path, for messages.
    fn name(&self) -> &str;

    /// No row of it is older or newer than these, nanoseconds since the epoch, as far as is known
    /// without opening it.
    fn times(&self) -> (i64, i64);

    /// Its rows, if that is known without opening it.
    fn rows(&self) -> Option<u64>;

    /// Whether it may have a row in `range`, as far as is known without opening it.
    fn meets(&self, range: TimeRange) -> bool {
        let (min_ns, max_ns) = self.times();
        range.meets(min_ns, max_ns)
    }

    /// Makes it ready to be read, in a room where so many files may be open at once. Rows outside
    /// `range` need not come. May block. An error that is a [`LakeError`] inside the stream's is
    /// told as that.
    fn open(
        &self,
        range: TimeRange,
        room: &Room,
        files: usize,
    ) -> Result<Box<dyn Chunks>, LakeError>;
}

/// Why the lake could not be read.
#[derive(Debug, Error)]
pub enum LakeError {
    /// Its store does not answer, or not in time: later it may.
    #[error("the lake cannot be reached: {0}")]
    Unreachable(ChunksError),
    /// A table, or a file of it, is damaged or lost: what it means and what to do, by the names that
    /// whoever reads the table may know.
    #[error("{0}")]
    Damaged(ChunksError),
    /// What lies there is not as it was left.
    #[error("the lake cannot be read: {0}")]
    Unreadable(ChunksError),
}
