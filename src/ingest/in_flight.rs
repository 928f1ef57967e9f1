//! Series between the log and the buffer: the limit on series counts them per bucket, as if they
//! were new.
//!
//! They are counted from before the decision about their rows until the buffer counts them itself,
//! so that whoever decides meanwhile sees them at least once. Seen twice, or among those that are
//! known already, they make a bucket look fuller than it is: what would be refused for them waits
//! until they are gone ([`SeriesInFlight::changed`]), for a rejected line stays rejected.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::id::BucketId;

/// The counts of all buckets.
#[derive(Debug, Default)]
pub(super) struct SeriesInFlight {
    buckets: Mutex<HashMap<BucketId, u64>>,
    fewer: Notify,
}

impl SeriesInFlight {
    /// Counts series of a bucket until the result, and all its clones, are dropped; if `fits` says
    /// so of those that are on their way already.
    pub(super) fn add(
        self: &Arc<Self>,
        bucket: BucketId,
        series: u64,
        fits: impl FnOnce(u64) -> bool,
    ) -> Option<Counted> {
        let mut buckets = self.buckets();
        let before = buckets.get(&bucket).copied().unwrap_or_default();
        if !fits(before) {
            return None;
        }
        if series > 0 {
            buckets.insert(bucket, before + series);
        }
        drop(buckets);
        Some(Counted(Arc::new(Count {
            all: Arc::clone(self),
            bucket,
            series,
        })))
    }

    /// Series of a bucket that are on their way.
    pub(super) fn of(&self, bucket: BucketId) -> u64 {
        self.buckets().get(&bucket).copied().unwrap_or_default()
    }

    /// Ends when some are on their way no more. Those that are gone between this call and its first
    /// poll count too.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.fewer.notified()
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<BucketId, u64>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Series of one request on their way to the buffer.
#[derive(Clone, Debug)]
pub(super) struct Counted(#[expect(dead_code, reason = "held until it is dropped")] Arc<Count>);

#[derive(Debug)]
struct Count {
    all: Arc<SeriesInFlight>,
    bucket: BucketId,
    series: u64,
}

impl Drop for Count {
    fn drop(&mut self) {
        let mut buckets = self.all.buckets();
        if let Some(series) = buckets.get_mut(&self.bucket) {
            *series = series.saturating_sub(self.series);
            if *series == 0 {
                buckets.remove(&self.bucket);
            }
        }
        drop(buckets);
        self.all.fewer.notify_waiters();
    }
}
