//! Removals that were met and do not go on: since when, as this node's clock measures it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// A removal of which no file goes for so long is taken over.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// How often it is looked how many files are left.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Removals that were met, by the bucket's folder.
#[derive(Debug, Default)]
pub(in crate::lake) struct MetRemovals(Mutex<HashMap<String, Idle>>);

/// How far a removal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lake) struct RemovalProgress {
    /// The number of its last mark.
    pub(in crate::lake) mark: u64,
    pub(in crate::lake) files_left: usize,
}

/// How far a removal is, and since when.
#[derive(Debug, Default)]
struct Idle {
    at: Option<RemovalProgress>,
    since: Option<Instant>,
    looked: Option<Instant>,
}

impl MetRemovals {
    /// Somebody has met a removal.
    pub(in crate::lake) fn meet(&self, folder: &str) {
        self.all().entry(folder.to_owned()).or_default();
    }

    /// It is over.
    pub(in crate::lake) fn forget(&self, folder: &str) {
        self.all().remove(folder);
    }

    /// The folders of all of them.
    pub(in crate::lake) fn folders(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    /// Whether it is time to look again; the look is noted.
    pub(in crate::lake) fn is_due(&self, folder: &str) -> bool {
        let now = clock::instant();
        let mut all = self.all();
        let idle = all.entry(folder.to_owned()).or_default();
        let looked = idle.looked;
        let is_due =
            looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_EVERY);
        if is_due {
            idle.looked = Some(now);
        }
        is_due
    }

    /// Notes how far a removal is; says whether that has not changed for too long.
    pub(in crate::lake) fn is_idle(&self, folder: &str, at: RemovalProgress) -> bool {
        let now = clock::instant();
        let mut all = self.all();
        let idle = all.entry(folder.to_owned()).or_default();
        if idle.at != Some(at) {
            (idle.at, idle.since) = (Some(at), Some(now));
        }
        let since = idle.since.unwrap_or(now);
        now.saturating_duration_since(since) >= IDLE_MAX
    }

    /// As if everything had been seen so long ago.
    #[cfg(test)]
    pub(in crate::lake) fn stood_still_for(&self, idle: Duration) {
        let back =
            |at: Option<Instant>| at.map(|at| at.checked_sub(idle).expect("an earlier time"));
        for met in self.all().values_mut() {
            (met.since, met.looked) = (back(met.since), back(met.looked));
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
