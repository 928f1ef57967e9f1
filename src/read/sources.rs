//! The sources of rows: the buffer and the lake, of which a reader knows only this trait.
//!
//! A reader asks the buffer first and the lake second. Rows that were flushed in between are then
//! in both answers, and [`TableFiles::flushed`] says which of the buffer's to leave out: every row
//! is read once.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::error::{LakeError, ReadError};
use crate::buffer::{Buffer, SealedSegment, TableSnapshot};
use crate::columnar::{ColumnKind, FieldType};
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Room};
use crate::merge::{Chunks, TimeRange};

/// The time that a reader waits for memory before it is refused: the default of a write.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);

/// The places where points may be.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The points in memory.
    pub buffer: Buffer,
    /// The tables, if there are any.
    pub lake: Option<Arc<dyn Lake>>,
    /// The budget from which the memory of reading is taken.
    pub budget: Budget,
}

impl Sources {
    /// The memory in which files are read; `None` without a lake. Blocks for a while if memory is
    /// short; must be called within a runtime.
    pub fn room(&self) -> Result<Option<Room>, ReadError> {
        if self.lake.is_none() {
            return Ok(None);
        }
        let room = Room::enter(&self.budget, ROOM_PATIENCE);
        Ok(Some(Handle::current().block_on(room)?))
    }

    /// The measurements of a bucket, ordered bytewise.
    pub fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, ReadError> {
        let mut all: BTreeSet<String> = self.buffer.measurements(bucket).into_iter().collect();
        if let Some(lake) = &self.lake {
            all.extend(lake.measurements(bucket)?);
        }
        Ok(all.into_iter().collect())
    }

    /// The columns of a table in both places: of the segments with rows that are not in files, and of the
    /// files. None if there is no such table.
    pub(super) fn columns(&self, table: &TableId) -> Result<Option<Columns>, ReadError> {
        // In this order: see the module's documentation.
        let snapshot = self.buffer.snapshot(table, &self.budget)?;
        let stored = match &self.lake {
            Some(lake) => lake.columns(table)?,
            None => None,
        };
        let is_there = snapshot.is_some() || stored.is_some();
        Ok(is_there.then(|| (buffered(snapshot.as_ref(), stored.as_ref()), stored)))
    }

    /// The rows of a table in both places: those in memory, and the files.
    pub(super) fn look(&self, table: &TableId) -> Result<Places, ReadError> {
        // In this order: see the module's documentation.
        let snapshot = self.buffer.snapshot(table, &self.budget)?;
        let files = match &self.lake {
            Some(lake) => lake.table(table)?,
            None => None,
        };
        Ok(Places { snapshot, files })
    }

    /// As [`Sources::look`], but does not block: `None` if it would have to. To be called within a runtime.
    pub(super) fn look_at_once(&self, table: &TableId) -> Option<Result<Places, ReadError>> {
        let lake = self.lake.as_deref();
        if lake.is_some_and(|lake| !lake.is_near()) {
            return None;
        }
        let snapshot = match self.buffer.snapshot(table, &self.budget) {
            Ok(snapshot) => snapshot,
            Err(refused) => return Some(Err(refused.into())),
        };
        let files = match lake.map(|lake| lake.table_at_once(table)) {
            Some(Some(Ok(files))) => files,
            Some(Some(Err(error))) => return Some(Err(error.into())),
            Some(None) => return None,
            None => None,
        };
        Some(Ok(Places { snapshot, files }))
    }
}

/// The columns of the segments with rows that are not in files, and those of the files.
pub(super) type Columns = (Vec<SealedSegment>, Option<StoredColumns>);

/// A table in the places where its rows may be.
pub(super) struct Places {
    pub(super) snapshot: Option<TableSnapshot>,
    pub(super) files: Option<TableFiles>,
}

impl Places {
    /// Returns true if there is no such table.
    pub(super) fn are_empty(&self) -> bool {
        self.snapshot.is_none() && self.files.is_none()
    }

    /// The segments with rows that are not in files.
    pub(super) fn buffered(&self) -> Vec<SealedSegment> {
        let files = self.files.as_ref();
        buffered(self.snapshot.as_ref(), files.map(|files| &files.columns))
    }
}

fn buffered(
    snapshot: Option<&TableSnapshot>,
    stored: Option<&StoredColumns>,
) -> Vec<SealedSegment> {
    let flushed = stored.map_or(Sequence(0), |stored| stored.flushed);
    snapshot.map_or_else(Vec::new, |snapshot| snapshot.after(flushed))
}

/// The open tables of all buckets. Its methods may block, unless they say that they do not.
pub trait Lake: Debug + Send + Sync {
    /// The measurements of a bucket that have a table, in any order.
    fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, LakeError>;

    /// The current state of a table, if there is one.
    fn table(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError>;

    /// Returns true if [`Lake::table_at_once`] is worth a try. Does not block.
    fn is_near(&self) -> bool {
        false
    }

    /// As [`Lake::table`], but does not block: `None` if it would have to.
    fn table_at_once(&self, _table: &TableId) -> Option<Result<Option<TableFiles>, LakeError>> {
        None
    }

    /// The columns of a table, if there is one. Costs less than its state.
    fn columns(&self, table: &TableId) -> Result<Option<StoredColumns>, LakeError> {
        Ok(self.table(table)?.map(|files| files.columns))
    }
}

/// The columns of a table's files at one of its versions.
#[derive(Debug)]
pub struct StoredColumns {
    /// The last sequence number of this node's log whose rows are in the files: up to it the
    /// buffer's rows do not count.
    pub flushed: Sequence,
    /// The keys of the tag columns, in any order.
    pub tags: Vec<Box<str>>,
    /// The fields. Several nodes may have given one name several types: a reader sees the first one
    /// in this list (unless the buffer has another), so the types of this node come first.
    pub fields: Vec<(Box<str>, FieldType)>,
}

/// The files of a table at one of its versions.
#[derive(Debug)]
pub struct TableFiles {
    /// Their columns.
    pub columns: StoredColumns,
    /// The files of each day (days since 1970-01-01, UTC) in the order in which they were written:
    /// of equal points, the values of the later file count.
    pub days: BTreeMap<i32, Vec<Arc<dyn DataFile>>>,
}

/// A file of a table.
pub trait DataFile: Any + Debug + Send + Sync {
    /// Its path, for messages.
    fn name(&self) -> &str;

    /// Bounds for the times of its rows, nanoseconds since the epoch, as far as known without
    /// opening it.
    fn times(&self) -> (i64, i64);

    /// The number of its rows, if known without opening it.
    fn rows(&self) -> Option<u64>;

    /// Returns true if it may have a row in `range`, as far as known without opening it.
    fn meets(&self, range: TimeRange) -> bool {
        let (min_ns, max_ns) = self.times();
        range.meets(min_ns, max_ns)
    }

    /// Returns true if no two of its rows have equal series and time, and [`DataFile::times`] are true
    /// bounds: nothing has to be merged if no other place has such a row.
    fn is_plain(&self) -> bool {
        false
    }

    /// Bounds for its rows in the order of series and time, as bytes that compare as rows do; none if
    /// it is not known to be in that order, or where it starts and ends.
    fn row_bounds(&self) -> Option<(&[u8], &[u8])> {
        None
    }

    /// The series of all of its rows, as [`series_bytes`](crate::merge::series_bytes) has it; none if there
    /// may be several.
    fn series(&self) -> Option<&[u8]> {
        None
    }

    /// Returns true if a row of this file may have series and time of a row of another file of its
    /// day.
    fn may_share_points(&self, other: &dyn DataFile) -> bool {
        let (mine, others) = (self.times(), other.times());
        mine.0 <= others.1 && others.0 <= mine.1
    }

    /// The file as other readers of Parquet see it, if it is one.
    fn parquet(&self) -> Option<Arc<dyn ParquetFile>> {
        None
    }

    /// Prepares it for reading, in a room that is shared by this many files open at once. Rows
    /// outside `range`, and the values of fields other than `fields`, need not be returned; every
    /// row in `range` is, with its tags. May block. A [`LakeError`] inside the stream's error is
    /// reported as that.
    fn open(
        &self,
        range: TimeRange,
        fields: Option<&HashSet<Box<str>>>,
        room: &Room,
        files: usize,
    ) -> Result<Box<dyn Chunks>, LakeError>;
}

/// The bytes of a file that are being read.
pub type Reading = BoxFuture<'static, Result<Vec<Bytes>, LakeError>>;

/// A file in the format Parquet, read by others than our merge.
pub trait ParquetFile: Debug + Send + Sync {
    /// Its path, which no other file of the lake has.
    fn path(&self) -> &str;

    /// Its size, in bytes.
    fn bytes(&self) -> u64;

    /// The name of the column of exact times, nanoseconds, in files of the table.
    fn stored_time(&self) -> &str;

    /// The name of a column in files of the table; absent if they have none.
    fn stored(&self, column: &str, kind: ColumnKind) -> Option<&str>;

    /// Reads ranges of it, each in full, on the runtime of the caller.
    fn read(&self, ranges: Vec<Range<u64>>) -> Reading;

    /// Returns false if a file whose footer names this writer has no column with this name.
    fn may_have(&self, writer: Option<&str>, column: &str) -> bool;

    /// The error for a file whose bytes were read and make no sense.
    fn damaged(&self, reason: String) -> LakeError;
}
