//! Detection of a clock that went back. A machine whose clock has no battery starts in the past,
//! and the consequences are hard to see: points without a timestamp land among old ones, perhaps
//! overwrite them, and retention keeps points for longer than it should.
//!
//! Nothing on disk says for sure what time it is. The newest point of the log nearly always carries
//! the time at which it was written, so a clock that is behind it deserves a remark. Points with a
//! time in the future, which are legal, cause the remark too, and it says so.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};

use crate::certain::Certain;

/// The time by which the newest point may be ahead: clocks of agents differ by seconds.
const SLACK_NS: i64 = 60 * 1_000_000_000;

/// The remark to log if the clock is behind the newest point of the log. Times are nanoseconds
/// since the epoch.
pub(super) fn remark(newest_ns: Option<i64>, now_ns: i64) -> Option<String> {
    let newest_ns = newest_ns?;
    let behind_ns = newest_ns.saturating_sub(now_ns);
    if behind_ns <= SLACK_NS {
        return None;
    }
    let behind_s = u64::try_from(behind_ns / 1_000_000_000).certain("it is more than the slack");
    let behind = Duration::from_secs(behind_s);
    Some(format!(
        "the clock of this machine says {}, but the newest point in the log is of {}, {} later. \
         Unless points of the future were written, the clock is wrong: points without a timestamp \
         get a time that is too early, perhaps that of an older point, and retention keeps points \
         for too long. Set the clock (NTP), and have the server start after that (systemd: \
         After=time-sync.target)",
        shown(now_ns),
        shown(newest_ns),
        humantime::format_duration(behind)
    ))
}

fn shown(ns: i64) -> String {
    DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::remark;

    const S: i64 = 1_000_000_000;

    #[test]
    fn a_clock_behind_the_newest_point_is_told_with_both_times() {
        let now = 1_000_000_000 * S;
        let told = remark(Some(now + 90_061 * S), now).expect("a warning");
        assert!(told.contains("says 2001-09-09T01:46:40Z,"), "{told}");
        assert!(
            told.contains("is of 2001-09-10T02:47:41Z, 1day 1h 1m 1s later"),
            "{told}"
        );
    }

    #[test]
    fn what_may_well_be_is_not_told() {
        for newest in [None, Some(i64::MIN), Some(0), Some(60 * S)] {
            assert_eq!(remark(newest, 0), None, "{newest:?}");
        }
        assert!(remark(Some(60 * S + 1), 0).is_some());
        assert!(remark(Some(i64::MAX), i64::MIN).is_some());
    }
}
