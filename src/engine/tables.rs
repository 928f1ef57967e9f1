//! The lake's tables as a reader sees them.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use futures_util::{FutureExt, TryFutureExt};
use tokio::runtime::Handle;

use crate::catalog::{Bucket, Catalog};
use crate::columnar::{ColumnKind, Segment};
use crate::id::{BucketId, Sequence, TableId};
use crate::lake::{self, StoredFile, TableColumns};
use crate::memory::Room;
use crate::merge::{Chunks, ChunksError, Tags, TimeRange};
use crate::read::{DataFile, Lake, LakeError, ParquetFile, Reading, StoredColumns, TableFiles};

/// The tables of all buckets. Its methods block on the runtime: never call them on a thread that
/// serves connections.
#[derive(Debug)]
pub(super) struct LakeFiles {
    lake: lake::Lake,
    catalog: Catalog,
    runtime: Handle,
}

impl LakeFiles {
    /// The tables of a lake, whose work is done on `runtime`.
    pub(super) fn new(lake: lake::Lake, catalog: Catalog, runtime: Handle) -> Self {
        Self {
            lake,
            catalog,
            runtime,
        }
    }

    fn bucket(&self, id: BucketId) -> Option<Arc<Bucket>> {
        self.catalog.bucket(id)
    }

    /// A table as it is now, and nothing if there is none. What it begins, it begins on the runtime.
    async fn look(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError> {
        let Some(bucket) = self.bucket(table.bucket) else {
            return Ok(None);
        };
        let snapshot = self.lake.snapshot(&bucket, &table.measurement);
        let Some(snapshot) = snapshot.await.map_err(classify)? else {
            return Ok(None);
        };
        let mut days: BTreeMap<i32, Vec<Arc<dyn DataFile>>> = BTreeMap::new();
        for (day, files) in snapshot.files() {
            let files = files.into_iter().map(|file| Arc::new(file) as _);
            days.insert(day, files.collect());
        }
        let columns = stored(snapshot.columns(), snapshot.flushed());
        Ok(Some(TableFiles { columns, days }))
    }
}

impl Lake for LakeFiles {
    fn measurements(&self, bucket: BucketId) -> Result<Vec<String>, LakeError> {
        match self.bucket(bucket) {
            Some(bucket) => {
                let measurements = self.lake.seen_measurements(&bucket);
                self.runtime.block_on(measurements).map_err(classify)
            }
            None => Ok(Vec::new()),
        }
    }

    fn table(&self, table: &TableId) -> Result<Option<TableFiles>, LakeError> {
        self.runtime.block_on(self.look(table))
    }

    /// The last state that is known needs one look into the log, which is in memory mostly.
    fn is_near(&self) -> bool {
        !self.lake.is_shared()
    }

    fn table_at_once(&self, table: &TableId) -> Option<Result<Option<TableFiles>, LakeError>> {
        let _on_runtime = self.runtime.enter();
        self.look(table).now_or_never()
    }

    fn columns(&self, table: &TableId) -> Result<Option<StoredColumns>, LakeError> {
        let Some(bucket) = self.bucket(table.bucket) else {
            return Ok(None);
        };
        let columns = self.lake.columns(&bucket, &table.measurement);
        let columns = self.runtime.block_on(columns).map_err(classify)?;
        Ok(columns.map(|(columns, flushed)| stored(&columns, flushed)))
    }
}

fn stored(columns: &TableColumns, flushed: Sequence) -> StoredColumns {
    let (mut tags, mut fields) = (Vec::new(), Vec::new());
    for column in columns.iter() {
        match column.kind {
            ColumnKind::Tag => tags.push((*column.name).into()),
            ColumnKind::Field(field_type) => fields.push(((*column.name).into(), field_type)),
        }
    }
    StoredColumns {
        flushed,
        tags,
        fields,
    }
}

impl DataFile for StoredFile {
    fn name(&self) -> &str {
        &self.file().path
    }

    fn times(&self) -> (i64, i64) {
        (self.file().min_ns, self.file().max_ns)
    }

    fn rows(&self) -> Option<u64> {
        self.file().rows
    }

    fn is_plain(&self) -> bool {
        self.file().is_plain()
    }

    fn row_bounds(&self) -> Option<(&[u8], &[u8])> {
        let keys = self.file().keys.as_ref();
        let keys = keys.filter(|_| self.file().is_plain())?;
        Some((keys.first(), keys.last()))
    }

    fn series(&self) -> Option<&[u8]> {
        let keys = self.file().keys.as_ref();
        keys.filter(|_| self.file().is_plain())?.series()
    }

    fn may_share_points(&self, other: &dyn DataFile) -> bool {
        match (other as &dyn Any).downcast_ref::<Self>() {
            Some(other) => self.file().meets(other.file()),
            None => true,
        }
    }

    fn parquet(&self) -> Option<Arc<dyn ParquetFile>> {
        Some(Arc::new(Parquet {
            path: StoredFile::name(self),
            file: self.clone(),
        }))
    }

    fn open(
        &self,
        range: TimeRange,
        fields: Option<&HashSet<Box<str>>>,
        room: &Room,
        files: usize,
    ) -> Result<Box<dyn Chunks>, LakeError> {
        let chunks = StoredFile::open(self, range, fields, room, files).map_err(classify)?;
        Ok(Box::new(Told(chunks)))
    }
}

/// A file of a table in its own format.
#[derive(Debug)]
struct Parquet {
    path: String,
    file: StoredFile,
}

impl ParquetFile for Parquet {
    fn path(&self) -> &str {
        &self.path
    }

    fn bytes(&self) -> u64 {
        self.file.file().bytes
    }

    fn stored_time(&self) -> &str {
        self.file.stored_time()
    }

    fn stored(&self, column: &str, kind: ColumnKind) -> Option<&str> {
        self.file.stored(column, kind)
    }

    fn read(&self, ranges: Vec<Range<u64>>) -> Reading {
        self.file.read(ranges).map_err(classify).boxed()
    }

    fn may_have(&self, writer: Option<&str>, column: &str) -> bool {
        self.file.may_have(writer, column)
    }

    fn damaged(&self, reason: String) -> LakeError {
        classify(self.file.damaged(reason))
    }
}

/// The chunks of a file, whose errors are reported as the lake's.
struct Told(Box<dyn Chunks>);

impl Chunks for Told {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        let next = self.0.next();
        next.map_err(|error| match error.downcast::<lake::LakeError>() {
            Ok(error) => classify(*error).into(),
            Err(error) => error,
        })
    }

    fn lower_bound(&self) -> Option<Tags> {
        self.0.lower_bound()
    }
}

fn classify(error: lake::LakeError) -> LakeError {
    if error.is_damage() {
        return LakeError::Damaged(Box::new(error));
    }
    match error.is_transient() {
        true => LakeError::Unreachable(Box::new(error)),
        false => LakeError::Unreadable(Box::new(error)),
    }
}
