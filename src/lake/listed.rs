//! The tables of buckets as the store listed them lately, for readers that may see a little less than
//! there is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// The most names that are kept of all buckets together.
const NAMES_MAX: usize = 1 << 16;

/// The measurements of a bucket, each with its folder.
type Measurements = BTreeMap<String, String>;

/// The last lists, by the folder of the bucket.
#[derive(Debug, Default)]
pub(super) struct Listed(Mutex<Lists>);

#[derive(Debug, Default)]
struct Lists {
    /// How often a bucket was removed: what was listed before may be gone.
    removals: u64,
    by_bucket: HashMap<String, List>,
}

#[derive(Debug)]
struct List {
    began: Instant,
    measurements: Measurements,
}

/// A listing that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    began: Instant,
    removals: u64,
}

impl Listed {
    /// The tables of a bucket, if they were listed within this time.
    pub(super) fn within(&self, age: Duration, bucket: &str) -> Option<Measurements> {
        let lists = self.lock();
        let list = lists.by_bucket.get(bucket)?;
        list.is_within(age).then(|| list.measurements.clone())
    }

    /// Begins to list.
    pub(super) fn begin(&self) -> Listing {
        Listing {
            began: clock::instant(),
            removals: self.lock().removals,
        }
    }

    /// Keeps what was listed for this time, if there is room, and no bucket was removed meanwhile.
    pub(super) fn keep(
        &self,
        age: Duration,
        bucket: &str,
        listing: Listing,
        measurements: &Measurements,
    ) {
        let mut lists = self.lock();
        lists.by_bucket.retain(|_, list| list.is_within(age));
        lists.by_bucket.remove(bucket);
        let kept = lists.by_bucket.values();
        let kept: usize = kept.map(|list| list.measurements.len()).sum();
        let list = List {
            began: listing.began,
            measurements: measurements.clone(),
        };
        let has_room = kept.saturating_add(measurements.len()) <= NAMES_MAX;
        if has_room && listing.removals == lists.removals && list.is_within(age) {
            lists.by_bucket.insert(bucket.to_owned(), list);
        }
    }

    /// Forgets the tables of a bucket, which are gone.
    pub(super) fn forget(&self, bucket: &str) {
        let mut lists = self.lock();
        lists.removals += 1;
        lists.by_bucket.remove(bucket);
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn is_within(&self, age: Duration) -> bool {
        clock::instant().saturating_duration_since(self.began) < age
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Listed, Measurements, NAMES_MAX};

    const HOUR: Duration = Duration::from_secs(3600);

    fn measurements(count: usize) -> Measurements {
        let names = (0..count).map(|number| (number.to_string(), String::new()));
        names.collect()
    }

    #[test]
    fn a_list_that_was_begun_before_a_removal_is_not_kept() {
        let (listed, two) = (Listed::default(), measurements(2));
        let early = listed.begin();
        listed.forget("other");
        listed.keep(HOUR, "b", early, &two);
        assert_eq!(listed.within(HOUR, "b"), None);
        listed.keep(HOUR, "b", listed.begin(), &two);
        assert_eq!(listed.within(HOUR, "b"), Some(two));
        assert_eq!(listed.within(Duration::ZERO, "b"), None);
        listed.forget("b");
        assert_eq!(listed.within(HOUR, "b"), None);
    }

    #[test]
    fn only_so_many_names_are_kept() {
        let listed = Listed::default();
        let half = measurements(NAMES_MAX / 2);
        for bucket in ["a", "b", "c"] {
            listed.keep(HOUR, bucket, listed.begin(), &half);
        }
        let kept = ["a", "b", "c"].map(|bucket| listed.within(HOUR, bucket).is_some());
        assert_eq!(kept, [true, true, false]);
    }
}
