//! Removals by other nodes that make no progress, and since when, by this node's clock.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::certain::Certain;
use crate::clock;

/// A removal is taken over if no file went for this long.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// The pause between looks at the number of files left.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Removals that this node has met, by the bucket's folder.
#[derive(Debug, Default)]
pub(in crate::lake) struct MetRemovals(Mutex<HashMap<String, Idle>>);

/// The progress of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lake) struct RemovalProgress {
    /// The number of its last mark.
    pub(in crate::lake) mark: u64,
    pub(in crate::lake) files_left: usize,
}

/// The progress of a removal, and since when it has not changed.
#[derive(Debug, Default)]
struct Idle {
    at: Option<RemovalProgress>,
    since: Option<Instant>,
    looked: Option<Instant>,
}

impl MetRemovals {
    /// Notes that a removal was met.
    pub(in crate::lake) fn meet(&self, folder: &str) {
        self.all().entry(folder.to_owned()).or_default();
    }

    /// Forgets a removal that is over.
    pub(in crate::lake) fn forget(&self, folder: &str) {
        self.all().remove(folder);
    }

    /// The folders of all of them.
    pub(in crate::lake) fn folders(&self) -> Vec<String> {
        self.all().keys().cloned().collect()
    }

    /// Returns whether it is time to look again, and if so counts this as a look.
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

    /// Notes the progress of a removal. Returns whether it has not changed for too long.
    pub(in crate::lake) fn is_idle(&self, folder: &str, at: RemovalProgress) -> bool {
        let now = clock::instant();
        let mut all = self.all();
        let idle = all.entry(folder.to_owned()).or_default();
        if idle.at != Some(at) {
            (idle.at, idle.since) = (Some(at), Some(now));
        }
        let since = idle.since.certain("it was noted with the progress");
        now.saturating_duration_since(since) >= IDLE_MAX
    }

    /// Pretends that everything was seen this long ago.
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
