use chrono_tz::Tz;

use super::{NOW_NS, SECOND_NS, analysed};
use crate::influxql::analysis::{Window, find_zone, to_utc_ns};

const DAY_S: i64 = 86_400;

fn range(rest: &str) -> (Option<i64>, Option<i64>) {
    let range = analysed(&format!("SELECT mean(f) FROM m {rest}")).range;
    (range.min_ns, range.max_ns)
}

fn window(dimension: &str, rest: &str) -> Option<Window> {
    analysed(&format!(
        "SELECT mean(f) FROM m GROUP BY {dimension} {rest}"
    ))
    .window
}

#[test]
fn ranges_have_both_ends_included() {
    assert_eq!(range(""), (None, None));
    assert_eq!(range("WHERE time > 100"), (Some(101), None));
    assert_eq!(range("WHERE time < 100"), (None, Some(99)));
    assert_eq!(range("WHERE time = 5 OR time <= 7"), (Some(5), Some(5)));
    let (min, max) = range("WHERE time >= now() - 1h AND time < now()");
    assert_eq!(min, Some(NOW_NS - 3600 * SECOND_NS));
    assert_eq!(max, Some(NOW_NS - 1));
}

#[test]
fn windows_end_now_unless_an_end_is_written() {
    assert_eq!(range("GROUP BY time(1m)"), (None, Some(NOW_NS)));
    let later = format!("WHERE time < {} GROUP BY time(1m)", NOW_NS + 10);
    assert_eq!(range(&later), (None, Some(NOW_NS + 9)));
    assert_eq!(range("GROUP BY time(0s)"), (None, None));
}

#[test]
fn local_times_are_those_of_the_zone() {
    // 1.6.7 found the same instants; in the gap and where the hour is there twice too.
    for (zone, text, expected_s) in [
        ("Europe/Berlin", "2023-11-14 23:13:30", 1_700_000_010),
        ("Europe/Berlin", "2023-03-26 02:30:00", 1_679_794_200),
        ("Europe/Berlin", "2022-10-30 02:30:00", 1_667_093_400),
        ("America/New_York", "2022-10-30 02:30:00", 1_667_111_400),
        ("America/New_York", "2023-03-12 02:30:00", 1_678_602_600),
    ] {
        let (min, _) = range(&format!("WHERE time >= '{text}' tz('{zone}')"));
        assert_eq!(min, Some(expected_s * SECOND_NS), "{zone} {text}");
    }
    assert_eq!(find_zone(""), Some(Tz::UTC));
    assert_eq!(find_zone("Nowhere"), None);
    assert_eq!(to_utc_ns("Nowhere", 7), 7);
}

#[test]
fn offsets_are_taken_modulo_the_interval() {
    for (dimension, offset_s) in [
        ("time(10s)", 0),
        ("time(10s, 5s)", 5),
        ("time(10s, -5s)", 5),
        ("time(10s, 35s)", 5),
        ("time(1d, -6h)", 18 * 3600),
        // Days and hours count alike from the epoch and from the year 1; weeks do not.
        ("time(1h, '2023-11-14T00:10:00Z')", 600),
        ("time(1w, '2023-11-14T00:00:00Z')", DAY_S),
    ] {
        let window = window(dimension, "").unwrap();
        assert_eq!(window.offset_ns, offset_s * SECOND_NS, "{dimension}");
        assert_eq!(window.zone, None);
    }
    let now = window("time(1h, now())", "").unwrap();
    assert_eq!(now.offset_ns, NOW_NS % (3600 * SECOND_NS));
    assert_eq!(window("time(0s)", ""), None);
}

#[test]
fn windows_know_their_zone() {
    let found = window("time(1d)", "tz('Europe/Berlin')").unwrap();
    assert_eq!(found.zone, Some(Tz::Europe__Berlin));
}
