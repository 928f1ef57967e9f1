//! Values of flags: durations, sizes, points in time. Each error says what is understood.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};

use crate::line_protocol::Precision;

/// A point in time, as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// Nanoseconds since the epoch.
    Ns(i64),
    /// This long before now.
    Ago(Duration),
    /// This long from now.
    Ahead(Duration),
}

impl Time {
    /// Nanoseconds since the epoch, if it is now `now_ns`.
    pub(super) fn ns(self, now_ns: i64) -> i64 {
        let ns = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        match self {
            Self::Ns(ns) => ns,
            Self::Ago(span) => now_ns.saturating_sub(ns(span)),
            Self::Ahead(span) => now_ns.saturating_add(ns(span)),
        }
    }

    /// The same as RFC 3339.
    pub(super) fn rfc3339(self, now_ns: i64) -> String {
        let time = DateTime::from_timestamp_nanos(self.ns(now_ns));
        time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

/// RFC 3339, nanoseconds since 1970, or a duration back from now.
pub(super) fn past_time(text: &str) -> Result<Time, String> {
    let ago = || {
        humantime::parse_duration(text.strip_prefix('-')?)
            .ok()
            .map(Time::Ago)
    };
    let ns = text.parse().ok().or_else(|| rfc3339(text)).map(Time::Ns);
    ns.or_else(ago).ok_or_else(|| {
        "expected a time such as 2026-01-31T12:00:00Z, nanoseconds since 1970, or a duration back \
         from now such as -1h"
            .to_owned()
    })
}

/// A duration from now, or RFC 3339.
pub(super) fn future_time(text: &str) -> Result<Time, String> {
    let ahead = || humantime::parse_duration(text).ok().map(Time::Ahead);
    rfc3339(text).map(Time::Ns).or_else(ahead).ok_or_else(|| {
        "expected a duration from now such as 90d, or a time such as 2027-01-01T00:00:00Z"
            .to_owned()
    })
}

fn rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text)
        .ok()?
        .timestamp_nanos_opt()
}

/// A duration such as `10m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 500ms, 90s, 10m or 30d".to_owned())
}

/// How long a bucket keeps its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retention {
    Forever,
    Seconds(u64),
}

impl Retention {
    /// As the API has it.
    pub(super) fn seconds(self) -> Option<u64> {
        match self {
            Self::Forever => None,
            Self::Seconds(seconds) => Some(seconds),
        }
    }

    /// From the API, in words.
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
    let unit = text.strip_prefix(digits).unwrap_or_default().trim();
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    let number: Option<usize> = digits.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, (_, factor))| number.checked_mul(*factor))
        .ok_or_else(|| "expected a size such as 500kB, 1MB or 4MiB".to_owned())
}

/// The unit of timestamps, by the word that the API has for it.
pub(super) const PRECISIONS: [(&str, Precision); 6] = [
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
    fn times_are_understood_in_three_ways() {
        const HOUR: i64 = 3_600_000_000_000;
        for (text, ns) in [
            ("1970-01-01T00:00:01Z", 1_000_000_000),
            ("1970-01-01T01:00:00+01:00", 0),
            ("-5", -5),
            ("17", 17),
            ("-1h", 9 * HOUR),
        ] {
            assert_eq!(past_time(text).expect(text).ns(10 * HOUR), ns, "{text}");
        }
        for text in ["", "1h", "now", "2026-01-31", "-", "-x"] {
            assert!(past_time(text).is_err(), "{text}");
        }
        assert_eq!(
            future_time("1h").expect("valid").rfc3339(0),
            "1970-01-01T01:00:00Z"
        );
        assert!(future_time("-1h").is_err() && future_time("17").is_err());
    }

    #[test]
    fn retentions_are_durations_or_forever() {
        assert_eq!(retention("forever"), Ok(Retention::Forever));
        assert_eq!(retention("30d"), Ok(Retention::Seconds(30 * 86_400)));
        for text in ["0s", "", "30", "1ms", "for ever"] {
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
