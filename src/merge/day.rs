//! Times, and the days (UTC) that they fall on.

use crate::certain::Certain;

/// The length of a day, in nanoseconds.
pub const DAY_NS: i64 = 86_400_000_000_000;

/// The day of a time: days since 1970-01-01, negative before.
pub fn day_of(time_ns: i64) -> i32 {
    let days = i32::try_from(time_ns.div_euclid(DAY_NS));
    days.certain("64 bits of nanoseconds are 106 752 days either way")
}

/// The first nanosecond of a day, or the nearest that can be represented.
pub fn day_start_ns(day: i32) -> i64 {
    i64::from(day).saturating_mul(DAY_NS)
}

/// A range of times that is asked for, in nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first time.
    pub start_ns: i64,
    /// The first time after the range; absent if it is unbounded.
    pub end_ns: Option<i64>,
}

impl TimeRange {
    /// Every time there is.
    pub const ALL: Self = Self {
        start_ns: i64::MIN,
        end_ns: None,
    };

    /// The times that are in both ranges.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let ends = self.end_ns.into_iter().chain(other.end_ns);
        Self {
            start_ns: self.start_ns.max(other.start_ns),
            end_ns: ends.min(),
        }
    }

    /// Returns whether a time is asked for.
    pub fn contains(&self, time_ns: i64) -> bool {
        time_ns >= self.start_ns && self.end_ns.is_none_or(|end_ns| time_ns < end_ns)
    }

    /// Returns whether a time from `min_ns` to `max_ns` may be asked for.
    pub fn meets(&self, min_ns: i64, max_ns: i64) -> bool {
        max_ns >= self.start_ns && self.end_ns.is_none_or(|end_ns| min_ns < end_ns)
    }

    /// Returns whether a time of that day may be asked for.
    pub fn meets_day(&self, day: i32) -> bool {
        let ends_before = |end_ns| end_ns <= day_start_ns(day);
        day >= day_of(self.start_ns) && !self.end_ns.is_some_and(ends_before)
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_NS, TimeRange, day_of, day_start_ns};

    #[test]
    fn a_day_starts_at_midnight_before_1970_too() {
        for (time_ns, day) in [
            (0, 0),
            (DAY_NS - 1, 0),
            (DAY_NS, 1),
            (-1, -1),
            (-DAY_NS, -1),
        ] {
            assert_eq!(day_of(time_ns), day, "{time_ns}");
        }
        assert_eq!(day_of(-DAY_NS - 1), -2);
        for time_ns in [i64::MIN, i64::MAX, 0] {
            let day = day_of(time_ns);
            assert!(day_start_ns(day) <= time_ns && day_of(day_start_ns(day + 1)) >= day);
        }
    }

    #[test]
    fn a_range_meets_the_days_that_its_times_fall_on() {
        let range = TimeRange {
            start_ns: DAY_NS + 5,
            end_ns: Some(3 * DAY_NS),
        };
        let met: Vec<i32> = (-1..5).filter(|day| range.meets_day(*day)).collect();
        assert_eq!(met, [1, 2], "the end is the first time after it");
        assert!(
            [i64::MIN, 0, i64::MAX]
                .map(day_of)
                .iter()
                .all(|day| TimeRange::ALL.meets_day(*day))
        );
    }
}
