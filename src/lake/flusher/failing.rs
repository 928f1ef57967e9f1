//! A table whose flush has failed: when it is tried again, and whether it is at fault itself. Does
//! not know what else there is to flush.

use std::time::{Duration, Instant};

use crate::lake::error::LakeError;

/// A table whose flush failed is tried again after this long, then after twice as long...
const AGAIN_FIRST: Duration = Duration::from_secs(1);
/// ...up to this.
const AGAIN_MAX: Duration = Duration::from_secs(30);

/// A table that failed so often, while others are flushed, is at fault itself: half a minute.
const TIMES_STUCK: u32 = 6;

/// What is known of its failures since it was flushed last.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct Failing {
    times: u32,
    since: Instant,
    pub(in crate::lake) again: Instant,
    /// Trying again will not help.
    is_lasting: bool,
}

impl Failing {
    /// One failure more, now.
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

    /// Whether it is this table that is at fault, and not the store of all. `flushed` is when any
    /// table was flushed last.
    pub(in crate::lake) fn is_stuck(&self, flushed: Option<Instant>) -> bool {
        let others_go = flushed.is_some_and(|flushed| flushed > self.since);
        self.is_lasting || (self.times >= TIMES_STUCK && others_go)
    }
}
