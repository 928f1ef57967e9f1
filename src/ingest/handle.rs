//! The handle to the write path, and what all its parts share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::options::Options;
use super::progress::{Applied, Checkpointed};
use super::queued::QueuedBytes;
use super::resolve::Resolver;
use crate::buffer::Buffer;
use crate::catalog::{Catalog, CatalogError};
use crate::clock;
use crate::id::BucketId;
use crate::memory::Budget;
use crate::storage::{Storage, StorageError};
use crate::telemetry::{Metrics, causes};
use crate::wal::LogStats;

/// The handle to the write path. Clones share it.
#[derive(Clone, Debug)]
pub struct Ingest {
    pub(super) shared: Arc<Shared>,
}

/// Called with a bucket's id and name before it is deleted; an error prevents the deletion.
pub type OnDelete = Box<dyn Fn(BucketId, &str) -> Result<(), StorageError> + Send + Sync>;

pub(super) struct BeforeDelete(pub(super) OnDelete);

impl fmt::Debug for BeforeDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeDelete")
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) on_delete: Option<BeforeDelete>,
    pub(super) options: Options,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) catalog: Catalog,
    pub(super) buffer: Buffer,
    pub(super) budget: Budget,
    pub(super) metrics: Metrics,
    pub(super) resolver: Arc<Resolver>,
    /// The bytes that were acknowledged and are not in the buffer yet.
    pub(super) queued: Arc<QueuedBytes>,
    /// The last frame that the log may release.
    pub(super) applied: Arc<Applied>,
    pub(super) checkpointed: Checkpointed,
    /// Limits how many bodies are parsed at the same time off the serving threads.
    pub(super) parsers: Arc<tokio::sync::Semaphore>,
    /// Shared with each write that is under way.
    pub(super) under_way: Arc<()>,
    pub(super) newest_replayed_ns: Option<i64>,
}

/// Memory that even a write of one line takes for a moment, in bytes.
const SMALL_WRITE_BYTES: u64 = 64 * 1024;

impl Ingest {
    /// The buffered points, for readers and for metrics.
    pub fn buffer(&self) -> &Buffer {
        &self.shared.buffer
    }

    /// The newest time of a point that the log held when it was replayed, in nanoseconds since the
    /// epoch; absent if it held none.
    pub fn newest_replayed_ns(&self) -> Option<i64> {
        self.shared.newest_replayed_ns
    }

    /// The age of the oldest row that is in no table yet.
    pub fn lag(&self) -> Duration {
        let tables = self.shared.buffer.tables().into_iter();
        let oldest = tables.map(|table| table.since).min();
        oldest.map_or(Duration::ZERO, |since| {
            clock::instant().saturating_duration_since(since)
        })
    }

    /// The log's state on disk, for metrics.
    pub fn log_stats(&self) -> LogStats {
        self.shared.resolver.wal().stats()
    }

    /// Deletes a bucket. When this returns, the deletion is durable, the bucket's memory is free, and
    /// batches that are on their way to it are answered with
    /// [`WriteError::BucketGone`](super::WriteError::BucketGone). Blocks on the disk.
    pub fn delete_bucket(&self, id: BucketId) -> Result<(), CatalogError> {
        let found = self.shared.catalog.bucket(id);
        if let (Some(BeforeDelete(call)), Some(bucket)) = (&self.shared.on_delete, found) {
            call(id, &bucket.name)?;
        }
        self.shared.catalog.delete_bucket(id)?;
        self.shared.resolver.drop_bucket(id);
        // Its points no longer need the log. The bucket is deleted even if that fails now.
        if let Err(error) = self.release_log() {
            tracing::warn!(
                error = causes(&error),
                "the log of a deleted bucket could not be released yet"
            );
        }
        Ok(())
    }

    /// Checks whether a write would be accepted now; the error says why not. Memory held by requests
    /// in progress does not count: it comes back by itself, and a monitor that saw it as a failure
    /// would restart a busy server.
    pub fn health(&self) -> Result<(), String> {
        self.shared.resolver.log_health()?;
        self.check_log().map_err(|full| full.to_string())?;
        let room = self.shared.budget.would_fit(SMALL_WRITE_BYTES);
        room.map_err(|full| format!("memory is full: {full}"))
    }
}
