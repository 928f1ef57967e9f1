//! A table whose flush has failed: the time of the next attempt, and whether the table itself is at
//! fault. Knows nothing of other tables.

use std::time::{Duration, Instant};

use crate::lake::error::LakeError;

/// A table whose flush failed is tried again after this long, then after twice as long...
const AGAIN_FIRST: Duration = Duration::from_secs(1);
/// ...up to this.
const AGAIN_MAX: Duration = Duration::from_secs(30);

/// A table that failed this often while others are flushed is at fault itself. Takes half a minute.
const TIMES_STUCK: u32 = 6;

/// The failures of a table since its last flush.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct Failing {
    times: u32,
    since: Instant,
    pub(in crate::lake) again: Instant,
    /// True if trying again will not help.
    is_lasting: bool,
}

impl Failing {
    /// Adds a failure, now.
    pub(in crate::lake) fn after(before: Option<&Self>, error: &LakeError, now: Instant) -> Self {
        let (times, since) = before.map_or((0, now), |failing| (failing.times, failing.since));
        let wait = AGAIN_FIRST
            .saturating_mul(1 << times.min(10))
            .min(AGAIN_MAX);
        Self {
            times: times.saturating_add(1),
            since,
            again: now + wait,
            is_lasting: !error.is_transient(),
        }
    }

    /// Returns whether this table is at fault, rather than the store of all. `flushed` is the last time
    /// that any table was flushed.
    pub(in crate::lake) fn is_stuck(&self, flushed: Option<Instant>) -> bool {
        let others_go = flushed.is_some_and(|flushed| flushed > self.since);
        self.is_lasting || (self.times >= TIMES_STUCK && others_go)
    }
}
