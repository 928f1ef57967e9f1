//! Conditions that the scan decides: in every form in which people write them, to the nanosecond.

use std::sync::Arc;

use super::ask::{ask, of, try_ask};
use super::points::{Point, Points};
use crate::{Parameters, ScalarValue};

/// 2024-01-01T00:00:00Z.
const T: i64 = 1_704_067_200_000_000_000;
const TIMES: [i64; 7] = [
    T - 1_000,
    T - 1,
    T,
    T + 1,
    T + 999,
    T + 1_000,
    T + 3_600_000_000_000,
];

fn database() -> Arc<Points> {
    of(TIMES.map(|time_ns| Point::new("m", &[], time_ns, &[("v", 1.0)])))
}

/// Times of the rows that pass, and the plan.
async fn passing(condition: &str, values: &Parameters) -> (Vec<i64>, String) {
    let select = format!("SELECT CAST(time AS BIGINT) FROM m WHERE {condition}");
    let rows = try_ask(&database(), &format!("{select} ORDER BY 1"), values.clone()).await;
    let rows = rows.unwrap_or_else(|error| panic!("{condition}: {error}"));
    let rows = rows.iter().map(|row| row.parse().expect("a time"));
    let plan = try_ask(&database(), &format!("EXPLAIN {select}"), values.clone()).await;
    let plan = plan.unwrap_or_else(|error| panic!("{condition}: {error}"));
    (rows.collect(), plan.join("\n"))
}

#[tokio::test]
async fn a_bound_of_time_in_any_form_is_decided_by_the_scan_and_exact() {
    let day = 86_400_000_000_000;
    for (condition, from, to) in [
        ("time >= '2024-01-01'", T, i64::MAX),
        ("time > '2024-01-01'", T + 1, i64::MAX),
        ("time <= '2024-01-01T00:00:00Z'", i64::MIN, T),
        ("time < '2024-01-01T00:00:00Z'", i64::MIN, T - 1),
        ("time = '2024-01-01 00:00:00'", T, T),
        ("'2024-01-01T00:00:00Z' < time", T + 1, i64::MAX),
        ("time >= '2024-01-01T01:00:00+01:00'", T, i64::MAX),
        ("time >= '2024-01-01T00:00:00.000000001Z'", T + 1, i64::MAX),
        ("time >= timestamp '2024-01-01T00:00:00Z'", T, i64::MAX),
        ("time > timestamp '2024-01-01'", T + 1, i64::MAX),
        ("time >= timestamptz '2024-01-01T00:00:00Z'", T, i64::MAX),
        ("time >= DATE '2024-01-01'", T, i64::MAX),
        (
            "time > CAST('2024-01-01T00:00:00Z' AS timestamp)",
            T + 1,
            i64::MAX,
        ),
        (
            "\"time\" >= cast('2024-01-01T00:00:00Z' as timestamp)",
            T,
            i64::MAX,
        ),
        ("time >= '2024-01-01T00:00:00Z'::timestamp", T, i64::MAX),
        (
            "time > to_timestamp('2024-01-01T00:00:00Z')",
            T + 1,
            i64::MAX,
        ),
        ("time > to_timestamp(1704067200000000000)", T + 1, i64::MAX),
        (
            "time > timestamp '2024-01-01T01:00:00Z' - interval '1 hour'",
            T + 1,
            i64::MAX,
        ),
        (
            "time BETWEEN '2024-01-01' AND '2024-01-01T00:00:00.000001Z'",
            T,
            T + 1_000,
        ),
        (
            "time BETWEEN timestamp '2024-01-01T00:00:00Z' AND timestamp '2024-01-02T00:00:00Z'",
            T,
            T + day,
        ),
        (
            "time >= '2024-01-01' AND time < '2024-01-01T00:00:00.000001'",
            T,
            T + 999,
        ),
        ("NOT (time < '2024-01-01')", T, i64::MAX),
        ("time > tz('2024-01-01T00:00:00Z')", T + 1, i64::MAX),
        (
            "tz(time, 'Europe/Berlin') > '2024-01-01T01:00:00'",
            T + 1,
            i64::MAX,
        ),
    ] {
        let (rows, plan) = passing(condition, &Parameters::none()).await;
        let expected = TIMES.into_iter().filter(|t| (from..=to).contains(t));
        assert_eq!(rows, expected.collect::<Vec<_>>(), "{condition}");
        let scan = [("time>=", from, i64::MIN), ("time<=", to, i64::MAX)];
        for (bound, at, open) in scan {
            let shown = plan.contains(&format!("{bound}{at}"));
            assert!(shown || at == open, "{condition}: {bound}{at} in\n{plan}");
        }
        assert!(!plan.contains("FilterExec"), "{condition}:\n{plan}");
    }
}

#[tokio::test]
async fn a_bound_of_time_relative_to_now_is_decided_by_the_scan() {
    for condition in [
        "time >= now() - interval '1 hour'",
        "time >= now() - interval '1 month' AND time < now()",
        "time > current_timestamp - interval '7 days'",
    ] {
        let (rows, plan) = passing(condition, &Parameters::none()).await;
        assert_eq!(rows, [0_i64; 0], "{condition}");
        assert!(plan.contains("time>="), "{condition}:\n{plan}");
        assert!(!plan.contains("FilterExec"), "{condition}:\n{plan}");
    }
}

#[tokio::test]
async fn a_bound_of_time_in_a_parameter_is_decided_by_the_scan() {
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    for value in [
        text("2024-01-01T00:00:00Z"),
        text("2024-01-01"),
        ScalarValue::TimestampNanosecond(Some(T), None),
        ScalarValue::TimestampNanosecond(Some(T), Some("UTC".into())),
        ScalarValue::TimestampMillisecond(Some(T / 1_000_000), None),
    ] {
        let values = Parameters::Placed(vec![value.clone()]);
        let (rows, plan) = passing("time > $1", &values).await;
        assert_eq!(rows, TIMES[3..], "{value:?}");
        assert!(
            plan.contains(&format!("time>={}", T + 1)),
            "{value:?}:\n{plan}"
        );
    }
}

#[tokio::test]
async fn conditions_on_one_tag_are_decided_by_the_scan_and_others_above_it() {
    let hosts = [Some("a"), Some("b"), Some("B"), Some("c"), Some(""), None];
    let points = hosts.iter().zip(0..).map(|(host, time_ns)| {
        let tags: Vec<_> = host.map(|host| ("host", host)).into_iter().collect();
        Point::new("m", &tags, time_ns, &[("v", 1.0)])
    });
    let database = of(points);
    let is = |host: &'static str| move |of: Option<&str>| of == Some(host);
    type Passes = Box<dyn Fn(Option<&str>) -> bool>;
    let conditions: [(&str, bool, Passes); 10] = [
        ("host = 'a'", true, Box::new(is("a"))),
        (
            "host IN ('a', 'c')",
            true,
            Box::new(|h| h == Some("a") || h == Some("c")),
        ),
        (
            "host = 'a' OR host = 'b'",
            true,
            Box::new(|h| h == Some("a") || h == Some("b")),
        ),
        (
            "host = 'a' OR host = 'b' OR host = 'c' OR host = 'B' OR host = ''",
            true,
            Box::new(|h| h.is_some()),
        ),
        (
            "host IS NULL OR host = 'a'",
            true,
            Box::new(|h| h.is_none() || h == Some("a")),
        ),
        ("host IS NULL", true, Box::new(|h| h.is_none())),
        (
            "host != 'a'",
            false,
            Box::new(|h| h.is_some_and(|h| h != "a")),
        ),
        ("host LIKE 'b%'", false, Box::new(is("b"))),
        (
            "host ~ '^[bB]$'",
            false,
            Box::new(|h| h == Some("b") || h == Some("B")),
        ),
        ("host = 'a' OR v > 1", false, Box::new(is("a"))),
    ];
    for (condition, by_scan, passes) in conditions {
        let select = format!("SELECT CAST(time AS BIGINT) AS t FROM m WHERE {condition}");
        let rows = ask(&database, &format!("{select} ORDER BY t")).await;
        let expected = hosts.iter().enumerate().filter(|(_, host)| passes(**host));
        let expected: Vec<_> = expected.map(|(place, _)| place.to_string()).collect();
        assert_eq!(rows, expected, "{condition}");
        let plan = ask(&database, &format!("EXPLAIN {select}"))
            .await
            .join("\n");
        assert_eq!(plan.contains("host in ["), by_scan, "{condition}:\n{plan}");
        assert_eq!(
            plan.contains("FilterExec"),
            !by_scan,
            "{condition}:\n{plan}"
        );
    }
}
