//! Bytes that were acknowledged before they were on disk (`no_sync`), by bucket, until they are in
//! the buffer. They count against the bucket's share of the memory; otherwise one client that waits
//! for nothing would fill everyone's memory while the disk is slow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::BucketId;

/// The counts of all buckets.
#[derive(Debug, Default)]
pub(super) struct QueuedBytes {
    buckets: Mutex<HashMap<BucketId, u64>>,
}

impl QueuedBytes {
    /// The bytes of a bucket that wait for the log.
    pub(super) fn of(&self, bucket: BucketId) -> u64 {
        self.buckets().get(&bucket).copied().unwrap_or_default()
    }

    /// Counts a batch until the result is dropped.
    pub(super) fn add(self: &Arc<Self>, bucket: BucketId, bytes: u64) -> Queued {
        *self.buckets().entry(bucket).or_default() += bytes;
        Queued {
            all: Arc::clone(self),
            bucket,
            bytes,
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.buckets().is_empty()
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<BucketId, u64>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One batch on its way to the buffer.
#[derive(Debug)]
pub(super) struct Queued {
    all: Arc<QueuedBytes>,
    bucket: BucketId,
    bytes: u64,
}

impl Drop for Queued {
    fn drop(&mut self) {
        let mut buckets = self.all.buckets();
        if let Some(bytes) = buckets.get_mut(&self.bucket) {
            *bytes = bytes.saturating_sub(self.bytes);
            if *bytes == 0 {
                buckets.remove(&self.bucket);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::QueuedBytes;
    use crate::id::BucketId;

    #[test]
    fn each_bucket_has_its_own_count_and_an_empty_one_leaves_no_trace() {
        let all: Arc<QueuedBytes> = Arc::default();
        let (one, two) = (BucketId(1), BucketId(2));
        let first = all.add(one, 5);
        let second = all.add(one, 7);
        let other = all.add(two, 1);
        assert_eq!((all.of(one), all.of(two)), (12, 1));
        drop(first);
        assert_eq!((all.of(one), all.of(two)), (7, 1));
        drop((second, other));
        assert!(all.is_empty());
    }
}
