//! Series between the log and the buffer: the limit on series counts them per bucket, as if they
//! were new.
//!
//! They are counted from before the decision about their rows until the buffer counts them itself,
//! so that any decision in the meantime sees them at least once. If they are counted twice, or known
//! already, the bucket looks fuller than it is: so rows that they would cause to be rejected wait
//! until they have arrived ([`SeriesInFlight::changed`]), because a rejected line stays rejected.
//! While a request waits ([`SeriesInFlight::await_none`]), known series of the bucket are
//! distinguished from new ones and not counted: there are at most as many new ones as places, so
//! the wait ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::id::BucketId;

/// The counts of all buckets.
#[derive(Debug, Default)]
pub(super) struct SeriesInFlight {
    buckets: Mutex<HashMap<BucketId, OnTheWay>>,
    fewer: Notify,
}

/// The counts of one bucket.
#[derive(Debug, Default)]
struct OnTheWay {
    series: u64,
    /// The number of requests that wait until there are none.
    waiting: u64,
}

impl SeriesInFlight {
    /// Counts series of a bucket until the result and all its clones are dropped. Returns nothing if
    /// `fits` is false for the number that is on its way already.
    pub(super) fn add(
        self: &Arc<Self>,
        bucket: BucketId,
        series: u64,
        fits: impl FnOnce(u64) -> bool,
    ) -> Option<Counted> {
        let mut buckets = self.buckets();
        if !fits(buckets.get(&bucket).map_or(0, |known| known.series)) {
            return None;
        }
        if series > 0 {
            buckets.entry(bucket).or_default().series += series;
        }
        drop(buckets);
        Some(Counted(Arc::new(Count {
            all: Arc::clone(self),
            bucket,
            series,
        })))
    }

    /// The number of series of a bucket that are on their way.
    pub(super) fn of(&self, bucket: BucketId) -> u64 {
        self.buckets().get(&bucket).map_or(0, |known| known.series)
    }

    /// Notes, until the result is dropped, that a request waits until no series of a bucket are on
    /// their way.
    pub(super) fn await_none(self: &Arc<Self>, bucket: BucketId) -> Waiting {
        self.buckets().entry(bucket).or_default().waiting += 1;
        Waiting {
            all: Arc::clone(self),
            bucket,
        }
    }

    /// Returns whether a request waits for that.
    pub(super) fn is_awaited(&self, bucket: BucketId) -> bool {
        let buckets = self.buckets();
        buckets.get(&bucket).is_some_and(|known| known.waiting > 0)
    }

    /// Completes when some have arrived, even if they arrive between this call and its first poll.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.fewer.notified()
    }

    fn less(&self, bucket: BucketId, series: u64, waiting: u64) {
        let mut buckets = self.buckets();
        if let Some(known) = buckets.get_mut(&bucket) {
            known.series = known.series.saturating_sub(series);
            known.waiting = known.waiting.saturating_sub(waiting);
            if known.series == 0 && known.waiting == 0 {
                buckets.remove(&bucket);
            }
        }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<BucketId, OnTheWay>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    all: Arc<SeriesInFlight>,
    bucket: BucketId,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.less(self.bucket, 0, 1);
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
        self.all.less(self.bucket, self.series, 0);
        self.all.fewer.notify_waiters();
    }
}
