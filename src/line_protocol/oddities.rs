//! Lines that are well-formed but probably not meant: counted while parsing, for a caller that can
//! ask the person who sent them.

use std::fmt;
use std::ops::AddAssign;

/// Times from one second to the end of January 1970, in nanoseconds: present-day times in seconds,
/// milliseconds or microseconds that were read in a smaller unit. Earlier times are tests.
const JANUARY_1970_NS: std::ops::Range<i64> = 1_000_000_000..31 * 86_400 * 1_000_000_000;

/// Numbers of lines that are odd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Points in January 1970.
    pub in_january_1970: u64,
    /// Comments that would be points without their `#`.
    pub commented_out: u64,
}

impl Oddities {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether a time in nanoseconds was probably meant in another unit.
    pub fn is_odd_time(time_ns: i64) -> bool {
        JANUARY_1970_NS.contains(&time_ns)
    }

    pub(super) fn see_time(&mut self, time_ns: Option<i64>) {
        let odd = time_ns.is_some_and(Self::is_odd_time);
        self.in_january_1970 += u64::from(odd);
    }

    pub(super) fn see_comment(&mut self, is_point: bool) {
        self.commented_out += u64::from(is_point);
    }
}

impl AddAssign for Oddities {
    fn add_assign(&mut self, other: Self) {
        self.in_january_1970 += other.in_january_1970;
        self.commented_out += other.commented_out;
    }
}

/// The report: a sentence for each kind that occurred.
impl fmt::Display for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            in_january_1970,
            commented_out,
        } = self;
        if *in_january_1970 > 0 {
            write!(
                f,
                "points in January 1970: {in_january_1970}; is the precision right?"
            )?;
        }
        if *in_january_1970 > 0 && *commented_out > 0 {
            f.write_str(" ")?;
        }
        if *commented_out > 0 {
            write!(
                f,
                "comments that would be points without their #: {commented_out}; a line that \
                 begins with # is not stored"
            )?;
        }
        Ok(())
    }
}
