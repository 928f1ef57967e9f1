//! Windows on days with a change of clocks.

use super::super::{Grid, Windows};
use chrono_tz::Tz;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn utc(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_nanos_opt()
        .unwrap()
}

fn starts(interval_ns: i64, offset_ns: i64, zone: Tz, from: &str, to: &str) -> Vec<String> {
    let grid = Grid::new(interval_ns, offset_ns, Some(zone)).unwrap();
    let mut walk = grid.walk(grid.start_of(utc(from)), false);
    let mut starts = Vec::new();
    while walk.start_ns() < utc(to) {
        let time = chrono::DateTime::from_timestamp_nanos(walk.start_ns()).with_timezone(&zone);
        starts.push(time.format("%dT%H:%M%z").to_string());
        walk.step();
    }
    starts
}

#[test]
fn a_day_starts_at_local_midnight() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(
        starts(
            24 * HOUR,
            0,
            berlin,
            "2023-03-25T12:00:00Z",
            "2023-03-27T12:00:00Z"
        ),
        ["25T00:00+0100", "26T00:00+0100", "27T00:00+0200"]
    );
    assert_eq!(
        starts(
            24 * HOUR,
            0,
            berlin,
            "2023-10-28T12:00:00Z",
            "2023-10-30T12:00:00Z"
        ),
        ["28T00:00+0200", "29T00:00+0200", "30T00:00+0100"]
    );
}

#[test]
fn a_window_longer_than_the_change_holds_the_hour_that_comes_twice() {
    assert_eq!(
        starts(
            2 * HOUR,
            0,
            Tz::Europe__Berlin,
            "2023-10-28T22:00:00Z",
            "2023-10-29T06:00:00Z"
        ),
        [
            "29T00:00+0200",
            "29T02:00+0200",
            "29T04:00+0100",
            "29T06:00+0100"
        ]
    );
    let grid = Grid::new(2 * HOUR, 0, Some(Tz::Europe__Berlin)).unwrap();
    let second_time = utc("2023-10-29T01:30:00Z");
    assert_eq!(grid.start_of(second_time), utc("2023-10-29T00:00:00Z"));
    assert_eq!(grid.end_of(second_time), utc("2023-10-29T03:00:00Z"));
}

#[test]
fn hours_keep_their_length_and_a_skipped_one_is_absent() {
    let berlin = Tz::Europe__Berlin;
    assert_eq!(
        starts(
            HOUR,
            0,
            berlin,
            "2023-03-26T00:00:00Z",
            "2023-03-26T03:00:00Z"
        ),
        ["26T01:00+0100", "26T03:00+0200", "26T04:00+0200"]
    );
    assert_eq!(
        starts(
            HOUR,
            0,
            berlin,
            "2023-10-29T00:00:00Z",
            "2023-10-29T03:00:00Z"
        ),
        ["29T02:00+0200", "29T02:00+0100", "29T03:00+0100"]
    );
}

#[test]
fn an_offset_is_one_of_local_time() {
    assert_eq!(
        starts(
            24 * HOUR,
            6 * HOUR,
            Tz::Europe__Berlin,
            "2023-03-25T12:00:00Z",
            "2023-03-27T12:00:00Z"
        ),
        ["25T06:00+0100", "26T06:00+0200", "27T06:00+0200"]
    );
}

#[test]
fn a_start_in_the_skipped_hour_is_when_the_clocks_change() {
    let starts = starts(
        2 * HOUR,
        30 * MINUTE,
        Tz::Europe__Berlin,
        "2023-03-26T00:00:00Z",
        "2023-03-26T03:00:00Z",
    );
    assert_eq!(starts, ["26T00:30+0100", "26T03:00+0200", "26T04:30+0200"]);
}

#[test]
fn a_window_that_starts_in_the_hour_that_comes_twice_starts_the_first_time() {
    let starts = starts(
        2 * HOUR,
        30 * MINUTE,
        Tz::Europe__Berlin,
        "2023-10-28T23:00:00Z",
        "2023-10-29T04:00:00Z",
    );
    assert_eq!(starts, ["29T00:30+0200", "29T02:30+0200", "29T04:30+0100"]);
}

#[test]
fn windows_cover_all_times_once_and_walks_meet_them_all() {
    let zones = [
        (Some(Tz::Europe__Berlin), "2023-03-26T01:00:00Z"),
        (Some(Tz::Europe__Berlin), "2023-10-29T01:00:00Z"),
        (Some(Tz::America__New_York), "2023-11-05T06:00:00Z"),
        (Some(Tz::America__New_York), "2023-03-12T07:00:00Z"),
        (Some(Tz::Australia__Lord_Howe), "2023-04-01T15:00:00Z"),
        (Some(Tz::Asia__Kolkata), "2023-04-01T15:00:00Z"),
        (Some(Tz::Pacific__Apia), "2011-12-30T10:00:00Z"),
        (None, "1969-12-31T23:00:00Z"),
    ];
    let intervals = [
        7, 10, 30, 45, 60, 61, 90, 120, 150, 180, 300, 720, 1440, 10_080,
    ];
    let mut count = 0_u32;
    for (zone, change) in zones {
        for interval in intervals {
            for offset in [0, 3, 47] {
                let grid = Grid::new(interval * MINUTE, offset * MINUTE, zone).unwrap();
                let mut windows = Windows::new(grid);
                for step in -40_i64..40 {
                    let time = utc(change) + step * 1_069 * SECOND;
                    let (start, end) = (grid.start_of(time), grid.end_of(time));
                    let what =
                        format!("{zone:?} {interval}m {offset}m {step}: {start} {time} {end}");
                    assert!(start <= time && time < end, "{what}");
                    assert_eq!(windows.start_of(time), start, "{what}");
                    assert_eq!(grid.start_of(start), start, "{what}");
                    assert_eq!(grid.end_of(start), end, "{what}");
                    assert_eq!(grid.start_of(end - 1), start, "{what}");
                    assert_eq!(grid.start_of(end), end, "{what}");
                    let mut walk = grid.walk(start, false);
                    walk.step();
                    assert_eq!(walk.start_ns(), end, "{what}");
                    let mut walk = grid.walk(end, true);
                    walk.step();
                    assert_eq!(walk.start_ns(), start, "{what}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 20_000);
}

#[test]
fn the_ends_of_time_stop_a_walk() {
    let grid = Grid::new(HOUR, 0, None).unwrap();
    let mut walk = grid.walk(grid.start_of(i64::MAX), false);
    walk.step();
    assert!(walk.start_ns() >= grid.start_of(i64::MAX));
    assert_eq!(grid.start_of(i64::MIN), i64::MIN);
    assert_eq!(Grid::new(0, 0, None), None);
}
