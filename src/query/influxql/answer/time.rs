//! Times as texts and as counts of a unit.

use chrono::{DateTime, Offset, Utc};
use chrono_tz::Tz;

/// What times are written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Times {
    /// What the format has for times: RFC 3339 in JSON, nanoseconds in CSV, the extension type 5 in
    /// MessagePack.
    #[default]
    Usual,
    /// RFC 3339 in every format.
    Rfc3339,
    /// A count of units since the epoch, without its fraction.
    Epoch(Unit),
}

/// A unit of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 1 ns
    Nanosecond,
    /// 1,000 ns
    Microsecond,
    /// 1,000,000 ns
    Millisecond,
    /// 1 s
    Second,
    /// 60 s
    Minute,
    /// 3,600 s
    Hour,
    /// 86,400 s
    Day,
    /// 7 days
    Week,
}

impl Unit {
    /// Returns the unit of the request parameter `epoch`: a word that is none means nanoseconds, as
    /// in 1.x.
    pub fn of_epoch(word: &str) -> Self {
        match word {
            "u" | "us" | "µ" | "μ" => Self::Microsecond,
            "ms" => Self::Millisecond,
            "s" => Self::Second,
            "m" => Self::Minute,
            "h" => Self::Hour,
            "d" => Self::Day,
            "w" => Self::Week,
            _ => Self::Nanosecond,
        }
    }

    /// Returns how many whole units a time is after the epoch, or before it.
    #[inline]
    pub(super) fn count(self, time_ns: i64) -> i64 {
        time_ns / self.length_ns()
    }

    fn length_ns(self) -> i64 {
        const SECOND: i64 = 1_000_000_000;
        match self {
            Self::Nanosecond => 1,
            Self::Microsecond => 1_000,
            Self::Millisecond => 1_000_000,
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => 86_400 * SECOND,
            Self::Week => 604_800 * SECOND,
        }
    }
}

/// A writer of times in one zone. It remembers the day and the offset of the last time, since the
/// next one is most often near.
pub(super) struct Clock {
    zone: Option<Tz>,
    /// The second of which `offset_seconds` is known.
    second: i64,
    offset_seconds: i64,
    /// The day of `date`, in days since the epoch.
    day: i64,
    /// `YYYY-MM-DDT` of the day.
    date: Vec<u8>,
}

impl Clock {
    pub(super) fn new(zone: Option<Tz>) -> Self {
        Self {
            zone,
            second: i64::MIN,
            offset_seconds: 0,
            day: i64::MIN,
            date: Vec::new(),
        }
    }

    /// Writes a time as RFC 3339 with as many decimals as it has.
    pub(super) fn write(&mut self, time_ns: i64, out: &mut Vec<u8>) {
        let second = time_ns.div_euclid(1_000_000_000);
        let nanosecond = time_ns.rem_euclid(1_000_000_000);
        let offset = self.offset(second, time_ns);
        let local = second + offset;
        let second_of_day = local.rem_euclid(86_400);
        self.turn_to(local.div_euclid(86_400));
        out.extend_from_slice(&self.date);
        out.extend_from_slice(pair(second_of_day / 3_600));
        out.push(b':');
        out.extend_from_slice(pair(second_of_day / 60 % 60));
        out.push(b':');
        out.extend_from_slice(pair(second_of_day % 60));
        write_fraction(nanosecond, out);
        write_offset(offset, out);
    }

    /// Returns by how many seconds the zone is ahead of UTC.
    fn offset(&mut self, second: i64, time_ns: i64) -> i64 {
        if let Some(zone) = self.zone
            && second != self.second
        {
            let time: DateTime<Utc> = DateTime::from_timestamp_nanos(time_ns);
            let offset = time.with_timezone(&zone).offset().fix();
            self.offset_seconds = i64::from(offset.local_minus_utc());
            self.second = second;
        }
        self.offset_seconds
    }

    fn turn_to(&mut self, day: i64) {
        if day == self.day {
            return;
        }
        let (year, month, day_of_month) = date(day);
        self.day = day;
        self.date.clear();
        self.date.extend_from_slice(pair(year / 100));
        self.date.extend_from_slice(pair(year % 100));
        self.date.push(b'-');
        self.date.extend_from_slice(pair(month));
        self.date.push(b'-');
        self.date.extend_from_slice(pair(day_of_month));
        self.date.push(b'T');
    }
}

/// Returns year, month and day of a day since the epoch. The year is taken to begin with March, so
/// that the day that some years lack is the last one; 400 years have always the same length.
fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = shifted.div_euclid(146_097) * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_month)
}

/// Returns two digits of a number below 100.
fn pair(number: i64) -> &'static [u8] {
    const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
        2021222324252627282930313233343536373839\
        4041424344454647484950515253545556575859\
        6061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let found = usize::try_from(number)
        .ok()
        .and_then(|number| PAIRS.get(number.checked_mul(2)?..)?.get(..2));
    debug_assert!(found.is_some(), "{number} has not two digits");
    found.unwrap_or(b"??")
}

/// Writes the decimals of a second without zeros at their end; none for a whole one.
fn write_fraction(nanosecond: i64, out: &mut Vec<u8>) {
    if nanosecond == 0 {
        return;
    }
    let mut buffer = itoa::Buffer::new();
    // The leading 1 keeps the zeros before the first decimal.
    let digits = buffer.format(1_000_000_000 + nanosecond);
    out.push(b'.');
    out.extend_from_slice(
        digits
            .trim_end_matches('0')
            .as_bytes()
            .get(1..)
            .unwrap_or(b"?"),
    );
}

/// Writes `Z` or the offset in hours and minutes; odd seconds, as zones had them before clocks ran
/// alike, are left out.
fn write_offset(offset_seconds: i64, out: &mut Vec<u8>) {
    if offset_seconds == 0 {
        out.push(b'Z');
        return;
    }
    let minutes = offset_seconds / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    out.extend_from_slice(pair(minutes.abs() / 60));
    out.push(b':');
    out.extend_from_slice(pair(minutes.abs() % 60));
}
