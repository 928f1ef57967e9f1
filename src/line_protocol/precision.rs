//! The unit in which the timestamps of a body are counted, and the range of times that can be stored.

/// The latest nanosecond that can be stored; the earliest is its negative.
const NS_MAX: i64 = 9_223_372_036_854_775_806;

/// The unit of the timestamps of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 1 ns, the default.
    #[default]
    Nanosecond,
    /// 1,000 ns.
    Microsecond,
    /// 1,000,000 ns.
    Millisecond,
    /// 1,000,000,000 ns.
    Second,
    /// 60 seconds.
    Minute,
    /// 3600 seconds.
    Hour,
    /// The size of each timestamp determines its unit: below 5e9 seconds, below 5e12 milliseconds,
    /// below 5e15 microseconds, otherwise nanoseconds (contract section 3.2).
    Auto,
}

impl Precision {
    /// The unit of `timestamp` in nanoseconds.
    fn unit_ns(self, timestamp: i64) -> i64 {
        match self {
            Self::Auto => Self::of_size(timestamp.unsigned_abs()).unit_ns(timestamp),
            Self::Nanosecond => 1,
            Self::Microsecond => 1_000,
            Self::Millisecond => 1_000_000,
            Self::Second => 1_000_000_000,
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
        }
    }

    fn of_size(magnitude: u64) -> Self {
        match magnitude {
            0..5_000_000_000 => Self::Second,
            5_000_000_000..5_000_000_000_000 => Self::Millisecond,
            5_000_000_000_000..5_000_000_000_000_000 => Self::Microsecond,
            _ => Self::Nanosecond,
        }
    }

    /// `timestamp` of this unit in nanoseconds since the epoch, if that can be stored: from
    /// -9223372036854775806 to 9223372036854775806 (contract section 4).
    #[inline]
    pub fn to_ns(self, timestamp: i64) -> Option<i64> {
        timestamp
            .checked_mul(self.unit_ns(timestamp))
            .filter(|ns| (-NS_MAX..=NS_MAX).contains(ns))
    }

    /// A time in nanoseconds as a timestamp of this unit, rounded down.
    pub fn from_ns(self, ns: i64) -> i64 {
        ns.div_euclid(self.unit_ns(i64::MAX))
    }

    /// The last whole unit at or before `ns`: the time that a point without a timestamp gets from the
    /// server's clock. The clock counts nanoseconds, so [`Precision::Auto`] does not change `ns`.
    pub fn truncate(self, ns: i64) -> i64 {
        ns.saturating_sub(ns.rem_euclid(self.unit_ns(i64::MAX)))
    }
}
