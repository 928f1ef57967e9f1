//! Reading a table's log as a whole. The library reads all of it at once, so the memory that this
//! takes is estimated from the sizes of the log's files first.
//!
//! The library does not distinguish a log that cannot be read from one that cannot be understood. So
//! the store is asked for each file of the log: if it returns all of them, and a second reading fails
//! like the first (other nodes may clean up a log while it is read), the log is damaged.

use std::sync::Arc;

use deltalake_core::kernel::{Action, EagerSnapshot};
use deltalake_core::logstore::LogStoreRef;
use deltalake_core::{DeltaTable, DeltaTableError};
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::faults;
use crate::lake::error::{Faulty, LakeError};
use crate::lake::state::data_file::DataFile;
use crate::lake::state::table_state::TableState;
use crate::lake::store::Store;
use crate::narrow;

/// The bytes that even the shortest log takes: schemas in three forms.
const BYTES_MIN: u64 = 2 << 20;

/// The size of parsed commits, as a multiple of their text.
const TEXT_FACTOR: u64 = 4;

/// The size of a checkpoint's rows, as a multiple of its compressed bytes.
const CHECKPOINT_FACTOR: u64 = 16;

/// The source that a table's log is read from.
#[derive(Clone, Copy)]
pub(in crate::lake) struct LogSource<'a> {
    /// The table's folder, for people.
    pub(in crate::lake) folder: &'a str,
    /// The store, with that folder as its root.
    pub(in crate::lake) store: &'a Store,
    /// The same, as the library sees it.
    pub(in crate::lake) log: &'a LogStoreRef,
}

impl LogSource<'_> {
    /// Reads the table's state. `app` is the application whose transactions are wanted.
    pub(in crate::lake) async fn state(self, app: &str) -> Result<TableState, LakeError> {
        match self.read(app).await {
            Err(LakeError::Delta { .. }) if is_given_out(self.store).await => {
                match self.read(app).await {
                    Err(LakeError::Delta { source, .. }) => Err(self.damaged(*source).await),
                    again => again,
                }
            }
            read => read,
        }
    }

    /// The table as the library sees it.
    pub(in crate::lake) async fn table(self) -> Result<DeltaTable, LakeError> {
        let mut table = DeltaTable::new(Arc::clone(self.log));
        match table.load().await {
            Ok(()) => Ok(table),
            Err(error) if is_given_out(self.store).await => Err(self.damaged(error).await),
            Err(error) => Err(self.delta(error)),
        }
    }

    /// What the log consists of now. An error if a file of it is empty, which the library would ignore.
    pub(super) async fn entries(self) -> Result<Vec<LogFile>, LakeError> {
        let entries = entries(self.store).await?;
        match entries.iter().find(|entry| entry.bytes == 0) {
            Some(empty) => Err(self.faulty(faults::empty(&empty.path))),
            None => Ok(entries),
        }
    }

    /// Finds out why the log cannot be read although the store returns it.
    pub(in crate::lake) async fn damaged(self, error: DeltaTableError) -> LakeError {
        let entries = entries(self.store).await.unwrap_or_default();
        let paths: Vec<Path> = entries.into_iter().map(|entry| entry.path).collect();
        let found = match faults::find(self.store, &paths).await {
            None => faults::of_hint(self.store, &paths).await,
            found => found,
        };
        match found {
            Some(faulty) => self.faulty(faulty),
            None => LakeError::damaged(self.folder, error),
        }
    }

    pub(in crate::lake) fn faulty(self, faulty: Faulty) -> LakeError {
        LakeError::DamagedLog {
            table: self.folder.to_owned(),
            faulty,
        }
    }

    async fn read(self, app: &str) -> Result<TableState, LakeError> {
        let delta = |error| self.delta(error);
        let wrong = |reason| LakeError::table(self.folder, reason);
        let log = self.log.as_ref();
        let snapshot = EagerSnapshot::try_new(log, None).await.map_err(delta)?;
        let metadata = serde_json::to_value(snapshot.metadata());
        let metadata = metadata.map_err(|error| wrong(error.to_string()))?;
        let mut state = TableState::new(metadata).map_err(wrong)?;
        let protocol = Action::Protocol(snapshot.protocol().clone());
        state
            .apply(snapshot.version(), &[protocol])
            .map_err(wrong)?;
        for view in snapshot.log_data().iter() {
            #[allow(deprecated, reason = "the one way to the tags of a file")]
            let mut add = view.add_action();
            add.path = view.object_store_path().to_string();
            let file = DataFile::of_add(&add).map_err(wrong)?;
            state.files.insert(Arc::clone(&file.path), file);
        }
        let transaction = snapshot.transaction_version(log, app).await;
        if let Some(version) = transaction.map_err(delta)? {
            let version = narrow::not_negative(version);
            state.transactions.insert(app.to_owned(), version);
        }
        Ok(state)
    }

    fn delta(self, error: DeltaTableError) -> LakeError {
        LakeError::delta(self.folder, error)
    }
}

/// Returns whether the store returns every file that a table's log consists of now.
async fn is_given_out(table: &Store) -> bool {
    let Ok(entries) = entries(table).await else {
        return false;
    };
    for entry in entries {
        // The bytes are not asked for before somebody waits for them.
        if table.get(&entry.path).await.is_err() {
            return false;
        }
    }
    true
}

/// The newest checkpoint of a log, and the commits after it.
async fn entries(table: &Store) -> Result<Vec<LogFile>, LakeError> {
    let log = Path::from("_delta_log");
    let mut listed = table.list(Some(&log));
    let mut entries = Vec::new();
    while let Some(meta) = listed.try_next().await? {
        entries.extend(entry(meta.location, meta.size));
    }
    let checkpoints = entries.iter().filter(|entry| entry.is_checkpoint);
    let first = checkpoints.map(|entry| entry.version).max().unwrap_or(0);
    entries.retain(|entry| entry.version >= first);
    Ok(entries)
}

/// Estimates the bytes that loading a table takes.
pub(super) fn bytes(entries: &[LogFile]) -> u64 {
    let bytes = entries.iter().map(|entry| {
        let factor = if entry.is_checkpoint {
            CHECKPOINT_FACTOR
        } else {
            TEXT_FACTOR
        };
        entry.bytes.saturating_mul(factor)
    });
    bytes.fold(BYTES_MIN, u64::saturating_add)
}

/// A file of a log: a commit, a checkpoint, or something else that belongs to a version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogFile {
    pub(super) path: Path,
    pub(super) version: u64,
    pub(super) is_commit: bool,
    is_checkpoint: bool,
    bytes: u64,
}

/// Returns the file of a log at this path; nothing if it is not one.
fn entry(path: Path, bytes: u64) -> Option<LogFile> {
    let (version, kind) = path.filename()?.split_once('.')?;
    Some(LogFile {
        version: version.parse().ok()?,
        is_commit: kind == "json",
        is_checkpoint: kind.starts_with("checkpoint"),
        bytes,
        path,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStoreExt as _, PutPayload};

    use super::{BYTES_MIN, bytes, entries};
    use crate::lake::store::Store;

    #[tokio::test]
    async fn the_newest_checkpoint_and_what_follows_is_counted() {
        let store: Store = Arc::new(InMemory::new());
        for (name, size) in [
            ("00000000000000000000.json", 1000),
            ("00000000000000000004.checkpoint.parquet", 100_000),
            ("00000000000000000009.checkpoint.parquet", 1000),
            ("00000000000000000009.json", 1000),
            ("00000000000000000010.json", 500),
            ("_last_checkpoint", 70),
        ] {
            let path = Path::from(format!("_delta_log/{name}"));
            let payload = PutPayload::from(vec![0; size]);
            store.put(&path, payload).await.expect("written");
        }
        let expected = BYTES_MIN + 16 * 1000 + 4 * 1500;
        let entries = entries(&store).await.expect("listed");
        assert_eq!(bytes(&entries), expected);
    }
}
