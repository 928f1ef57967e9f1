//! Series between the log and the buffer: the limit on series counts them per bucket, as if they
//! were new.
//!
//! They are counted from before the decision about their rows until the buffer counts them itself,
//! so that whoever decides meanwhile sees them at least once. Seen twice, or among those that are
//! known already, they make a bucket look fuller than it is: what would be refused for them waits
//! until they are gone ([`SeriesInFlight::changed`]), for a rejected line stays rejected. As long as
//! somebody waits ([`SeriesInFlight::await_none`]), known series of the bucket are told from new ones
//! and not counted: of new ones there are only as many as there are places, so it ends.

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

/// What there is of one bucket.
#[derive(Debug, Default)]
struct OnTheWay {
    series: u64,
    /// Requests that wait until there are none.
    waiting: u64,
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

    /// Series of a bucket that are on their way.
    pub(super) fn of(&self, bucket: BucketId) -> u64 {
        self.buckets().get(&bucket).map_or(0, |known| known.series)
    }

    /// Notes until the result is dropped that somebody waits until no series of a bucket are on
    /// their way.
    pub(super) fn await_none(self: &Arc<Self>, bucket: BucketId) -> Waiting {
        self.buckets().entry(bucket).or_default().waiting += 1;
        Waiting {
            all: Arc::clone(self),
            bucket,
        }
    }

    /// Whether somebody waits for that.
    pub(super) fn is_awaited(&self, bucket: BucketId) -> bool {
        let buckets = self.buckets();
        buckets.get(&bucket).is_some_and(|known| known.waiting > 0)
    }

    /// Ends when some are on their way no more. Those that are gone between this call and its first
    /// poll count too.
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

/// Somebody who waits.
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
