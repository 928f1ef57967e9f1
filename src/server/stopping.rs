//! The time that a stop may take: one deadline for everything that it does, because whoever stops a
//! server waits once. Requests in flight come first; then what is in memory is flushed, as far as
//! time allows. What is not stays in the log, and comes back with the next start.

use std::time::{Duration, Instant};

/// For the refusals of requests that were cut to be written: at most this, and at most this part of
/// the whole.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);
const LAST_WORDS_PART: u32 = 4;

/// When a stop has to be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    last_words: Duration,
}

impl Deadline {
    /// That of a stop that begins now and may take this long.
    pub(super) fn of(whole: Duration, now: Instant) -> Self {
        Self {
            at: now + whole,
            last_words: LAST_WORDS_MAX.min(whole / LAST_WORDS_PART),
        }
    }

    /// What is left of it.
    pub(super) fn left(self, now: Instant) -> Duration {
        self.at.saturating_duration_since(now)
    }

    /// How long requests in flight may go on before they are refused.
    pub(super) fn grace(self, now: Instant) -> Duration {
        self.left(now).saturating_sub(self.last_words)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Deadline;
    use crate::clock;

    /// Grace, refusals and flush came one after the other: 14 s at the defaults, Docker kills after
    /// 10.
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
