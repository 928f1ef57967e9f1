//! Values of flags: durations, sizes, points in time. Each error says what is expected.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::certain::Certain as _;
use crate::clock::Clock;
use crate::line_protocol::{Oddities, Precision};
use crate::narrow;

/// A point in time, as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Nanoseconds since the epoch.
    Ns(i64),
    /// The same, given as a number.
    Number(i64),
    /// This long before now.
    Ago(Duration),
    /// This long from now.
    Ahead(Duration),
}

impl Time {
    /// Nanoseconds since the epoch, if it is now `now_ns`.
    pub(super) fn ns(self, now_ns: i64) -> i64 {
        // A longer span reaches past the range of times either way.
        let ns = |span: Duration| narrow::capped_i64(span.as_nanos());
        match self {
            Self::Ns(ns) | Self::Number(ns) => ns,
            Self::Ago(span) => now_ns.saturating_sub(ns(span)),
            Self::Ahead(span) => now_ns.saturating_add(ns(span)),
        }
    }

    /// A remark on a number that was probably meant in another unit.
    pub(super) fn remark(self) -> Option<String> {
        let Self::Number(ns) = self else {
            return None;
        };
        let is = || {
            format!(
                "{ns} is {}: numbers are nanoseconds since 1970",
                self.rfc3339(0)
            )
        };
        Oddities::is_odd_time(ns).then(is)
    }

    /// The same as RFC 3339.
    pub(super) fn rfc3339(self, now_ns: i64) -> String {
        let time = DateTime::from_timestamp_nanos(self.ns(now_ns));
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// A time from an answer as tables show it: to the second.
pub(super) fn shown_time(rfc3339: &str) -> String {
    let time = DateTime::parse_from_rfc3339(rfc3339);
    // A time in another form is shown unchanged.
    time.map_or_else(
        |_| rfc3339.to_owned(),
        |time| time.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

/// RFC 3339, a day (its start, in UTC), nanoseconds since 1970, now, or a duration back from now.
pub(super) fn past_time(text: &str) -> Result<Time, String> {
    let ago = || match text.strip_prefix("now").unwrap_or(text) {
        "" => text.starts_with("now").then_some(Time::Ago(Duration::ZERO)),
        back => humantime::parse_duration(back.strip_prefix('-')?)
            .ok()
            .map(Time::Ago),
    };
    if let Ok(ns) = text.parse() {
        return Ok(Time::Number(ns));
    }
    let ns = match text.parse::<NaiveDate>() {
        Ok(_) => rfc3339(&format!("{text}T00:00:00Z"))?,
        Err(_) => rfc3339(text)?,
    };
    ns.map(Time::Ns).or_else(ago).ok_or_else(|| {
        "expected a time such as 2026-01-31T12:00:00Z or 2026-01-31, nanoseconds since 1970, or a \
         duration back from now such as -1h or now-1h"
            .to_owned()
    })
}

/// A duration from now, or RFC 3339.
pub(super) fn future_time(text: &str) -> Result<Time, String> {
    let ahead = || humantime::parse_duration(text).ok().map(Time::Ahead);
    let time = rfc3339(text)?.map(Time::Ns).or_else(ahead);
    match time {
        Some(Time::Ahead(Duration::ZERO)) => Err("it would end at once".to_owned()),
        Some(time) if time.ns(Clock::system().now_ns()) == i64::MAX => Err(format!(
            "{OUT_OF_RANGE}; what has no end needs no --expires"
        )),
        Some(time) => Ok(time),
        None => Err(
            "expected a duration from now such as 90d, or a time such as 2027-01-01T00:00:00Z"
                .to_owned(),
        ),
    }
}

const OUT_OF_RANGE: &str = "times go from 1677-09-21 to 2262-04-11";

/// Nanoseconds since 1970; none if the text is not RFC 3339.
fn rfc3339(text: &str) -> Result<Option<i64>, String> {
    let Ok(time) = DateTime::parse_from_rfc3339(text) else {
        return Ok(None);
    };
    let ns = time.timestamp_nanos_opt();
    ns.map(Some).ok_or_else(|| OUT_OF_RANGE.to_owned())
}

/// The name of a bucket, or its id. An empty one is most often a variable without a value.
pub(super) fn bucket(text: &str) -> Result<String, String> {
    match text.is_empty() {
        true => Err("expected a bucket".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// A duration such as `10m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 500ms, 90s, 10m or 30d".to_owned())
}

/// A time to wait, which must not be zero.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let span = duration(text)?;
    match span.is_zero() {
        true => Err("expected more than 0, such as 500ms or 5s".to_owned()),
        false => Ok(span),
    }
}

/// The longest retention, in seconds: from 1970 to the end of the range of times.
const RETENTION_SECONDS_MAX: u64 = 9_223_372_036;

/// The time for which a bucket keeps its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retention {
    Forever,
    Seconds(u64),
}

impl Retention {
    /// The API's value: seconds, or none for forever.
    pub(super) fn seconds(self) -> Option<u64> {
        match self {
            Self::Forever => None,
            Self::Seconds(seconds) => Some(seconds),
        }
    }

    /// Words for the API's value.
    pub(super) fn text(seconds: Option<u64>) -> String {
        match seconds {
            None => "forever".to_owned(),
            // Days, not the months and years of 30.44 and 365.25 days that humantime would say.
            Some(seconds) if seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
            Some(seconds) => humantime::format_duration(Duration::from_secs(seconds)).to_string(),
        }
    }
}

/// `30d`, or `forever`.
pub(super) fn retention(text: &str) -> Result<Retention, String> {
    if text == "forever" {
        return Ok(Retention::Forever);
    }
    let whole = duration(text).ok().filter(|span| span.subsec_nanos() == 0);
    match whole.map(|span| span.as_secs()) {
        Some(seconds) if seconds > RETENTION_SECONDS_MAX => {
            Err("the longest is 106751d, about 292 years; or forever".to_owned())
        }
        Some(seconds @ 1..) => Ok(Retention::Seconds(seconds)),
        _ => Err("expected a duration of at least 1s such as 24h or 30d, or forever".to_owned()),
    }
}

/// A size such as `1MB`.
pub(super) fn bytes(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, usize); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("B", 1),
        ("", 1),
    ];
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text
        .strip_prefix(digits)
        .certain("the digits are its start");
    let unit = unit.trim();
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    let number: Option<usize> = digits.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, (_, factor))| number.checked_mul(*factor))
        .ok_or_else(|| "expected a size such as 500kB, 1MB or 4MiB".to_owned())
}

/// The unit of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The API's word for it.
    pub(super) word: &'static str,
    pub(super) precision: Precision,
}

/// One of the words of the API.
pub(super) fn unit() -> impl TypedValueParser<Value = Unit> {
    PossibleValuesParser::new(PRECISIONS.map(|(word, _)| word)).try_map(|given: String| {
        let mut known = PRECISIONS.into_iter();
        let found = known.find(|(word, _)| *word == given);
        let unit = found.map(|(word, precision)| Unit { word, precision });
        unit.ok_or("it is not one of the units")
    })
}

const PRECISIONS: [(&str, Precision); 6] = [
    ("ns", Precision::Nanosecond),
    ("us", Precision::Microsecond),
    ("ms", Precision::Millisecond),
    ("s", Precision::Second),
    ("m", Precision::Minute),
    ("h", Precision::Hour),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_understood_in_many_ways() {
        const HOUR: i64 = 3_600_000_000_000;
        for (text, ns) in [
            ("1970-01-01T00:00:01Z", 1_000_000_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("-5", -5),
            ("17", 17),
            ("-1h", 9 * HOUR),
            ("now-1h", 9 * HOUR),
            ("now", 10 * HOUR),
            ("1970-01-02", 24 * HOUR),
        ] {
            assert_eq!(past_time(text).expect(text).ns(10 * HOUR), ns, "{text}");
        }
        for text in [
            "",
            "1h",
            "now1h",
            "nowhere",
            "now-",
            "2026-02-30",
            "2026-1",
            "-",
            "-x",
        ] {
            assert!(past_time(text).is_err(), "{text}");
        }
        assert_eq!(
            future_time("1h").expect("valid").rfc3339(0),
            "1970-01-01T01:00:00Z"
        );
        for text in ["-1h", "17", "0s", "300y", "2300-01-01T00:00:00Z"] {
            assert!(future_time(text).is_err(), "{text}");
        }
        let told = past_time("2300-01-01T00:00:00Z").expect_err("too late");
        assert_eq!(told, "times go from 1677-09-21 to 2262-04-11");
    }

    #[test]
    fn a_bucket_has_a_name() {
        assert_eq!(bucket("home"), Ok("home".to_owned()));
        assert!(bucket("").is_err());
    }

    #[test]
    fn retentions_are_durations_or_forever() {
        assert_eq!(retention("forever"), Ok(Retention::Forever));
        assert_eq!(retention("30d"), Ok(Retention::Seconds(30 * 86_400)));
        assert_eq!(retention("1.5h"), Ok(Retention::Seconds(5400)));
        for text in ["0s", "", "30", "1ms", "for ever", "300y", "99999999999y"] {
            assert!(retention(text).is_err(), "{text}");
        }
        for (seconds, text) in [
            (None, "forever"),
            (Some(400 * 86_400), "400d"),
            (Some(5400), "1h 30m"),
        ] {
            assert_eq!(Retention::text(seconds), text);
        }
    }

    #[test]
    fn tables_show_times_to_the_second() {
        for (text, shown) in [
            ("2026-11-27T08:14:36.512525268Z", "2026-11-27T08:14:36Z"),
            ("2026-11-27T08:14:36Z", "2026-11-27T08:14:36Z"),
            ("later", "later"),
        ] {
            assert_eq!(shown_time(text), shown);
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, size) in [
            ("17", 17),
            ("1MB", 1_000_000),
            ("4MiB", 4 << 20),
            ("500 kB", 500_000),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in [
            "",
            "MB",
            "1XB",
            "1.5MB",
            "-1",
            "99999999999999999999",
            "99999999999999999MiB",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
