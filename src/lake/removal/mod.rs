//! Removal of the files of a deleted bucket: by one node at a time, under a mark that all nodes see
//! ([`crate::lake::deletion`]).
//!
//! ```text
//! begun ── files go ── ended            the node that deleted the bucket
//!   └── no file goes for ten minutes ── taken ── files go ── ended      any node that met it
//! ```
//!
//! A node that deletes a bucket while another node does so waits for the other: afterwards everything
//! that existed when its users asked is gone. So it removes nothing itself, neither then nor when it
//! comes back later: whatever exists after the end of a deletion was made after it.
//!
//! A node that dies in the middle must not hold up the others forever. A node that meets an open
//! deletion counts the files that are left; if their number does not change for ten minutes by its own
//! clock ([`crate::lake::deletion::idle`]), it takes the removal over. Before each batch of files the
//! remover checks whether the removal was taken from it, so if two nodes believe to be the remover,
//! only one continues. Requests that a node sent to the store before that check are done, or given up
//! by the store's client, in less than ten minutes.

mod deleted_buckets;

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStore as _;
use object_store::path::Path;
use tokio::sync::MutexGuard;

use crate::lake::deletion::idle::RemovalProgress;
use crate::lake::deletion::{LastMark, Mark, Step};
use crate::lake::error::LakeError;
use crate::lake::names;
use crate::lake::table::Table;
use crate::lake::tables::Tables;

/// The number of files to remove before the remover checks that the removal is still its own.
const BATCH_FILES: usize = 4096;

impl Tables {
    /// Removes a bucket's folder with everything in it, and forgets its tables. Waits for other work on
    /// them. A mark is durable before the first file is removed.
    ///
    /// `since` is the number of the bucket's last mark when the deletion was requested: if a later
    /// deletion has ended, there is nothing left to do. An error while another node removes the files.
    pub(super) async fn remove_bucket(&self, bucket: &str, since: u64) -> Result<(), LakeError> {
        let folder = names::folder(bucket);
        let tables = self.inside(&folder);
        let _held = hold(&tables).await;
        let mut last = self.deletions().last(&folder).await?;
        if last.open().is_none() {
            // A store that was restored from a backup may have fewer marks.
            if last.number > since {
                self.forget_inside(&folder);
                return Ok(());
            }
            self.deletions().begin(&folder, bucket, last.number).await?;
            last = self.deletions().last(&folder).await?;
        }
        self.go_on(&folder, &last).await
    }

    /// The number of the last mark of a bucket when its deletion is requested. If another deletion is in
    /// progress, its end will count as the end of this one.
    pub(super) async fn deletion_number(&self, bucket: &str) -> Result<u64, LakeError> {
        let last = self.deletions().last(&names::folder(bucket)).await?;
        Ok(last.number)
    }

    /// Takes over the removals that other nodes have stopped. One that cannot be taken over does not hold
    /// up the others; returns the last error.
    pub(super) async fn take_over_idle(&self) -> Result<(), LakeError> {
        let mut failed = None;
        for folder in self.deletions().met.folders() {
            if let Err(error) = self.take_over(&folder).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn take_over(&self, folder: &str) -> Result<(), LakeError> {
        if !self.deletions().met.is_due(folder) {
            return Ok(());
        }
        let mut last = self.deletions().last(folder).await?;
        let Some(mark) = last.open().cloned() else {
            self.deletions().met.forget(folder);
            return Ok(());
        };
        let left = self.list(folder).await?.len();
        let at = RemovalProgress {
            mark: last.number,
            files_left: left,
        };
        if !self.deletions().met.is_idle(folder, at) {
            return Ok(());
        }
        let tables = self.inside(folder);
        let _held = hold(&tables).await;
        tracing::warn!(
            bucket = mark.bucket,
            node = mark.node,
            files = left,
            "the removal of a deleted bucket's tables makes no progress: this node takes it over"
        );
        if self.deletions().step(folder, &last, Step::Taken).await? {
            last = self.deletions().last(folder).await?;
            self.go_on(folder, &last).await?;
        }
        Ok(())
    }

    /// Removes the files of an open deletion, if this node is the one to remove them.
    async fn go_on(&self, folder: &str, last: &LastMark) -> Result<(), LakeError> {
        let Some(mark) = last.open() else {
            self.forget_inside(folder);
            return Ok(());
        };
        if !self.deletions().is_ours(mark) {
            self.deletions().met.meet(folder);
            return Err(mark.removing());
        }
        // A commit of another node that was on its way may still add a file.
        while self.remove_files(folder, last.number, mark).await? > 0 {}
        match self.deletions().step(folder, last, Step::Ended).await? {
            true => {
                self.deletions().met.forget(folder);
                self.forget_inside(folder);
                Ok(())
            }
            false => Err(mark.removing()),
        }
    }

    /// Removes all files in a folder, and returns the number that it found.
    async fn remove_files(
        &self,
        folder: &str,
        number: u64,
        mark: &Mark,
    ) -> Result<usize, LakeError> {
        let mut paths = self.list(folder).await?;
        // The log goes first: without it a folder is no table, and nobody reads half of one.
        paths.sort_by_key(|path| !path.as_ref().contains("/_delta_log/"));
        for batch in paths.chunks(BATCH_FILES) {
            if !self.deletions().is_last(folder, number).await? {
                return Err(mark.removing());
            }
            self.delete_all(batch).await?;
        }
        Ok(paths.len())
    }

    async fn delete_all(&self, paths: &[Path]) -> Result<(), LakeError> {
        let paths: Vec<_> = paths.iter().cloned().map(Ok).collect();
        let paths = futures_util::stream::iter(paths).boxed();
        let mut deleted = self.store().delete_stream(paths);
        while let Some(deleted) = deleted.next().await {
            match deleted {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn list(&self, folder: &str) -> Result<Vec<Path>, LakeError> {
        let prefix = Path::parse(folder).map_err(object_store::Error::from)?;
        let listed: Vec<_> = self.store().list(Some(&prefix)).try_collect().await?;
        Ok(listed.into_iter().map(|meta| meta.location).collect())
    }
}

/// Waits until no other task works on the tables.
async fn hold(tables: &[Arc<Table>]) -> Vec<MutexGuard<'_, ()>> {
    let mut held = Vec::new();
    for table in tables {
        held.push(table.upkeep().await);
        held.push(table.flushing().await);
    }
    held
}
