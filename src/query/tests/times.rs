//! Functions of time: zones, bins of local time, and what an integer is.

use super::ask::{ask, of, refusal, try_ask};
use super::points::Point;
use crate::{Parameters, QueryError, ScalarValue};

async fn one(text: &str) -> String {
    let database = of([Point::new("m", &[], 0, &[("v", 1.0)])]);
    ask(&database, text).await.concat()
}

#[tokio::test]
async fn a_time_without_a_zone_is_utc_and_keeps_its_instant_in_any_zone() {
    let time = "TIMESTAMP '2024-07-01T12:00:00'";
    for (call, expected) in [
        (format!("tz({time})"), "2024-07-01T12:00:00Z"),
        (
            format!("tz({time}, 'Europe/Berlin')"),
            "2024-07-01T14:00:00+02:00",
        ),
        (
            format!("tz(tz({time}, 'Europe/Berlin'), 'America/New_York')"),
            "2024-07-01T08:00:00-04:00",
        ),
        (
            "tz('2024-01-01T00:00:00Z', 'Asia/Kolkata')".to_owned(),
            "2024-01-01T05:30:00+05:30",
        ),
        (
            "tz(time, 'Europe/Berlin')".to_owned(),
            "1970-01-01T01:00:00+01:00",
        ),
    ] {
        let text = format!("SELECT {call} FROM m");
        assert_eq!(one(&text).await, expected, "{call}");
    }
    let database = of([Point::new("m", &[], 0, &[("v", 1.0)])]);
    let error = refusal(&database, "SELECT tz(time, 'Europe/Nowhere') FROM m").await;
    assert!(error.to_string().contains("Europe/Nowhere"), "{error}");
}

#[tokio::test]
async fn an_integer_is_nanoseconds() {
    for (call, expected) in [
        (
            "to_timestamp(1704067200000000001)",
            "2024-01-01T00:00:00.000000001",
        ),
        ("to_timestamp(v::bigint)", "1970-01-01T00:00:00.000000001"),
        (
            "to_timestamp('2024-01-01T00:00:00Z')",
            "2024-01-01T00:00:00",
        ),
        ("to_timestamp(1.5)", "1970-01-01T00:00:01.500"),
        (
            "to_timestamp('01-02-2024', '%m-%d-%Y')",
            "2024-01-02T00:00:00",
        ),
        ("arrow_typeof(to_timestamp(1))", "Timestamp(ns)"),
    ] {
        let text = format!("SELECT {call} FROM m");
        assert_eq!(one(&text).await, expected, "{call}");
    }
}

#[tokio::test]
async fn now_is_one_moment_of_a_question() {
    assert_eq!(
        one("SELECT now() > '2024-01-01' AND now() = current_timestamp FROM m").await,
        "true"
    );
}

#[tokio::test]
async fn names_of_functions_that_grafana_sends_are_known() {
    for (call, expected) in [
        ("datepart('minute', TIMESTAMP '2024-01-01T00:42:00Z')", "42"),
        (
            "date_part('minute', TIMESTAMP '2024-01-01T00:42:00Z')",
            "42",
        ),
        (
            "(SELECT VARIANCE(x) FROM (VALUES (1.0), (3.0)) AS t(x))",
            "2.0",
        ),
        (
            "(SELECT var_samp(x) FROM (VALUES (1.0), (3.0)) AS t(x))",
            "2.0",
        ),
    ] {
        let text = format!("SELECT {call} FROM m");
        assert_eq!(one(&text).await, expected, "{call}");
    }
}

const BERLIN: &str = "Europe/Berlin";

/// Intervals, times, zones, and where the bin begins.
const WALLCLOCK: &[(&str, &str, &str, &str)] = &[
    // A day in winter and one in summer.
    (
        "1 day",
        "2024-01-15T12:00:00Z",
        BERLIN,
        "2024-01-15T00:00:00+01:00",
    ),
    (
        "1 day",
        "2024-07-15T22:30:00Z",
        BERLIN,
        "2024-07-16T00:00:00+02:00",
    ),
    // 2024-03-31 has 23 hours, 2024-10-27 has 25.
    (
        "1 day",
        "2024-03-31T21:59:59Z",
        BERLIN,
        "2024-03-31T00:00:00+01:00",
    ),
    (
        "1 day",
        "2024-03-31T22:00:00Z",
        BERLIN,
        "2024-04-01T00:00:00+02:00",
    ),
    (
        "1 day",
        "2024-10-27T22:59:59Z",
        BERLIN,
        "2024-10-27T00:00:00+02:00",
    ),
    (
        "1 day",
        "2024-10-27T23:00:00Z",
        BERLIN,
        "2024-10-28T00:00:00+01:00",
    ),
    // The hour from 2 to 3 is left out in spring: a bin that begins in it begins at 3.
    (
        "1 hour",
        "2024-03-31T01:10:00Z",
        BERLIN,
        "2024-03-31T03:00:00+02:00",
    ),
    (
        "2 hours",
        "2024-03-31T00:59:59Z",
        BERLIN,
        "2024-03-31T00:00:00+01:00",
    ),
    (
        "2 hours",
        "2024-03-31T01:10:00Z",
        BERLIN,
        "2024-03-31T03:00:00+02:00",
    ),
    // It comes twice in autumn: an hour is two bins, two hours are one that begins earlier.
    (
        "1 hour",
        "2024-10-27T00:10:00Z",
        BERLIN,
        "2024-10-27T02:00:00+02:00",
    ),
    (
        "1 hour",
        "2024-10-27T01:10:00Z",
        BERLIN,
        "2024-10-27T02:00:00+01:00",
    ),
    (
        "30 minutes",
        "2024-10-27T01:40:00Z",
        BERLIN,
        "2024-10-27T02:30:00+01:00",
    ),
    (
        "2 hours",
        "2024-10-27T00:10:00Z",
        BERLIN,
        "2024-10-27T02:00:00+02:00",
    ),
    (
        "2 hours",
        "2024-10-27T01:10:00Z",
        BERLIN,
        "2024-10-27T02:00:00+02:00",
    ),
    (
        "2 hours",
        "2024-10-27T02:59:59Z",
        BERLIN,
        "2024-10-27T02:00:00+02:00",
    ),
    // A shift of half an hour, south of the equator.
    (
        "1 hour",
        "2024-04-06T15:10:00Z",
        "Australia/Lord_Howe",
        "2024-04-07T01:00:00+11:00",
    ),
    (
        "1 day",
        "2024-10-05T14:00:00Z",
        "Australia/Lord_Howe",
        "2024-10-06T00:00:00+10:30",
    ),
    (
        "1 day",
        "1969-12-31T12:00:00Z",
        "UTC",
        "1969-12-31T00:00:00Z",
    ),
];

#[tokio::test]
async fn a_bin_of_local_time_follows_the_clock_on_the_wall() {
    for (interval, time, zone, expected) in WALLCLOCK {
        let text = format!(
            "SELECT date_bin_wallclock(INTERVAL '{interval}', tz(TIMESTAMP '{time}', '{zone}')) FROM m"
        );
        assert_eq!(one(&text).await, *expected, "{text}");
    }
    assert_eq!(
        one("SELECT date_bin_wallclock(INTERVAL '1 day', \
             tz(TIMESTAMP '2024-03-31T21:00:00Z', 'Europe/Berlin'), \
             TIMESTAMP '1970-01-01T06:00:00') FROM m")
        .await,
        "2024-03-31T06:00:00+02:00"
    );
}

#[tokio::test]
async fn a_bin_without_length_is_refused_before_anything_is_read() {
    let database = of([Point::new("m", &[], 0, &[("v", 1.0)])]);
    for (function, interval) in [
        ("date_bin", "0 second"),
        ("date_bin", "-1 second"),
        ("date_bin", "1 day -25 hours"),
        ("date_bin_wallclock", "0 second"),
    ] {
        let text = format!(
            "SELECT {function}(interval '{interval}', time, timestamp '1970-01-01T00:00:00Z') AS t, \
             avg(v) FROM m WHERE time > now() GROUP BY t ORDER BY t"
        );
        let error = refusal(&database, &text).await.to_string();
        assert!(error.contains("must be longer than 0"), "{error}");
        assert!(error.contains(function), "{error}");
    }
    // From a review: the days alone decided.
    let hour = "SELECT date_bin(interval '-1 day 25 hours', time) FROM m";
    assert_eq!(ask(&database, hour).await, ["1970-01-01T00:00:00"]);
    let error = refusal(
        &database,
        "SELECT date_bin_wallclock(interval '1 month', time) FROM m",
    )
    .await;
    assert!(error.to_string().contains("no months"), "{error}");
}

/// From a bug: a time that nanoseconds do not reach was refused, though it is only compared with.
#[tokio::test]
async fn a_time_beyond_all_is_after_or_before_each() {
    let database = of([1, 2].map(|time| Point::new("m", &[], time, &[("v", 1.0)])));
    for (condition, rows) in [
        ("time > '2300-01-01T00:00:00Z'", "0"),
        ("time >= TIMESTAMP '2300-01-01'", "0"),
        ("time = '2300-01-01'", "0"),
        ("time < '2300-01-01T00:00:00Z'", "2"),
        ("time <> '2300-01-01'::TIMESTAMP", "2"),
        ("'2300-01-01' >= time", "2"),
        ("TIMESTAMP '1500-01-01' <= time", "2"),
        ("time > '1500-01-01'", "2"),
        ("time < '1500-01-01'", "0"),
        ("time IS DISTINCT FROM '1500-01-01'", "2"),
        ("time BETWEEN '1500-01-01' AND '2300-01-01'", "2"),
        ("time BETWEEN '2300-01-01' AND '2400-01-01'", "0"),
        ("time NOT BETWEEN '2300-01-01' AND '2400-01-01'", "2"),
        (
            "time BETWEEN '1500-01-01' AND '1970-01-01T00:00:00.000000001Z'",
            "1",
        ),
        (
            "time IN ('2300-01-01', '1970-01-01T00:00:00.000000001Z')",
            "1",
        ),
        ("time NOT IN ('2300-01-01', '2301-01-01')", "2"),
        (
            "(lag(time) OVER (ORDER BY time) < '2300-01-01') IS NULL",
            "1",
        ),
        ("time < '2200-01-01' AND v = 1", "2"),
    ] {
        let text = match condition.contains("OVER") {
            true => {
                format!("SELECT count(*) FILTER (WHERE x) FROM (SELECT {condition} AS x FROM m)")
            }
            false => format!("SELECT count(*) FROM m WHERE {condition}"),
        };
        assert_eq!(ask(&database, &text).await, [rows], "{condition}");
    }
    let text = "SELECT count(*) FROM m WHERE time > '2300-13-01'";
    let refused = refusal(&database, text).await;
    assert!(matches!(refused, QueryError::Invalid(_)), "{refused:?}");
}

/// From a bug: the sum made an interval of the parameter, which it could not be beside the comparison.
#[tokio::test]
async fn a_parameter_is_a_time_beside_an_interval() {
    const DAY_NS: i64 = 86_400_000_000_000;
    let times = [-1, 0, DAY_NS - 1, DAY_NS];
    let database = of(times.map(|time| Point::new("m", &[], time, &[("v", 1.0)])));
    let count = async |text: &str, value: ScalarValue| {
        let values = Parameters::Placed(vec![value]);
        try_ask(&database, text, values)
            .await
            .unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let time = || ScalarValue::TimestampNanosecond(Some(0), None);
    let written = || ScalarValue::from("1970-01-01T00:00:00Z");
    for condition in [
        "time >= $1 AND time < $1 + INTERVAL '1 day'",
        "time >= $1 AND time < INTERVAL '1 day' + $1",
        "time < $1 + INTERVAL '1 day' AND time >= $1",
        "time BETWEEN $1 AND $1 + INTERVAL '1 day' - INTERVAL '1 nanosecond'",
    ] {
        let text = format!("SELECT count(*) FROM m WHERE {condition}");
        assert_eq!(count(&text, time()).await, ["2"], "{text}");
        assert_eq!(count(&text, written()).await, ["2"], "{text}");
    }
    let text = "SELECT count(*) FROM m WHERE v::BIGINT = $1 OR v > $1";
    assert_eq!(count(text, ScalarValue::from(1_i64)).await, ["4"]);
}
