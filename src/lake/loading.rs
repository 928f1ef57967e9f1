//! What reading a table's log takes, guessed from the log's files before they are read: the library
//! reads all of it at once.

use futures_util::TryStreamExt as _;
use object_store::ObjectStore as _;
use object_store::path::Path;

use super::LakeError;
use super::store::Store;

/// What is read however short the log is: schemas in three forms.
const BYTES_MIN: u64 = 2 << 20;

/// Parsed commits, in their text.
const TEXT_FACTOR: u64 = 4;

/// Rows of a checkpoint, in its compressed bytes.
const CHECKPOINT_FACTOR: u64 = 16;

/// About the bytes that loading a table takes: the newest checkpoint, and the commits after it.
pub(super) async fn bytes(table: &Store) -> Result<u64, LakeError> {
    let log = Path::from("_delta_log");
    let mut listed = table.list(Some(&log));
    let mut entries = Vec::new();
    while let Some(meta) = listed.try_next().await? {
        entries.extend(entry(
            meta.location.filename().unwrap_or_default(),
            meta.size,
        ));
    }
    let checkpoints = entries.iter().filter(|entry| entry.is_checkpoint);
    let first = checkpoints.map(|entry| entry.version).max().unwrap_or(0);
    let needed = entries.iter().filter(|entry| entry.version >= first);
    let bytes = needed.map(|entry| {
        let factor = if entry.is_checkpoint {
            CHECKPOINT_FACTOR
        } else {
            TEXT_FACTOR
        };
        entry.bytes.saturating_mul(factor)
    });
    Ok(bytes.fold(BYTES_MIN, u64::saturating_add))
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    version: u64,
    is_checkpoint: bool,
    bytes: u64,
}

/// A file of a log; nothing if it is another one.
fn entry(name: &str, bytes: u64) -> Option<Entry> {
    let (version, kind) = name.split_once('.')?;
    Some(Entry {
        version: version.parse().ok()?,
        is_checkpoint: kind.starts_with("checkpoint"),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStoreExt as _, PutPayload};

    use super::{BYTES_MIN, bytes};
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
        assert_eq!(bytes(&store).await.expect("listed"), expected);
    }
}
