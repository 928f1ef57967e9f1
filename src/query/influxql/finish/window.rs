//! Windows of GROUP BY time.
//!
//! A window starts where the local time of the zone, less the offset, is a multiple of the interval
//! (weeks start on a Thursday, since the epoch did). Where the clocks change, a window that is longer
//! than the change is longer or shorter by it, so that days start at midnight. One that is not keeps its
//! length, and the hour that the clocks skip has none; if it does not end where the clocks change, it is
//! cut there.
//!
//! Windows cover all times without a gap: `start_of(end_of(t)) == end_of(t)`.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

/// The windows of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    interval_ns: i64,
    offset_ns: i64,
    zone: Option<Tz>,
}

/// The windows of many times, found faster where times that follow each other share one.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    grid: Grid,
    start_ns: i64,
    end_ns: i64,
}

/// A walk from window to window.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    grid: Grid,
    descending: bool,
    start_ns: i64,
}

impl Grid {
    /// Returns windows of an interval; `None` unless the interval is positive. Of the offset only what
    /// remains after division by the interval matters.
    pub fn new(interval_ns: i64, offset_ns: i64, zone: Option<Tz>) -> Option<Self> {
        if interval_ns <= 0 {
            return None;
        }
        let offset_ns = offset_ns.rem_euclid(interval_ns);
        // UTC needs no look at a table.
        let zone = zone.filter(|zone| *zone != Tz::UTC);
        Some(Self {
            interval_ns,
            offset_ns,
            zone,
        })
    }

    /// Returns the length of a window on a day without a change of clocks.
    pub fn interval_ns(&self) -> i64 {
        self.interval_ns
    }

    /// Returns the first nanosecond of the window that holds a time.
    pub fn start_of(&self, time_ns: i64) -> i64 {
        let time_ns = self.settled(time_ns);
        let zone = self.zone_offset_ns(time_ns);
        let start = time_ns.saturating_sub(self.elapsed_ns(time_ns, zone));
        if self.zone_offset_ns(start) != zone {
            return self.at_other_offset(start, zone, time_ns);
        }
        let repeated_ns = self.repeated_ns(start);
        start.saturating_sub(repeated_ns)
    }

    /// Returns the first nanosecond after the window that holds a time.
    pub fn end_of(&self, time_ns: i64) -> i64 {
        let time_ns = self.settled(time_ns);
        let zone = self.zone_offset_ns(time_ns);
        let rest = self
            .interval_ns
            .saturating_sub(self.elapsed_ns(time_ns, zone));
        let end = time_ns.saturating_add(rest);
        if self.zone_offset_ns(end) == zone {
            return end;
        }
        self.at_other_offset(end, zone, time_ns)
    }

    /// Returns a time of the same window that is not of an hour that comes a second time: such an hour
    /// belongs to the window in which the clocks were set back.
    fn settled(&self, time_ns: i64) -> i64 {
        match self.repeated_ns(time_ns) {
            0 => time_ns,
            shift => {
                let first_time = time_ns.saturating_sub(shift);
                self.change_between(first_time, time_ns).saturating_sub(1)
            }
        }
    }

    /// Returns how long ago it was the same local time before; 0 if it was not, or not within a window.
    fn repeated_ns(&self, time_ns: i64) -> i64 {
        if self.zone.is_none() {
            return 0;
        }
        let zone = self.zone_offset_ns(time_ns);
        let earlier = self.zone_offset_ns(time_ns.saturating_sub(self.interval_ns));
        let shift = earlier.saturating_sub(zone);
        if shift > 0
            && self.is_short(shift)
            && self.zone_offset_ns(time_ns.saturating_sub(shift)) == earlier
        {
            return shift;
        }
        0
    }

    /// Returns when a local time is, which `guess_ns` would be if the offset of the zone were still
    /// `zone`, that of a time in the window, though it is another there.
    fn at_other_offset(&self, guess_ns: i64, zone: i64, time_ns: i64) -> i64 {
        let other = self.zone_offset_ns(guess_ns);
        let shift = zone.saturating_sub(other);
        if !self.is_short(shift) {
            return self.change_between(guess_ns, time_ns);
        }
        let shifted = guess_ns.saturating_add(shift);
        if self.zone_offset_ns(shifted) == other {
            return shifted;
        }
        // A local time that is skipped.
        self.change_between(guess_ns, shifted)
    }

    /// Returns the first nanosecond with the new offset of two times with different offsets.
    fn change_between(&self, one_ns: i64, other_ns: i64) -> i64 {
        let (mut before, mut after) = (one_ns.min(other_ns), one_ns.max(other_ns));
        let old = self.zone_offset_ns(before);
        while after.saturating_sub(before) > 1 {
            let middle = before.midpoint(after);
            if self.zone_offset_ns(middle) == old {
                before = middle;
            } else {
                after = middle;
            }
        }
        after
    }

    /// Returns a walk that stands at a window's start.
    pub fn walk(&self, start_ns: i64, descending: bool) -> Walk {
        Walk {
            grid: *self,
            descending,
            start_ns,
        }
    }

    /// How long before a time its window started, if the clocks did not change within it.
    fn elapsed_ns(&self, time_ns: i64, zone_offset_ns: i64) -> i64 {
        let local = time_ns.checked_add(zone_offset_ns);
        if let Some(local) = local.and_then(|local| local.checked_sub(self.offset_ns)) {
            return local.rem_euclid(self.interval_ns);
        }
        let local = i128::from(time_ns) + i128::from(zone_offset_ns) - i128::from(self.offset_ns);
        let elapsed = local.rem_euclid(i128::from(self.interval_ns));
        i64::try_from(elapsed).unwrap_or(0)
    }

    /// True for a change of clocks that is shorter than a window.
    fn is_short(&self, shift_ns: i64) -> bool {
        shift_ns != 0 && shift_ns.saturating_abs() < self.interval_ns
    }

    fn zone_offset_ns(&self, time_ns: i64) -> i64 {
        let Some(zone) = self.zone else {
            return 0;
        };
        let utc = DateTime::from_timestamp_nanos(time_ns).naive_utc();
        let offset = zone.offset_from_utc_datetime(&utc).fix();
        i64::from(offset.local_minus_utc()).saturating_mul(1_000_000_000)
    }
}

impl Windows {
    /// Begins with no window.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            start_ns: 0,
            end_ns: 0,
        }
    }

    /// Returns the first nanosecond of the window that holds a time.
    pub fn start_of(&mut self, time_ns: i64) -> i64 {
        if !(self.start_ns..self.end_ns).contains(&time_ns) {
            self.start_ns = self.grid.start_of(time_ns);
            self.end_ns = self.grid.end_of(time_ns);
        }
        self.start_ns
    }
}

impl Walk {
    /// Returns the start of the window at which the walk stands.
    pub fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// Goes to the next window, or to the one before in a descending walk.
    pub fn step(&mut self) {
        let grid = self.grid;
        self.start_ns = match (self.descending, grid.zone) {
            (false, None) => self.start_ns.saturating_add(grid.interval_ns),
            (true, None) => self.start_ns.saturating_sub(grid.interval_ns),
            (false, Some(_)) => grid.start_of(grid.end_of(self.start_ns)),
            (true, Some(_)) => grid.start_of(self.start_ns.saturating_sub(1)),
        };
    }
}
