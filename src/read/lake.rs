//! What a reader needs of the lake: a seam, so that neither knows how the other works.
//!
//! A reader asks the buffer first and the lake second. What was flushed between the two is then in
//! both answers, and [`TableFiles::flushed`] says what to leave out: never both, never neither.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use thiserror::Error;

use crate::columnar::FieldType;
use crate::id::{BucketId, Sequence};
use crate::memory::Room;
use crate::merge::{Chunks, ChunksError, TimeRange};

/// The open tables of all buckets. Its methods may block.
pub trait Lake: Debug + Send + Sync {
    /// The measurements of a bucket that have a table, in any order.
    fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, LakeError>;

    /// A table as it is now, if there is one.
    fn table(&self, bucket: BucketId, measurement: &str) -> Result<Option<TableFiles>, LakeError>;
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

    /// Whether it may have a row in `range`, as far as is known without opening it.
    fn meets(&self, range: TimeRange) -> bool;

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
    /// What lies there is not as it was left.
    #[error("the lake cannot be read: {0}")]
    Unreadable(ChunksError),
}
