//! Bins of local time, and selectors, in questions that fill gaps: both with the real functions.

use super::super::ask::{ask, of, refusal};
use super::super::points::{Point, Points};
use std::sync::Arc;

const HOUR_NS: i64 = 3_600_000_000_000;
/// 2024-10-26T00:00 in Berlin, the day before its clocks are set back.
const AUTUMN_NS: i64 = 1_729_893_600_000_000_000;
/// 2024-03-30T00:00 in Berlin, the day before its clocks are set forward.
const SPRING_NS: i64 = 1_711_753_200_000_000_000;

/// A point in the last hour of the first of three days, and one in the first hour of the third.
fn database(start_ns: i64, third_ns: i64) -> Arc<Points> {
    of([(start_ns + 24 * HOUR_NS - 1, 1.0), (third_ns, 3.0)]
        .map(|(time_ns, value)| Point::new("m", &[], time_ns, &[("v", value)])))
}

#[tokio::test]
async fn a_day_by_the_clock_on_the_wall_is_one_bin_whether_its_hours_are_23_or_25() {
    for (start_ns, hours, from, to, days) in [
        (
            AUTUMN_NS,
            25,
            "2024-10-25T22:00:00Z",
            "2024-10-29T00:00:00Z",
            [
                "2024-10-26T00:00:00+02:00,1.0",
                "2024-10-27T00:00:00+02:00,",
                "2024-10-28T00:00:00+01:00,3.0",
                "2024-10-29T00:00:00+01:00,",
            ],
        ),
        (
            SPRING_NS,
            23,
            "2024-03-29T23:00:00Z",
            "2024-04-02T00:00:00Z",
            [
                "2024-03-30T00:00:00+01:00,1.0",
                "2024-03-31T00:00:00+01:00,",
                "2024-04-01T00:00:00+02:00,3.0",
                "2024-04-02T00:00:00+02:00,",
            ],
        ),
    ] {
        let database = database(start_ns, start_ns + (24 + hours) * HOUR_NS);
        let text = format!(
            "SELECT date_bin_wallclock_gapfill(interval '1 day', tz(time, 'Europe/Berlin')) AS day, \
             avg(v), interpolate(avg(v)) FROM m WHERE time >= '{from}' AND time < '{to}' \
             GROUP BY day ORDER BY day"
        );
        let rows = ask(&database, &text).await;
        // The line between two days is drawn over their true lengths.
        let starts = rows
            .iter()
            .map(|row| row.rsplit_once(',').expect("cells").0);
        assert_eq!(starts.collect::<Vec<_>>(), days, "{text}");
        let between = rows[1].rsplit(',').next().expect("a cell");
        let between: f64 = between.parse().expect("a number");
        let share = 24.0 / if hours == 25 { 49.0 } else { 47.0 };
        assert!((between - (1.0 + 2.0 * share)).abs() < 1e-9, "{rows:?}");
    }
}

#[tokio::test]
async fn the_hour_that_comes_twice_is_two_bins_and_the_one_left_out_is_none() {
    for (start_ns, from, to, hours) in [
        (
            AUTUMN_NS,
            "2024-10-26T23:00:00Z",
            "2024-10-27T03:00:00Z",
            vec![
                "01:00:00+02:00",
                "02:00:00+02:00",
                "02:00:00+01:00",
                "03:00:00+01:00",
            ],
        ),
        (
            SPRING_NS,
            "2024-03-31T00:00:00Z",
            "2024-03-31T03:00:00Z",
            vec!["01:00:00+01:00", "03:00:00+02:00", "04:00:00+02:00"],
        ),
    ] {
        let at = start_ns + 26 * HOUR_NS;
        let database = of([Point::new("m", &[], at, &[("v", 1.0)])]);
        let text = format!(
            "SELECT date_bin_wallclock_gapfill(interval '1 hour', tz(time, 'Europe/Berlin')) AS hour, \
             count(v) FROM m WHERE time >= '{from}' AND time < '{to}' GROUP BY hour ORDER BY hour"
        );
        let rows = ask(&database, &text).await;
        let bins = rows
            .iter()
            .map(|row| &row[11..row.find(',').expect("two cells")]);
        assert_eq!(bins.collect::<Vec<_>>(), hours, "{text}");
        let counts = rows.iter().filter(|row| row.ends_with(",1")).count();
        assert_eq!(counts, 1, "{rows:?}");
    }
}

/// From a bug: a bin was passed over that the change of a clock cuts short, and bins were sought between
/// those of the bounds, though where a clock is set back the earlier time may be in the later bin.
#[tokio::test]
async fn bins_that_a_clock_cuts_are_all_there_whatever_the_bounds() {
    for (interval, origin, from, to) in [
        (
            "1 hour",
            "1970-01-01T00:30:00",
            "2024-03-31T00:00:00Z",
            "2024-03-31T04:00:00Z",
        ),
        (
            "40 minutes",
            "1970-01-01T00:30:00",
            "2024-03-31T00:00:00Z",
            "2024-03-31T04:00:00Z",
        ),
        (
            "7 minutes",
            "1970-01-01T00:00:00",
            "2024-03-31T00:00:00Z",
            "2024-03-31T04:00:00Z",
        ),
        (
            "1 day",
            "1970-01-01T02:30:00",
            "2024-10-27T00:00:00Z",
            "2024-10-27T01:20:00Z",
        ),
        (
            "1 hour",
            "1970-01-01T00:30:00",
            "2024-10-27T00:30:00Z",
            "2024-10-27T03:00:00Z",
        ),
    ] {
        // Every minute has a point, so no gap is filled.
        let starts = [AUTUMN_NS, SPRING_NS].map(|day_ns| day_ns + 24 * HOUR_NS);
        let minutes = starts
            .iter()
            .flat_map(|start| (0..360).map(move |minute| start + minute * HOUR_NS / 60));
        let database = of(minutes.map(|time_ns| Point::new("m", &[], time_ns, &[("v", 1.0)])));
        let [filled, plain] = ["_gapfill", ""].map(|suffix| {
            format!(
                "SELECT date_bin_wallclock{suffix}(interval '{interval}', tz(time, 'Europe/Berlin'), \
                 TIMESTAMP '{origin}') AS bin, count(v) FROM m WHERE time >= '{from}' AND time < '{to}' \
                 GROUP BY bin ORDER BY bin"
            )
        });
        let expected = ask(&database, &plain).await;
        assert!(!expected.is_empty(), "{plain}");
        assert_eq!(ask(&database, &filled).await, expected, "{filled}");
        // The bins are the same where only the last of them has a point.
        let bins = expected.iter().map(|row| row.split(',').next());
        let bins: Vec<_> = bins.collect();
        let last: chrono::DateTime<chrono::Utc> = to.parse().expect("a time");
        let last = last.timestamp_nanos_opt().expect("of this age") - 1;
        let lone = of([Point::new("m", &[], last, &[("v", 1.0)])]);
        let rows = ask(&lone, &filled).await;
        let there: Vec<_> = rows.iter().map(|row| row.split(',').next()).collect();
        assert_eq!(there, bins, "{filled}");
    }
}

#[tokio::test]
async fn what_a_selector_chose_is_carried_on_and_interpolated() {
    let minute = 60_000_000_000;
    let database = of([(minute, 10.0), (minute + 1, 12.0), (4 * minute + 7, 40.0)]
        .map(|(time_ns, value)| Point::new("cpu", &[("host", "a")], time_ns, &[("v", value)])));
    for (fill, field, expected) in [
        ("", "value", ["", "12.0", "", "", "40.0", ""]),
        (
            "locf",
            "value",
            ["", "12.0", "12.0", "12.0", "40.0", "40.0"],
        ),
        (
            "locf",
            "time",
            [
                "",
                "00:01:00.000000001",
                "00:01:00.000000001",
                "00:01:00.000000001",
                "00:04:00.000000007",
                "00:04:00.000000007",
            ],
        ),
        (
            "interpolate",
            "value",
            [
                "",
                "12.0",
                "21.333333333333332",
                "30.666666666666664",
                "40.0",
                "",
            ],
        ),
        // A value in between is of no point, and has no time.
        (
            "interpolate",
            "time",
            ["", "00:01:00.000000001", "", "", "00:04:00.000000007", ""],
        ),
    ] {
        for selector in ["selector_last", "selector_max"] {
            let text = format!(
                "SELECT date_bin_gapfill(interval '1 minute', time) AS bin, {fill}({selector}(v, time))['{field}'] \
                 FROM cpu WHERE time >= '1970-01-01T00:00:00Z' AND time < '1970-01-01T00:06:00Z' \
                 GROUP BY bin ORDER BY bin"
            );
            let rows = ask(&database, &text).await;
            let cells = rows.iter().map(|row| {
                let cell = row.split_once(',').expect("two cells").1;
                cell.trim_start_matches("1970-01-01T").to_owned()
            });
            assert_eq!(cells.collect::<Vec<_>>(), expected, "{text}");
        }
    }
}

#[tokio::test]
async fn filling_gaps_of_local_time_is_refused_where_it_means_nothing() {
    let database = database(AUTUMN_NS, AUTUMN_NS + 49 * HOUR_NS);
    let bin = "date_bin_wallclock_gapfill(interval '1 day', tz(time, 'Europe/Berlin'))";
    for (text, reason) in [
        (
            format!("SELECT {bin} FROM m GROUP BY 1"),
            "missing both upper and lower time bounds",
        ),
        (
            format!("SELECT {bin} FROM m"),
            "date_bin_wallclock_gapfill may only be used as",
        ),
        (
            "SELECT date_bin_wallclock_gapfill(interval '0 second', time) FROM m \
             WHERE time > 0 AND time < 9 GROUP BY 1"
                .to_owned(),
            "longer than 0",
        ),
        (
            "SELECT date_bin_wallclock_gapfill(interval '1 month', time) FROM m \
             WHERE time > '2024-01-01' AND time < '2024-02-01' GROUP BY 1"
                .to_owned(),
            "months",
        ),
    ] {
        let error = refusal(&database, &text).await.to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
