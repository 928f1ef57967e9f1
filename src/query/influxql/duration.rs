//! Durations as InfluxQL writes them: `1h30m`.

use super::error::ParseError;

const MICROSECOND: i64 = 1_000;
const MILLISECOND: i64 = 1_000 * MICROSECOND;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Reads a duration: one or more pairs of digits and a unit, of ns, u or µ, ms, s, m, h, d, w.
///
/// Returns nanoseconds.
///
/// # Errors
///
/// A text that is no duration, or one of more than 292 years.
pub fn parse_duration(text: &str) -> Result<i64, ParseError> {
    read(text).map_err(ParseError::Clause)
}

/// Reads a duration; the error is the text without a position.
pub(super) fn read(text: &str) -> Result<i64, String> {
    let invalid = || "invalid duration".to_owned();
    let mut rest = text;
    let mut total = Some(0_i64);
    let mut last = String::new();
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits).ok_or_else(invalid)?;
        let count: i64 = number.parse().map_err(|_| invalid())?;
        let (unit, length) = unit(after).ok_or_else(invalid)?;
        let part = count.checked_mul(unit);
        total = total
            .zip(part)
            .and_then(|(total, part)| total.checked_add(part));
        let (name, after) = after.split_at_checked(length).ok_or_else(invalid)?;
        last = format!("{number}{name}");
        rest = after;
    }
    total.ok_or_else(|| format!("overflowed duration {last}: choose a smaller duration or INF"))
}

/// Returns the nanoseconds of the unit at the start of a text, and its length in bytes.
fn unit(text: &str) -> Option<(i64, usize)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    let pair_of_seconds = chars.next() == Some('s');
    Some(match first {
        'n' if pair_of_seconds => (1, 2),
        'm' if pair_of_seconds => (MILLISECOND, 2),
        'u' | 'µ' => (MICROSECOND, first.len_utf8()),
        's' => (SECOND, 1),
        'm' => (MINUTE, 1),
        'h' => (HOUR, 1),
        'd' => (DAY, 1),
        'w' => (WEEK, 1),
        _ => return None,
    })
}

/// Writes a duration in the largest unit that divides it.
pub fn format_duration(duration_ns: i64) -> String {
    let units = [
        (WEEK, "w"),
        (DAY, "d"),
        (HOUR, "h"),
        (MINUTE, "m"),
        (SECOND, "s"),
        (MILLISECOND, "ms"),
        (MICROSECOND, "u"),
    ];
    if duration_ns == 0 {
        return "0s".to_owned();
    }
    units
        .into_iter()
        .find(|(unit, _)| duration_ns % unit == 0)
        .map_or_else(
            || format!("{duration_ns}ns"),
            |(unit, name)| format!("{}{name}", duration_ns / unit),
        )
}
