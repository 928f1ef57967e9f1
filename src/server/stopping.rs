//! The time that a stop may take: one deadline for all of its steps, because whoever stops a server
//! waits only once. Requests in flight come first; then memory is flushed as far as time allows.
//! Points that are not flushed stay in the log and come back with the next start.

use std::time::{Duration, Instant};

/// The most time for writing the refusals of the requests that were ended; also at most a fraction
/// of the whole.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);
const LAST_WORDS_PART: u32 = 4;

/// The moment by which a stop has to be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    last_words: Duration,
}

impl Deadline {
    /// The deadline of a stop that begins now and may take this long.
    pub(super) fn of(whole: Duration, now: Instant) -> Self {
        Self {
            at: now + whole,
            last_words: LAST_WORDS_MAX.min(whole / LAST_WORDS_PART),
        }
    }

    /// The time that is left.
    pub(super) fn left(self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// The time that requests in flight may continue before they are refused.
    pub(super) fn grace(self, now: Instant) -> Duration {
        self.left(now).saturating_sub(self.last_words)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Deadline;
    use crate::clock;

    /// From a bug: the grace period, the refusals and the flush added up to 14 s at the defaults,
    /// and Docker kills after 10.
    #[test]
    fn whatever_a_stop_does_takes_from_one_deadline() {
        let start = clock::instant();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let stop = Deadline::of(Duration::from_secs(9), start);
        assert_eq!(stop.grace(start), Duration::from_secs(8));
        assert_eq!(stop.grace(after(7500)), Duration::from_millis(500));
        assert_eq!(stop.left(after(8000)), Duration::from_secs(1), "last words");
        assert_eq!(stop.left(after(2000)), Duration::from_secs(7), "to flush");
        assert_eq!(stop.left(after(9500)), Duration::ZERO);
        let short = Deadline::of(Duration::from_millis(400), start);
        assert_eq!(short.grace(start), Duration::from_millis(300));
        let none = Deadline::of(Duration::ZERO, start);
        assert_eq!((none.grace(start), none.left(start)), Default::default());
    }
}
