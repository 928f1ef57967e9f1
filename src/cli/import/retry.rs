//! The waits before a batch is sent again.

use std::time::{Duration, Instant};

use crate::clock;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// The waits of one batch: twice as long each time, with jitter, within a total time.
#[derive(Debug)]
pub(super) struct Backoff {
    /// The time of the first failure.
    since: Option<Instant>,
    within: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(within: Duration) -> Self {
        Self {
            since: None,
            within,
            next: FIRST,
        }
    }

    /// Returns the time to wait now, or an error with the time spent so far if the total would be too
    /// long. The wait is at least what the server asks for.
    pub(super) fn wait(&mut self, wish: Option<Duration>) -> Result<Duration, Duration> {
        let now = clock::instant();
        let spent = now.saturating_duration_since(*self.since.get_or_insert(now));
        let wait = jittered(self.next, random()).max(wish.unwrap_or_default());
        self.next = (self.next * 2).min(LONGEST);
        if spent + wait > self.within {
            return Err(spent);
        }
        Ok(wait)
    }
}

/// Between half of the wait and all of it, so that many clients do not come back at once.
fn jittered(wait: Duration, random: u32) -> Duration {
    wait / 2 + wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// A random number. Without the system's randomness waits are not spread, which does no harm.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Backoff, LONGEST, jittered};

    #[test]
    fn waits_grow_up_to_a_bound_and_the_servers_wish_is_the_least() {
        let mut backoff = Backoff::new(Duration::from_secs(600));
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            last = backoff.wait(None).expect("time is left");
        }
        assert!(last >= LONGEST / 2 && last <= LONGEST, "{last:?}");
        let wish = Duration::from_secs(60);
        assert_eq!(backoff.wait(Some(wish)), Ok(wish));
        assert!(backoff.wait(Some(Duration::from_secs(601))).is_err());
        let second = Duration::from_secs(1);
        assert_eq!(jittered(second, 0), second / 2);
        assert_eq!(jittered(second, u32::MAX), second);
    }
}
