//! The last checkpoint of a table's log, as far as it is known.

use std::sync::atomic::{AtomicU64, Ordering};

use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::Value;

use crate::lake::error::LakeError;
use crate::lake::store::Store;

/// The version of the last checkpoint that is known of, plus one; 0 if none is.
#[derive(Debug, Default)]
pub(in crate::lake) struct Checked(AtomicU64);

impl Checked {
    /// Notes that there is a checkpoint of this version.
    pub(in crate::lake) fn note(&self, version: u64) {
        self.0.store(version + 1, Ordering::Relaxed);
    }

    /// Forgets the checkpoint: the table is another one from now on.
    pub(in crate::lake) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The number of commits since the last checkpoint of a table, as of this version.
    pub(in crate::lake) async fn since(
        &self,
        table: &Store,
        version: u64,
    ) -> Result<u64, LakeError> {
        let known = self.0.load(Ordering::Relaxed);
        if known > 0 {
            return Ok((version + 1).saturating_sub(known));
        }
        let hint = Path::from("_delta_log/_last_checkpoint");
        let found = match table.get(&hint).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(version + 1),
            Err(error) => return Err(error.into()),
        };
        let hint: Value = serde_json::from_slice(&found).unwrap_or_default();
        let last = hint.get("version").and_then(Value::as_u64);
        let next = last.map_or(0, |last| last + 1);
        self.0.store(next, Ordering::Relaxed);
        Ok((version + 1).saturating_sub(next))
    }
}
