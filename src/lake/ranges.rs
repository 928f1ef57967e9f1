//! The bytes of a file of a table, range by range.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::parquet::{BoxError, ReadRange};
use super::store::Store;

/// A file in a store, read with blocking calls.
pub(super) struct StoreRange {
    pub(super) store: Store,
    pub(super) path: Path,
    pub(super) bytes: u64,
    pub(super) runtime: Handle,
}

/// The longest wait for the length of a file that could not be read. The store has failed already.
const LENGTH_MAX: Duration = Duration::from_secs(2);

impl StoreRange {
    /// Returns true if the file is known to be shorter than the table's log says.
    async fn is_shorter(&self) -> bool {
        let meta = tokio::time::timeout(LENGTH_MAX, self.store.head(&self.path)).await;
        matches!(meta, Ok(Ok(meta)) if meta.size < self.bytes)
    }
}

impl ReadRange for StoreRange {
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError> {
        let read = self.read_all(std::slice::from_ref(&range));
        let read = self.runtime.block_on(read)?;
        Ok(read.into_iter().next().unwrap_or_default())
    }

    fn len(&self) -> u64 {
        self.bytes
    }
}

impl StoreRange {
    /// Reads ranges. Of a file that is too short comes nothing: stores have words of their own for a
    /// range after its end, but it is damage, and not a store that may answer later.
    pub(super) async fn read_all(
        &self,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>, object_store::Error> {
        let read = self.store.get_ranges(&self.path, ranges).await;
        match read {
            Err(error) if !is_missing(&error) && self.is_shorter().await => Ok(Vec::new()),
            read => read,
        }
    }
}

/// Returns true if a store says that there is no such file.
pub(super) fn is_missing(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}
