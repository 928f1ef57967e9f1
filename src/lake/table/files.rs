//! The data files of a table, before and after they belong to it: they do once they are committed.

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::Table;
use crate::lake::error::LakeError;
use crate::lake::parquet::Encoded;
use crate::lake::state::actions::NewFile;
use crate::lake::state::data_file::day_name;
use crate::memory::Budget;
use crate::narrow;

/// Files of one flush or compaction that are written at the same time.
const WRITES_MAX: usize = 4;

/// The writer of files: a node at a time.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct Writer {
    pub(in crate::lake) node_id: u64,
    /// Of the files, of equal points in which the higher number wins.
    pub(in crate::lake) order: u64,
    /// Milliseconds since the epoch.
    pub(in crate::lake) now_ms: i64,
}

impl Writer {
    /// The path of a new file, relative to its table.
    pub(in crate::lake) fn new_path(self, day: i32) -> String {
        let Self { node_id, order, .. } = self;
        let (day, name) = (day_name(day), uuid::Uuid::new_v4());
        format!("day={day}/{order:020}-{node_id:016x}-{name}.parquet")
    }
}

impl Table {
    /// Writes files, each with its day, into the table's folder.
    pub(in crate::lake) async fn write_files(
        &self,
        writer: Writer,
        encoded: Vec<(i32, Encoded)>,
    ) -> Result<Vec<NewFile>, LakeError> {
        let writes = encoded.into_iter().map(|(day, file)| async move {
            let path = writer.new_path(day);
            let bytes = narrow::to_u64(file.bytes.len());
            let payload = PutPayload::from(file.bytes);
            self.store.put(&location(&path)?, payload).await?;
            Ok::<_, LakeError>(NewFile {
                path,
                day,
                order: writer.order,
                bytes,
                stats: file.stats,
                keys: file.keys,
                now_ms: writer.now_ms,
            })
        });
        futures_util::stream::iter(writes)
            .buffered(WRITES_MAX)
            .try_collect()
            .await
    }

    /// Copies a file to another path in the table's folder.
    pub(in crate::lake) async fn copy_file(
        &self,
        from: &NewFile,
        to: &str,
        budget: &Budget,
    ) -> Result<(), LakeError> {
        let (from_path, to) = (location(&from.path)?, location(to)?);
        match self.store.copy(&from_path, &to).await {
            // A folder: through memory.
            Err(
                object_store::Error::NotSupported { .. }
                | object_store::Error::NotImplemented { .. },
            ) => {
                let _memory = budget.force(from.bytes);
                let bytes = self.store.get(&from_path).await?.bytes().await?;
                self.store.put(&to, PutPayload::from(bytes)).await?;
                Ok(())
            }
            copied => Ok(copied?),
        }
    }

    /// Removes files that were not committed. If that fails they do no harm: a vacuum removes them.
    pub(in crate::lake) async fn remove_files(&self, files: &[NewFile]) {
        for file in files {
            if let Ok(path) = Path::parse(&file.path) {
                let _ = self.store.delete(&path).await;
            }
        }
    }
}

fn location(path: &str) -> Result<Path, LakeError> {
    Ok(Path::parse(path).map_err(object_store::Error::from)?)
}
