//! Deleted buckets: their tables are removed too, and never come back under a new bucket of that name.
//!
//! The intent is recorded before the bucket leaves the catalog. From then on the folder is removed,
//! whatever happens. Until it is gone, a new bucket of that name keeps its points in memory and log,
//! and readers ignore the folder. If the bucket stays in the catalog after all, the record is void.
//!
//! Other nodes on the same store learn of the deletion from a mark there ([`crate::lake::deletion`]).
//! Before the first mark is written, the number of the last one is recorded: so a deletion that another
//! node has done, or has taken over, is not done again, however late this node comes back.

use crate::catalog::Bucket;
use crate::id::BucketId;
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::storage::StorageError;

impl Lake {
    /// Records that the tables of a bucket are to be removed with it. Durable when it returns. Blocks on
    /// the disk.
    pub fn note_deletion(&self, bucket: BucketId, name: &str) -> Result<(), StorageError> {
        self.shared.positions.note_deletion(bucket, name)
    }

    /// Returns whether there is a folder to remove, or one that another node may have stopped removing.
    pub(in crate::lake) fn has_deleted(&self) -> bool {
        let mut leaving = self.shared.positions.deleted_buckets().into_iter();
        let is_gone = leaving.any(|(id, _)| self.shared.catalog.bucket(id).is_none());
        is_gone || !self.shared.tables.deletions().met.folders().is_empty()
    }

    /// Removes the folders of the buckets that are gone, and those that other nodes have stopped
    /// removing. A folder that cannot be removed does not hold up the others; returns the last error.
    pub(in crate::lake) async fn remove_deleted(&self) -> Result<(), LakeError> {
        let mut failed = None;
        for (id, name) in self.shared.positions.deleted_buckets() {
            if self.shared.catalog.bucket(id).is_none()
                && let Err(error) = self.remove(id, &name).await
            {
                failed = Some(error);
            }
        }
        if let Err(error) = self.shared.tables.take_over_idle().await {
            failed = Some(error);
        }
        match failed {
            // Another node removes it. Whoever uses the table gets that error.
            None | Some(LakeError::Removing { .. }) => Ok(()),
            Some(error) => Err(error),
        }
    }

    async fn remove(&self, id: BucketId, name: &str) -> Result<(), LakeError> {
        let (tables, positions) = (&self.shared.tables, &self.shared.positions);
        let since = match positions.deletion_mark(id) {
            Some(since) => since,
            None => {
                let since = tables.deletion_number(name).await?;
                positions.note_deletion_mark(id, since);
                self.write_positions().await?;
                since
            }
        };
        tables.remove_bucket(name, since).await?;
        positions.note_removed(id);
        self.write_positions().await?;
        tracing::info!(bucket = name, "the tables of a deleted bucket are gone");
        Ok(())
    }

    /// Returns whether a bucket is gone, or its folder is still that of a deleted bucket.
    pub(in crate::lake) fn is_being_deleted(&self, bucket: &Bucket) -> bool {
        let catalog = &self.shared.catalog;
        let is_gone = |id| catalog.bucket(id).is_none();
        is_gone(bucket.id)
            || self
                .shared
                .positions
                .is_being_deleted(&bucket.name, is_gone)
    }
}
