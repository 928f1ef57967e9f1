//! Rows that were acknowledged and are not in the lake yet: per bucket and measurement, one growing
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
//! from time to time; a frozen one holds exactly its bytes, for as long as anyone reads it, and beside
//! them what its first reader learned of its times, which that reader's budget pays for.
//!
//! Batches of one table are applied in the order of their sequence, one at a time; readers may come
//! at any time. A table's lock is held only for a moment, whatever the table's size, because
//! every acknowledgement waits for the thread that applies. A reader shares the frozen segments and
//! copies the growing one while it is small; a large one is frozen and shared, which copies nothing
//! (a small one never is: that would leave storms of tiny segments). After a release, the
//! remaining series are counted anew alongside the writers, a few at a time.
//!
//! # Leaving the buffer
//!
//! Rows that are moved elsewhere are first sealed ([`Buffer::seal`]) and then, once they are safe
//! there, released ([`Buffer::release`]); in between, readers find them here. A sealed part of a
//! table ends with a whole batch. Since a frame of the log has at most one batch of a table (its
//! scratch columns are one set per measurement), a sequence alone separates what was sealed from
//! what came after: no batch is on both sides. Nothing of a table remains once all of it was
//! released.
//!
//! Rows that cannot be moved elsewhere may be logged again ([`Buffer::logged_again`]), so that the
//! log need not keep their old frames.
//!
//! This module does not know schemas, limits and their errors, the log or the lake.

mod bucket;
mod series;
mod sizes;
mod spread;
mod table;
mod taken;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crate::columnar::Batch;
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Exhausted, Reservation};

pub use series::SeriesSet;
pub use sizes::{BufferLimits, BufferStats};
pub use spread::Spread;
pub use taken::{LoggedAgain, Sealed, SealedSegment, TableInfo, TableSnapshot};

use bucket::Bucket;

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

impl Buffer {
    /// Returns an empty buffer.
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
    /// sequences ascend (a frame's batches, each of another measurement, share one). Returns false
    /// if the bucket was dropped: then the batch is dropped.
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

    /// Frees everything buffered for a bucket, for good: its id never comes back.
    pub fn drop_bucket(&self, bucket: BucketId) {
        let mut buckets = self
            .shared
            .buckets
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.dropped.insert(bucket);
        let freed = buckets.live.remove(&bucket);
        // Freeing takes time, so it is not done under the lock of all buckets.
        drop(buckets);
        drop(freed);
    }

    /// Returns the measurements with buffered rows, ordered bytewise.
    pub fn measurements(&self, bucket: BucketId) -> Vec<String> {
        self.bucket(bucket)
            .map(|bucket| bucket.measurements())
            .unwrap_or_default()
    }

    /// Returns the number of distinct series of a bucket.
    pub fn series_count(&self, bucket: BucketId) -> u64 {
        self.bucket(bucket)
            .map_or(0, |bucket| bucket.series_count())
    }

    /// Returns the number of bytes reserved for a bucket's rows.
    pub fn bucket_bytes(&self, bucket: BucketId) -> u64 {
        self.bucket(bucket)
            .map_or(0, |bucket| bucket.reserved_bytes())
    }

    /// Returns true if a series has buffered rows. `tags` are unescaped, ordered by key, distinct.
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
        table: &TableId,
        budget: &Budget,
    ) -> Result<Option<TableSnapshot>, Exhausted> {
        match self.bucket(table.bucket) {
            Some(bucket) => bucket.snapshot(&table.measurement, budget),
            None => Ok(None),
        }
    }

    /// Ends the growing segment of a table and hands out all rows that the table has now, to be
    /// moved elsewhere; `None` if it has none. Takes no memory, gives none back, and hides nothing
    /// from readers. Sealing again before the release hands the same rows out once more, with
    /// those that came meanwhile.
    pub fn seal(&self, table: &TableId) -> Option<Sealed> {
        self.bucket(table.bucket)?.seal(&table.measurement)
    }

    /// Keeps segments of a table from having batches on both sides of a sequence: up to it and
    /// after it. To be called before the first of them arrives. Then the former can be released
    /// without the latter, as if they had been sealed in between, which an earlier process did.
    pub fn split_after(&self, table: &TableId, sequence: Sequence) {
        if let Some(bucket) = self.bucket_or_new(table.bucket) {
            bucket.split_after(&table.measurement, sequence);
        }
    }

    /// Releases the sealed rows of a table up to a sequence, that of a [`Sealed`]. Their memory is
    /// given back when no reader holds them. A bucket that was dropped meanwhile, or a table
    /// without such rows, is left alone.
    pub fn release(&self, table: &TableId, up_to: Sequence) {
        if let Some(bucket) = self.bucket(table.bucket) {
            bucket.release(&table.measurement, up_to);
        }
    }

    /// Notes that the rows of a table up to a sequence, that of a [`Sealed`], are in the log once
    /// more, in `frames`; some of them only if not `is_whole`. If all are, the log is needed from
    /// the first of these frames on, no longer from the rows' old frames on. The newest rows now
    /// end with the last of them: moving those rows elsewhere covers the frames. Returns false, and
    /// changes nothing, if other rows came since or the table is gone.
    ///
    /// If only older rows are moved, and a start comes before the rest is, the frames bring them
    /// back, with the same values.
    pub fn logged_again(
        &self,
        table: &TableId,
        up_to: Sequence,
        (frames, is_whole): (LoggedAgain, bool),
    ) -> bool {
        let bucket = self.bucket(table.bucket);
        bucket.is_some_and(|bucket| {
            bucket.logged_again(&table.measurement, up_to, (frames, is_whole))
        })
    }

    /// Returns the tables that have rows, in no order, table by table: not a picture of one moment.
    pub fn tables(&self) -> Vec<TableInfo> {
        let mut infos = Vec::new();
        for (id, bucket) in self.buckets() {
            bucket.add_tables(id, &mut infos);
        }
        infos
    }

    /// Returns one of them, if it has rows.
    pub fn table(&self, table: &TableId) -> Option<TableInfo> {
        self.bucket(table.bucket)?.info(table)
    }

    /// The lowest sequence of which there are rows here, if there are any. All rows of the batches
    /// before it that were applied when this was called have been released.
    pub fn unflushed_from(&self) -> Option<Sequence> {
        let buckets = self.buckets().into_iter();
        buckets
            .filter_map(|(_, bucket)| bucket.unflushed_from())
            .min()
    }

    /// Returns the sizes of everything, table by table: not a picture of one moment while writes
    /// continue.
    pub fn stats(&self) -> BufferStats {
        let mut stats = BufferStats::default();
        for (_, bucket) in self.buckets() {
            bucket.add_stats(&mut stats);
        }
        stats
    }

    /// The buckets there are.
    fn buckets(&self) -> Vec<(BucketId, Arc<Bucket>)> {
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let live = buckets.live.iter();
        live.map(|(id, bucket)| (*id, Arc::clone(bucket))).collect()
    }

    fn bucket(&self, id: BucketId) -> Option<Arc<Bucket>> {
        let buckets = self
            .shared
            .buckets
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        buckets.live.get(&id).cloned()
    }

    /// Returns the bucket, made if it is missing; `None` if it was dropped.
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
