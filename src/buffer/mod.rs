//! What was acknowledged and is not in the lake yet: per bucket and measurement one growing
//! segment and the frozen ones before it.
//!
//! ```text
//! bucket > table: [frozen][frozen][frozen] [active]     oldest first, in order of sequence
//! ```
//!
//! Memory is exact and decided before the log is written: a writer reserves
//! [`Buffer::apply_bytes_max`] for its batch and hands the reservation over with it, so that
//! applying never fails and never takes more than was reserved. The growing segment holds
//! reservations for the most that its contents can take (vectors double), the excess goes back
//! from time to time; a frozen one holds exactly its bytes, for as long as anyone reads it.
//!
//! Batches of one table are applied in the order of their sequence, by one thread; readers may
//! come at any time. A reader shares the frozen segments and copies the growing one: it never
//! seals it, for that would leave storms of tiny segments, and it holds the table's lock for no
//! longer than the copy.
//!
//! What this module does not know: schemas, limits and their errors, the log, the lake.

mod bucket;
mod series;
mod table;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::columnar::{Batch, Segment};
use crate::id::{BucketId, Sequence};
use crate::memory::{Budget, Exhausted, Reservation};

pub use series::SeriesSet;

use bucket::Bucket;
use table::Frozen;

/// Limits of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// A growing segment of at least this many bytes is frozen.
    pub segment_bytes_max: u64,
}

impl Default for BufferLimits {
    fn default() -> Self {
        Self {
            segment_bytes_max: 32 << 20,
        }
    }
}

/// All buffered rows of all buckets. Clones share them.
#[derive(Clone, Debug)]
pub struct Buffer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: BufferLimits,
    buckets: RwLock<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    live: HashMap<BucketId, Arc<Bucket>>,
    /// Ids are never reused, so a batch for one of these was queued before its bucket was dropped.
    dropped: HashSet<BucketId>,
}

/// A table as it was after the batch with `sequence`: complete, and unchanged by later writes.
/// Its memory is accounted for until it is dropped.
#[derive(Debug)]
pub struct TableSnapshot {
    /// Oldest first: of equal points, the later segment's (and in a segment the later row's)
    /// values win, field by field.
    pub segments: Vec<Arc<Segment>>,
    /// The last batch in it.
    pub sequence: Sequence,
    _frozen: Vec<Arc<Frozen>>,
    _copy: Option<Reservation>,
}

/// Sizes for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferStats {
    /// Tables, over all buckets.
    pub tables: u64,
    /// Rows, growing and frozen, overwritten ones included.
    pub rows: u64,
    /// Distinct series.
    pub series: u64,
    /// Bytes on the heap of growing segments, indexes included.
    pub active_bytes: u64,
    /// Bytes on the heap of frozen segments.
    pub frozen_bytes: u64,
    /// Bytes reserved for all of it.
    pub reserved_bytes: u64,
    /// Frozen segments.
    pub frozen_segments: u64,
}

impl Buffer {
    /// An empty buffer.
    pub fn new(limits: BufferLimits) -> Self {
        Self {
            shared: Arc::new(Shared {
                limits,
                buckets: RwLock::default(),
            }),
        }
    }

    /// The most bytes that applying `batch` can take: what to reserve before logging it.
    pub fn apply_bytes_max(batch: &Batch) -> u64 {
        table::apply_bytes_max(batch)
    }

    /// Adds the rows of `batch`. `reservation` holds at least [`Buffer::apply_bytes_max`] of it;
    /// sequences ascend (a frame's batches share one). Returns false if the bucket was dropped: then
    /// the batch is let go.
    pub fn apply(
        &self,
        bucket: BucketId,
        sequence: Sequence,
        batch: &Batch,
        reservation: Reservation,
    ) -> bool {
        let Some(bucket) = self.bucket_or_new(bucket) else {
            return false;
        };
        bucket.apply(sequence, batch, reservation, self.shared.limits);
        true
    }

    /// Frees all that is buffered for a bucket, for good: its id never comes back.
    pub fn drop_bucket(&self, bucket: BucketId) {
        let mut buckets = self
            .shared
            .buckets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.dropped.insert(bucket);
        let freed = buckets.live.remove(&bucket);
        // Freeing takes its time: not under the lock of all buckets.
        drop(buckets);
        drop(freed);
    }

    /// The measurements with buffered rows, ordered bytewise.
    pub fn measurements(&self, bucket: BucketId) -> Vec<String> {
        self.bucket(bucket)
            .map(|bucket| bucket.measurements())
            .unwrap_or_default()
    }

    /// The number of distinct series of a bucket.
    pub fn series_count(&self, bucket: BucketId) -> u64 {
        self.bucket(bucket)
            .map_or(0, |bucket| bucket.series_count())
    }

    /// Bytes reserved for a bucket's rows.
    pub fn bucket_bytes(&self, bucket: BucketId) -> u64 {
        self.bucket(bucket)
            .map_or(0, |bucket| bucket.reserved_bytes())
    }

    /// Whether a series has buffered rows. `tags` are unescaped, ordered by key, distinct.
    pub fn contains_series(
        &self,
        bucket: BucketId,
        measurement: &str,
        tags: &[(&str, &str)],
    ) -> bool {
        self.bucket(bucket)
            .is_some_and(|bucket| bucket.contains_series(measurement, tags))
    }

    /// A table as it is now, or `None` if it has no rows. The copy of the growing segment is paid
    /// from `budget`.
    pub fn snapshot(
        &self,
        bucket: BucketId,
        measurement: &str,
        budget: &Budget,
    ) -> Result<Option<TableSnapshot>, Exhausted> {
        match self.bucket(bucket) {
            Some(bucket) => bucket.snapshot(measurement, budget),
            None => Ok(None),
        }
    }

    /// Sizes of everything, table by table: not one moment's picture while writes go on.
    pub fn stats(&self) -> BufferStats {
        let buckets: Vec<Arc<Bucket>> = {
            let buckets = self
                .shared
                .buckets
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            buckets.live.values().cloned().collect()
        };
        let mut stats = BufferStats::default();
        buckets
            .iter()
            .for_each(|bucket| bucket.add_stats(&mut stats));
        stats
    }

    fn bucket(&self, id: BucketId) -> Option<Arc<Bucket>> {
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.live.get(&id).cloned()
    }

    /// `None` if it was dropped.
    fn bucket_or_new(&self, id: BucketId) -> Option<Arc<Bucket>> {
        if let Some(bucket) = self.bucket(id) {
            return Some(bucket);
        }
        let mut buckets = self
            .shared
            .buckets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if buckets.dropped.contains(&id) {
            return None;
        }
        Some(buckets.live.entry(id).or_default().clone())
    }
}
