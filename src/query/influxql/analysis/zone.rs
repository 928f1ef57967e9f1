//! Time zones by name.

use std::str::FromStr;

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

const SECOND_NS: i128 = 1_000_000_000;

/// Returns the time zone of a name such as `Europe/Berlin`; the empty name is UTC, and so is `Local`, as
/// on a server of 1.x that runs in UTC.
pub fn find(name: &str) -> Option<Tz> {
    if name.is_empty() || name == "Local" {
        return Some(Tz::UTC);
    }
    Tz::from_str(name).ok()
}

/// Turns a local time in a named zone, in nanoseconds since the epoch as if the zone were UTC, into
/// a time.
///
/// A local time that is skipped or there twice is the one that 1.x finds: with the offset that holds
/// where the clock would be without a change. An unknown zone is UTC: the analysis has refused it.
pub fn to_utc_ns(zone: &str, local_ns: i128) -> i128 {
    let Some(zone) = find(zone) else {
        return local_ns;
    };
    let guess = local_ns - offset_ns(zone, local_ns);
    local_ns - offset_ns(zone, guess)
}

/// Returns how much the local time of a zone is ahead at a time, in nanoseconds.
fn offset_ns(zone: Tz, time_ns: i128) -> i128 {
    let seconds = time_ns.div_euclid(SECOND_NS);
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    time.map_or(0, |time| {
        let offset = zone.offset_from_utc_datetime(&time.naive_utc());
        i128::from(offset.fix().local_minus_utc()) * SECOND_NS
    })
}
