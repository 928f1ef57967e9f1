//! Times that are written as strings: dates, dates with times of day, RFC 3339.

use nom::Parser;
use nom::bytes::complete::{take_while_m_n, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, map_res, opt};
use nom::sequence::preceded;

use super::{Clock, ValidateError};

type Parsed<'a, T> = nom::IResult<&'a str, T>;

const SECOND_NS: i128 = 1_000_000_000;

/// Returns true if a string begins like a time: `2020-01-31`.
pub(super) fn looks_like_time(text: &str) -> bool {
    date_digits(text).is_ok()
}

/// Returns the nanoseconds since the epoch of a string that looks like a time; a time without an
/// offset is read in the zone, or else in UTC.
pub(super) fn read(text: &str, zone: Option<(&str, &Clock)>) -> Result<i128, ValidateError> {
    let invalid = || ValidateError::Condition("invalid timestamp string".to_owned());
    let (_, written) = all_consuming(written).parse(text).map_err(|_| invalid())?;
    let days = days_from_civil(written.year, written.month, written.day).ok_or_else(invalid)?;
    let of_day = seconds_of_day(written.hour, written.minute, written.second);
    let seconds = i128::from(days) * 86_400 + of_day.ok_or_else(invalid)?;
    let local_ns = seconds * SECOND_NS + i128::from(written.nanosecond);
    Ok(match (written.offset_seconds, zone) {
        (Some(offset), _) => local_ns - i128::from(offset) * SECOND_NS,
        (None, Some((zone, clock))) => (clock.to_utc_ns)(zone, local_ns),
        (None, None) => local_ns,
    })
}

/// Writes a time as RFC 3339 in UTC, to the second.
pub(super) fn format(time_ns: i128) -> String {
    let seconds = time_ns.div_euclid(SECOND_NS);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil_from_days(i64::try_from(days).unwrap_or_default());
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A time as it is written.
struct Written {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    offset_seconds: Option<i64>,
}

fn number(least: usize, most: usize) -> impl FnMut(&str) -> Parsed<'_, i64> {
    move |input| {
        map_res(
            take_while_m_n(least, most, |c: char| c.is_ascii_digit()),
            |digits: &str| digits.parse(),
        )
        .parse(input)
    }
}

fn date_digits(input: &str) -> Parsed<'_, (i64, i64, i64)> {
    let month = preceded(char('-'), number(2, 2));
    let day = preceded(char('-'), number(2, 2));
    (number(4, 4), month, day).parse(input)
}

/// hour:minute:second[.fraction]
fn time_of_day(input: &str) -> Parsed<'_, (i64, i64, i64, i64)> {
    let minute = preceded(char(':'), number(2, 2));
    let second = preceded(char(':'), number(2, 2));
    let fraction = opt(preceded(
        one_of(".,"),
        take_while1(|c: char| c.is_ascii_digit()),
    ));
    let (rest, (hour, minute, second, fraction)) =
        (number(1, 2), minute, second, fraction).parse(input)?;
    // Digits after the ninth are cut off.
    let digits: String = fraction
        .unwrap_or("")
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Ok((
        rest,
        (hour, minute, second, digits.parse().unwrap_or_default()),
    ))
}

fn written(input: &str) -> Parsed<'_, Written> {
    let (rest, (year, month, day)) = date_digits(input)?;
    let mut written = Written {
        year,
        month,
        day,
        hour: 0,
        minute: 0,
        second: 0,
        nanosecond: 0,
        offset_seconds: None,
    };
    if rest.is_empty() {
        return Ok((rest, written));
    }
    let (rest, separator) = one_of(" T").parse(rest)?;
    let (mut rest, (hour, minute, second, nanosecond)) = time_of_day(rest.trim_start_matches(' '))?;
    (written.hour, written.minute, written.second) = (hour, minute, second);
    written.nanosecond = nanosecond;
    if separator == 'T' {
        let (after, offset) = offset(rest)?;
        written.offset_seconds = Some(offset);
        rest = after;
    }
    Ok((rest, written))
}

/// `Z`, `+01:00` or `-01:00`, as seconds
fn offset(input: &str) -> Parsed<'_, i64> {
    let (rest, sign) = one_of("Z+-").parse(input)?;
    if sign == 'Z' {
        return Ok((rest, 0));
    }
    let (rest, (hours, minutes)) = (number(2, 2), preceded(char(':'), number(2, 2))).parse(rest)?;
    let seconds = hours * 3_600 + minutes * 60;
    Ok((rest, if sign == '-' { -seconds } else { seconds }))
}

fn seconds_of_day(hour: i64, minute: i64, second: i64) -> Option<i128> {
    let fits = hour < 24 && minute < 60 && second < 60;
    fits.then(|| i128::from(hour * 3_600 + minute * 60 + second))
}

/// Returns the days since the epoch of a date of the Gregorian calendar, if there is such a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years begin in March, so that a leap day is the last day of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Returns the date of a day since the epoch.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
