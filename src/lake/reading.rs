//! Reading a table: its files at one version, and their rows piece by piece.
//!
//! For each open file a read holds a chunk of rows that is bounded in bytes ([`Room::chunk_bytes`]: the
//! floor of the reading, shared among the files that may be open at once), and the state that it needs
//! to continue in the file. There are three ways to continue, and a file is read in the widest for
//! which there is memory ([`Needs`]):
//!
//! | way | held between chunks | requests |
//! | --- | --- | --- |
//! | whole | a row group, packed; a page of each column | one per row group |
//! | blocks | a block and a page of each column | one per 256 KiB of a column |
//! | narrow | nothing: the file is closed, and its place kept | some per chunk and column |
//!
//! The first two take memory from the budget while it is plentiful, and give it back at the end of the
//! file. The narrow way needs the pages of a few columns for the time of one chunk, and takes turns
//! with all other reads. So it always makes progress, and a day of any size can be read with any
//! budget. The way may change from chunk to chunk.
//!
//! A file is opened when the merge reaches its first series, which is known from its footer
//! ([`Chunks::lower_bound`]), and dropped at its end. Row groups and files without a time in range
//! are not opened at all.
//!
//! Only a file in no known order, which another program has written, must be in memory as a whole. If
//! it does not fit, it is refused by name.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::error::LakeError;
use super::handle::Lake;
use super::parquet::{DecodeError, How, Layout, ParquetChunks, TIME, TIME_NS, WRITER};
use super::ranges::{StoreRange, is_missing};
use super::state::columns::TableColumns;
use super::state::data_file::DataFile;
use super::state::table_state::TableState;
use super::table::Table;
use crate::catalog::Bucket;
use crate::columnar::{ColumnKind, Segment};
use crate::id::Sequence;
use crate::memory::{Reservation, Room};
use crate::merge::{Chunks, ChunksError, Tags, TimeRange};

/// A table at one version.
#[derive(Clone, Debug)]
pub struct Snapshot {
    table: Arc<Table>,
    state: Arc<TableState>,
    layout: Arc<Layout>,
    measurement: Arc<str>,
    flushed: Sequence,
    runtime: Handle,
}

/// A file of a snapshot.
#[derive(Clone, Debug)]
pub struct StoredFile {
    snapshot: Snapshot,
    file: DataFile,
}

impl Lake {
    /// Returns true if other nodes write to the tables, too.
    pub fn is_shared(&self) -> bool {
        self.shared.tables.is_shared()
    }

    /// Returns a table as it is now, in a shared lake without what other nodes committed within
    /// [`Options::refresh`](super::Options::refresh); nothing if there is none. Must be called within a
    /// runtime.
    pub async fn snapshot(
        &self,
        bucket: &Bucket,
        measurement: &str,
    ) -> Result<Option<Snapshot>, LakeError> {
        let age = self.shared.options.refresh;
        let Some((table, state)) = self.current(bucket, measurement, age).await? else {
            return Ok(None);
        };
        Ok(Some(self.snapshot_of(table, state, measurement)))
    }

    /// Returns the columns of a table as it is now, in a shared lake without what other nodes committed
    /// within [`Options::refresh`](super::Options::refresh), and the last frame of this node's log up to
    /// which its files have all rows; nothing if there is no table.
    pub async fn columns(
        &self,
        bucket: &Bucket,
        measurement: &str,
    ) -> Result<Option<(Arc<TableColumns>, Sequence)>, LakeError> {
        if self.is_being_deleted(bucket) {
            return Ok(None);
        }
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let id = bucket.table(measurement);
        let age = self.shared.options.refresh;
        let seen = self.see_columns_within(age, &table, &id).await?;
        let Some(state) = seen.state else {
            self.shared.tables.forget(&table);
            return Ok(None);
        };
        Ok(Some((Arc::clone(&state.columns), self.flushed_in(&state))))
    }

    /// Returns a table and its state, to which what other nodes committed within `age` may be missing;
    /// nothing if there is none.
    pub(super) async fn current(
        &self,
        bucket: &Bucket,
        measurement: &str,
        age: Duration,
    ) -> Result<Option<(Arc<Table>, Arc<TableState>)>, LakeError> {
        if self.is_being_deleted(bucket) {
            return Ok(None);
        }
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let id = bucket.table(measurement);
        let seen = self.see_within(age, &table, &id).await?;
        let Some(state) = seen.state else {
            self.shared.tables.forget(&table);
            return Ok(None);
        };
        Ok(Some((table, state)))
    }

    pub(super) fn snapshot_of(
        &self,
        table: Arc<Table>,
        state: Arc<TableState>,
        measurement: &str,
    ) -> Snapshot {
        Snapshot {
            layout: Arc::new(state.columns.layout()),
            measurement: measurement.into(),
            flushed: self.flushed_in(&state),
            runtime: Handle::current(),
            table,
            state,
        }
    }
}

impl Snapshot {
    /// The last frame of this node's log up to which the files have all rows.
    pub fn flushed(&self) -> Sequence {
        self.flushed
    }

    /// Tags and fields.
    pub fn columns(&self) -> &TableColumns {
        &self.state.columns
    }

    /// The files by day, in days since the epoch. The files of each day are in the order of writing: of
    /// equal points, the values of the later file win.
    pub fn files(&self) -> BTreeMap<i32, Vec<StoredFile>> {
        let days = self.state.by_day().into_iter();
        days.map(|(day, files)| (day, files.into_iter().map(|file| self.file(file)).collect()))
            .collect()
    }

    pub(super) fn file(&self, file: &DataFile) -> StoredFile {
        StoredFile {
            snapshot: self.clone(),
            file: file.clone(),
        }
    }
}

impl StoredFile {
    /// The file's metadata.
    pub fn file(&self) -> &DataFile {
        &self.file
    }

    /// Opens the file for reading, without the row groups that have no time in range, and without
    /// the fields that are not among `fields` (all are read if that is absent). `files` is the
    /// number of files that may be open at once in this room. Blocks, and so do the chunks: not for
    /// threads that serve other requests.
    pub fn open(
        &self,
        times: TimeRange,
        fields: Option<&HashSet<Box<str>>>,
        room: &Room,
        files: usize,
    ) -> Result<Box<dyn Chunks>, LakeError> {
        let snapshot = &self.snapshot;
        let range = self.range()?;
        let name = self.name();
        let layout = match fields {
            None => Arc::clone(&snapshot.layout),
            Some(fields) => Arc::new(snapshot.layout.reading(|name| fields.contains(name))),
        };
        let chunk_bytes = room.chunk_bytes(files);
        let measurement = &snapshot.measurement;
        let chunks = ParquetChunks::open(
            Arc::new(range),
            &name,
            measurement,
            layout,
            times,
            chunk_bytes,
        );
        let mut chunks = chunks.map_err(|error| self.read_error(error))?;
        let lower_bound = chunks.lower_bound();
        chunks.close();
        Ok(Box::new(FileChunks {
            file: self.clone(),
            room: room.clone(),
            lower_bound,
            chunks,
            held: None,
        }))
    }

    /// Its bytes.
    pub(super) fn range(&self) -> Result<StoreRange, LakeError> {
        let path = Path::parse(&self.file.path).map_err(|error| self.failed(error.to_string()))?;
        Ok(StoreRange {
            store: Arc::clone(&self.snapshot.table.store),
            path,
            bytes: self.file.bytes,
            runtime: self.snapshot.runtime.clone(),
        })
    }

    /// Its path, which no other file of the lake has.
    pub fn name(&self) -> String {
        format!("{}/{}", self.snapshot.table.folder, self.file.path)
    }

    /// Reads ranges of it, each in full, on the runtime of the caller.
    pub fn read(
        &self,
        ranges: Vec<Range<u64>>,
    ) -> impl Future<Output = Result<Vec<Bytes>, LakeError>> + Send + 'static {
        let file = self.clone();
        async move {
            let read = file.range()?.read_all(&ranges).await;
            let read = read.map_err(|error| {
                file.read_error(DecodeError::Read {
                    path: file.name().into(),
                    source: Box::new(error),
                })
            })?;
            let lengths = ranges.iter().map(|range| range.end - range.start);
            match lengths.eq(read.iter().map(|bytes| bytes.len() as u64)) {
                true => Ok(read),
                false => Err(file.damaged("it is shorter than when it was written".to_owned())),
            }
        }
    }

    /// The name of the column of exact times.
    pub fn stored_time(&self) -> &'static str {
        TIME_NS
    }

    /// The name of a column in files of the table; absent if they have none.
    pub fn stored(&self, column: &str, kind: ColumnKind) -> Option<&str> {
        let layout = &self.snapshot.layout;
        let column = layout.columns().get(layout.find(column, kind)?)?;
        Some(&column.storage)
    }

    /// Returns false if a file whose footer names this writer has no column with this name. Others than
    /// tidegate may have columns that the table does not know.
    pub fn may_have(&self, writer: Option<&str>, column: &str) -> bool {
        let is_ours = writer.is_some_and(|writer| writer.starts_with(WRITER));
        let layout = &self.snapshot.layout;
        !is_ours || matches!(column, TIME | TIME_NS) || layout.find_stored(column).is_some()
    }

    /// The error for a file whose bytes make no sense.
    pub fn damaged(&self, reason: String) -> LakeError {
        LakeError::DamagedFile {
            table: self.snapshot.table.folder.clone(),
            file: self.file.path.to_string(),
            reason,
        }
    }

    /// Turns damage of the file itself into an error with advice. An error of the store stays, as it
    /// decides whether trying again may help.
    pub(super) fn read_error(&self, error: DecodeError) -> LakeError {
        if let Some(reason) = error.damage() {
            return self.damaged(reason);
        }
        let table = self.snapshot.table.folder.clone();
        let file = self.file.path.to_string();
        match &error {
            DecodeError::Read { source, .. } if source.downcast_ref().is_some_and(is_missing) => {
                LakeError::LostFile { table, file }
            }
            _ => LakeError::Decode(Box::new(error)),
        }
    }

    fn failed(&self, reason: String) -> LakeError {
        LakeError::File {
            table: self.snapshot.table.folder.clone(),
            file: self.file.path.to_string(),
            reason,
        }
    }
}

struct FileChunks {
    file: StoredFile,
    room: Room,
    lower_bound: Option<Tags>,
    chunks: ParquetChunks,
    /// The way in which it stays open, with the memory for it; nothing if it is closed between chunks.
    held: Option<(How, Reservation)>,
}

impl FileChunks {
    /// Takes the memory that it needs to stay open, if there is enough.
    fn hold(&mut self) -> Result<(), LakeError> {
        let needs = self.chunks.needs();
        if !self.chunks.is_sorted() {
            let all =
                self.room
                    .need(needs.sort)
                    .map_err(|refused| {
                        match refused.fits_when_idle() {
                    true => LakeError::Exhausted(refused),
                    false => self.file.failed(format!(
                        "it is not sorted by tags and time, as another program has written it, and \
                         sorting it takes {} bytes of memory, of which there are {} \
                         (memory.budget_bytes): let that program sort it, or write smaller files",
                        needs.sort, refused.hard_bytes
                    )),
                }
                    })?;
            self.held = Some((How::Blocks, all));
        }
        if self.held.is_none() {
            let take = |how, bytes| self.room.more(bytes).map(|taken| (how, taken));
            let whole = take(How::Whole, needs.whole);
            self.held = whole.or_else(|| take(How::Blocks, needs.blocks));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Arc<Segment>>, LakeError> {
        self.hold()?;
        let next = match &self.held {
            Some((how, _)) => self.chunks.next(*how),
            None => {
                let _turn = self.room.turn(self.chunks.needs().narrow);
                self.chunks.next(How::Narrow)
            }
        };
        next.map_err(|error| self.file.read_error(error))
    }
}

impl Chunks for FileChunks {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        Ok(self.read()?)
    }

    fn lower_bound(&self) -> Option<Tags> {
        self.lower_bound.clone()
    }
}
