//! Trust in the wall clock for work that cannot be undone: retention, vacuum, and the removal of old
//! commits.
//!
//! If a clock jumps ahead (an empty battery, a virtual machine that was moved, a slip of an
//! operator), every day looks old. So a time is trusted if it is at most the last trusted reading,
//! plus the monotonic time since, plus a day. That reading is saved with the positions from time to
//! time and survives a restart. Past that limit nothing is dropped, and a warning is logged, until
//! an operator confirms the time, or until the clock has run evenly for an hour: read every second
//! and at every commit, it never differed from the monotonic clock by more than a minute. A start
//! after a pause of more than a day waits for the same.
//!
//! A clock that is set back keeps points longer, which does no harm. The first reading of a data
//! folder is trusted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::LakeError;
use super::positions::Positions;
use crate::certain::Certain;
use crate::clock::{self, Clock};
use crate::merge::DAY_NS;
use crate::narrow;

/// The limit by which a trusted reading may be ahead of the expected time.
const SLACK_NS: i64 = DAY_NS;

/// The time for which a clock that jumped must run evenly.
const HOLD: Duration = Duration::from_secs(3600);

/// The drift that still counts as even.
const DRIFT_NS: i64 = 60_000_000_000;

/// The interval at which a trusted reading is saved.
const NOTE_EVERY: Duration = Duration::from_secs(600);

/// The wall clock and the monotonic clock at one moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    wall_ns: i64,
    at: Instant,
}

impl Reading {
    /// The time that the wall clock should show at a later moment.
    fn expected_ns(self, at: Instant) -> i64 {
        let since = at.saturating_duration_since(self.at).as_nanos();
        self.wall_ns.saturating_add(narrow::capped_i64(since))
    }
}

/// The wall clock, with what decides whether it is trusted.
#[derive(Debug)]
pub(super) struct Trust {
    clock: Clock,
    /// Keeps trusted readings across restarts.
    positions: Positions,
    readings: Mutex<Readings>,
}

#[derive(Debug, Default)]
struct Readings {
    trusted: Option<Reading>,
    /// The first of the readings that are not trusted yet.
    doubted: Option<Reading>,
    noted: Option<Instant>,
}

impl Readings {
    /// Takes a reading and returns whether it is trusted.
    fn take(&mut self, now: Reading) -> bool {
        let limit_ns = self
            .trusted
            .map(|trusted| trusted.expected_ns(now.at).saturating_add(SLACK_NS));
        let is_near = limit_ns.is_none_or(|limit_ns| now.wall_ns <= limit_ns);
        if is_near || self.has_held(now) {
            self.trusted = Some(now);
            self.doubted = None;
            return true;
        }
        false
    }

    /// Returns whether a clock that is ahead has run evenly for long enough.
    fn has_held(&mut self, now: Reading) -> bool {
        let first = *self.doubted.get_or_insert(now);
        let drift_ns = now.wall_ns.saturating_sub(first.expected_ns(now.at));
        if drift_ns.saturating_abs() > DRIFT_NS {
            self.doubted = Some(now);
            return false;
        }
        now.at.saturating_duration_since(first.at) >= HOLD
    }
}

impl Trust {
    /// Starts from the last trusted reading before the restart, if one was saved.
    pub(super) fn new(clock: Clock, positions: Positions) -> Self {
        let at = clock::instant();
        let trusted = positions.time_ns();
        let trusted = trusted.map(|wall_ns| Reading { wall_ns, at });
        Self {
            clock,
            positions,
            readings: Mutex::new(Readings {
                trusted,
                ..Readings::default()
            }),
        }
    }

    /// The time in nanoseconds since the epoch, or an error if the clock is not trusted.
    pub(super) fn certain_now_ns(&self) -> Result<i64, LakeError> {
        let now = self.read_clock();
        let mut readings = self.lock();
        let is_certain = readings.take(now);
        if !is_certain {
            let trusted = readings.trusted.certain("the first reading is trusted");
            let expected_ns = trusted.expected_ns(now.at);
            return Err(LakeError::uncertain(now.wall_ns, expected_ns));
        }
        let is_noted = readings
            .noted
            .is_some_and(|noted| now.at.saturating_duration_since(noted) < NOTE_EVERY);
        if !is_noted {
            readings.noted = Some(now.at);
            self.positions.set_time_ns(now.wall_ns);
        }
        Ok(now.wall_ns)
    }

    /// Trusts the clock from now on. Returns the time, in nanoseconds since the epoch; it is durable by
    /// then. Blocks on the disk.
    pub(super) fn believe_clock(&self) -> Result<i64, LakeError> {
        let now = self.read_clock();
        {
            let mut readings = self.lock();
            readings.trusted = Some(now);
            readings.doubted = None;
            self.positions.set_time_ns(now.wall_ns);
        }
        self.positions.write()?;
        Ok(now.wall_ns)
    }

    fn read_clock(&self) -> Reading {
        Reading {
            wall_ns: self.clock.now_ns(),
            at: clock::instant(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Readings> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DRIFT_NS, HOLD, Reading, Readings, SLACK_NS};
    use crate::clock;

    const HOUR_NS: i64 = 3_600_000_000_000;

    #[test]
    fn a_clock_that_jumps_ahead_is_believed_once_it_has_held_for_an_hour() {
        let start = clock::instant();
        let at = |seconds: u64, wall_ns: i64| Reading {
            wall_ns,
            at: start + Duration::from_secs(seconds),
        };
        let mut readings = Readings::default();
        assert!(readings.take(at(0, 0)));
        assert!(readings.take(at(3600, HOUR_NS)));
        assert!(readings.take(at(3600, HOUR_NS + SLACK_NS)));
        let far_ns = 400 * SLACK_NS;
        assert!(!readings.take(at(3601, far_ns)));
        assert!(!readings.take(at(5400, far_ns + HOUR_NS / 2)));
        // It jumps again: the hour begins anew.
        let farther_ns = far_ns + HOUR_NS / 2 + 2 * DRIFT_NS;
        assert!(!readings.take(at(5401, farther_ns)));
        assert!(!readings.take(at(5400 + 3600, farther_ns + HOUR_NS - 2_000_000_000)));
        assert!(readings.take(at(5401 + HOLD.as_secs(), farther_ns + HOUR_NS)));
        // Back is no harm, and what was believed there counts from there.
        assert!(readings.take(at(10_000, 0)));
        assert!(!readings.take(at(10_001, far_ns)));
    }
}
