//! Time, from one place: the wall clock that stamps points (settable in tests) and the monotonic
//! clock that measures durations.

use crate::narrow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The wall clock in nanoseconds since the Unix epoch, or a clock that a test sets by hand.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Nanoseconds since the epoch of a clock set by hand; absent for the system's clock.
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's wall clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `ns` until [`Clock::set`] moves it.
    pub fn manual(ns: i64) -> Self {
        Self {
            manual: Some(Arc::new(AtomicI64::new(ns))),
        }
    }

    /// Nanoseconds since the Unix epoch.
    pub fn now_ns(&self) -> i64 {
        match &self.manual {
            Some(ns) => ns.load(Ordering::Relaxed),
            None => system_ns(),
        }
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn set(&self, ns: i64) {
        if let Some(manual) = &self.manual {
            manual.store(ns, Ordering::Relaxed);
        }
    }
}

/// The monotonic clock, for durations and deadlines.
#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
pub fn instant() -> Instant {
    Instant::now()
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn system_ns() -> i64 {
    let now = SystemTime::now();
    match now.duration_since(UNIX_EPOCH) {
        Ok(since) => narrow::capped_i64(since.as_nanos()),
        Err(before) => {
            i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| ns.saturating_neg())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_set() {
        let clock = Clock::manual(5);
        assert_eq!(clock.now_ns(), 5);
        clock.clone().set(7);
        assert_eq!(clock.now_ns(), 7);
        assert!(Clock::system().now_ns() > 1_700_000_000_000_000_000);
    }
}
