//! The mark of a deleted bucket in the store of the tables: `_tidegate/deleted/FOLDER.json`.
//!
//! ```text
//! {"id":"5f1c…","bucket":"home","node":"00000000000000a1","removing":true}
//! ```
//!
//! It is durable before the first file of the bucket goes, with an id that no other deletion has,
//! and says when the last one is gone. A node that finds a table gone, or other than it was, looks
//! here: an id that it has not seen yet means that somebody deleted the bucket, and that what the
//! node knew of the table is void. Without such an id the table was lost. While files go, nobody
//! adds to the bucket's folder: a table that is made there too early would go with the old ones.
//!
//! The mark stays for good, for a node may be away for long. It belongs to the bucket's name, for
//! that is all that the nodes of a shared lake have in common.

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use serde::{Deserialize, Serialize};

use super::LakeError;
use super::store::Store;

/// A deletion of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deletion {
    /// No other deletion has it.
    pub(super) id: String,
    /// The bucket's name.
    pub(super) bucket: String,
    /// Who deletes.
    pub(super) node: String,
    /// Whether files of the bucket may still be there.
    pub(super) removing: bool,
}

impl Deletion {
    /// A deletion that begins now.
    pub(super) fn begin(bucket: &str, node_id: u64) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            bucket: bucket.to_owned(),
            node: format!("{node_id:016x}"),
            removing: true,
        }
    }

    /// The same deletion, when all files are gone.
    pub(super) fn end(self) -> Self {
        Self {
            removing: false,
            ..self
        }
    }

    /// Reads the last deletion of a bucket by its folder; nothing if it was never deleted.
    pub(super) async fn read(lake: &Store, folder: &str) -> Result<Option<Self>, LakeError> {
        let path = path(folder);
        let found = match lake.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = serde_json::from_slice(&found);
        read.map(Some).map_err(|error| {
            let reason = format!("the mark of its bucket's deletion at {path} is damaged: {error}");
            LakeError::table(folder, reason)
        })
    }

    /// Writes it over the one before. Durable when it returns.
    pub(super) async fn write(&self, lake: &Store, folder: &str) -> Result<(), LakeError> {
        let bytes = serde_json::to_vec(self).map_err(|error| LakeError::table(folder, error))?;
        lake.put(&path(folder), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Its id, once all files are gone; an error before.
    pub(super) fn settled(mark: Option<Self>) -> Result<Option<String>, LakeError> {
        match mark {
            Some(mark) if mark.removing => Err(LakeError::Removing {
                bucket: mark.bucket,
                node: mark.node,
            }),
            mark => Ok(mark.map(|mark| mark.id)),
        }
    }
}

fn path(folder: &str) -> Path {
    Path::from_iter(["_tidegate", "deleted", &format!("{folder}.json")])
}
