//! What readers see of a table: its files at one version, and their rows piece by piece.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::columns::Columns;
use super::parquet::{BoxError, DecodeError, Layout, ParquetChunks, ReadRange};
use super::state::{DataFile, TableState};
use super::store::Store;
use super::table::Table;
use super::{Lake, LakeError};
use crate::catalog::Bucket;
use crate::columnar::Segment;
use crate::id::Sequence;
use crate::merge::{Chunks, ChunksError};

/// Rows of a row group, as files of ours have them.
const GROUP_ROWS: u64 = 128 << 10;

/// What an open file holds beside its row group: the footer, decoded rows.
const OPEN_BYTES: u64 = 512 << 10;

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
    /// A table as it is now; nothing if there is none. Must be called within a runtime.
    pub async fn snapshot(
        &self,
        bucket: &Bucket,
        measurement: &str,
    ) -> Result<Option<Snapshot>, LakeError> {
        if self.is_leaving(bucket) {
            return Ok(None);
        }
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let seen = self.see(&table, bucket, measurement).await?;
        let Some(state) = seen.state else {
            self.shared.tables.forget(&table);
            return Ok(None);
        };
        Ok(Some(self.snapshot_of(table, state, measurement)))
    }

    pub(super) fn snapshot_of(
        &self,
        table: Arc<Table>,
        state: Arc<TableState>,
        measurement: &str,
    ) -> Snapshot {
        let flushed = state.transactions.get(self.app()).copied();
        Snapshot {
            layout: Arc::new(state.columns.layout()),
            measurement: measurement.into(),
            flushed: Sequence(flushed.unwrap_or(0)),
            runtime: Handle::current(),
            table,
            state,
        }
    }
}

impl Snapshot {
    /// Everything of this node's log up to here is in the files.
    pub fn flushed(&self) -> Sequence {
        self.flushed
    }

    /// Tags and fields.
    pub fn columns(&self) -> &Columns {
        &self.state.columns
    }

    /// The files of every day, in days since the epoch, each day's in order of writing: of equal
    /// points the later file's values win.
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
    /// What is known of it.
    pub fn file(&self) -> &DataFile {
        &self.file
    }

    /// About the memory that it takes while it is read.
    pub fn open_bytes(&self) -> u64 {
        let rows = self.file.rows.unwrap_or(0);
        let groups = rows.div_ceil(GROUP_ROWS).max(1);
        self.file.bytes / groups + OPEN_BYTES
    }

    /// Starts reading, without the row groups that have no time in range. Blocks, and so do the
    /// chunks: not for threads that serve others.
    pub fn open(&self, times: Option<Range<i64>>) -> Result<Box<dyn Chunks>, LakeError> {
        let snapshot = &self.snapshot;
        let failed = |reason: String| LakeError::File {
            table: snapshot.table.folder.clone(),
            file: self.file.path.to_string(),
            reason,
        };
        let path = Path::parse(&self.file.path).map_err(|error| failed(error.to_string()))?;
        let range = StoreRange {
            store: Arc::clone(&snapshot.table.store),
            path,
            bytes: self.file.bytes,
            runtime: snapshot.runtime.clone(),
        };
        let name = format!("{}/{}", snapshot.table.folder, self.file.path);
        let layout = Arc::clone(&snapshot.layout);
        let chunks =
            ParquetChunks::open(Box::new(range), &name, &snapshot.measurement, layout, times);
        Ok(Box::new(FileChunks(chunks.map_err(read_error)?)))
    }
}

/// The store's own error says whether trying again may help.
fn read_error(error: DecodeError) -> LakeError {
    LakeError::Decode(Box::new(error))
}

struct FileChunks(ParquetChunks);

impl Chunks for FileChunks {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        Ok(self.0.next().map_err(read_error)?)
    }
}

/// A file in a store, read by blocking.
struct StoreRange {
    store: Store,
    path: Path,
    bytes: u64,
    runtime: Handle,
}

impl ReadRange for StoreRange {
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError> {
        Ok(self
            .runtime
            .block_on(self.store.get_range(&self.path, range))?)
    }

    fn len(&self) -> u64 {
        self.bytes
    }
}
