//! What InfluxDB 1.6.7 said of some hundred statements, and what is found out about them.

use super::super::ast::{Expression, Select, Statement};
use super::super::{Environment, parse};
use super::{Clock, Interval, Offset, TimeRange};

const HOUR_NS: i64 = 3_600_000_000_000;

/// A clock at 2026-11-18, in a world where every zone is one hour ahead.
const CLOCK: Clock = Clock {
    now_ns: 1_795_000_000_000_000_000,
    to_utc_ns: |_, local_ns| local_ns - HOUR_NS as i128,
};

fn select(text: &str) -> Select {
    match parse(text, &Environment::default()).map(|mut query| query.statements.pop()) {
        Ok(Some(Statement::Select(select))) => *select,
        other => panic!("{text}: {other:?}"),
    }
}

fn range(condition: &str) -> (Option<String>, TimeRange) {
    let select = select(&format!("SELECT x FROM m WHERE {condition}"));
    let split = super::select(&select, &CLOCK).unwrap().split;
    (
        split.predicate.as_ref().map(Expression::to_string),
        split.range,
    )
}

fn between(min_ns: impl Into<Option<i64>>, max_ns: impl Into<Option<i64>>) -> TimeRange {
    TimeRange {
        min_ns: min_ns.into(),
        max_ns: max_ns.into(),
    }
}

#[test]
fn every_statement_of_the_corpus_is_judged_as_by_influxdb() {
    let mut checked = 0;
    for line in include_str!("corpus.tsv").lines() {
        let (text, theirs) = line.split_once('\t').unwrap();
        let ours = super::select(&select(text), &CLOCK)
            .map_or_else(|error| error.to_string(), |_| "ok".to_owned());
        assert_eq!(ours, theirs, "{text}");
        checked += 1;
    }
    assert!(checked > 500, "the corpus has only {checked} lines");
}

#[test]
fn times_are_taken_out_of_conditions_and_intersected() {
    let now = CLOCK.now_ns;
    assert_eq!(
        range("time > 5 AND x = 1"),
        (Some("x = 1".into()), between(6, None))
    );
    assert_eq!(range("5 < time AND time < 9"), (None, between(6, 8)));
    assert_eq!(range("time >= 5 OR TIME <= 3"), (None, between(5, 3)));
    assert_eq!(
        range("x = 1 OR (time = 7)"),
        (Some("x = 1".into()), between(7, 7))
    );
    assert_eq!(
        range("a = 1 OR b = 2 AND time > now() - 1h OR c = 3"),
        (
            Some("a = 1 OR b = 2 OR c = 3".into()),
            between(now - HOUR_NS + 1, None)
        )
    );
    assert_eq!(
        range("(time > 0s AND (a = 1 OR b = 2)) AND c = 3"),
        (Some("(a = 1 OR b = 2) AND c = 3".into()), between(1, None))
    );
    assert_eq!(
        range("(x = 1 AND y = 2)"),
        (Some("x = 1 AND y = 2".into()), between(None, None))
    );
    assert_eq!(range("true"), (None, between(None, None)));
}

#[test]
fn times_are_written_in_many_forms() {
    let second = 1_000_000_000;
    for (text, seconds) in [
        ("'2023-11-14'", 1_699_920_000),
        ("'2023-11-14 22:13:20'", 1_700_000_000),
        ("'2023-11-14T22:13:20Z'", 1_700_000_000),
        ("'2023-11-14T22:13:20+01:00'", 1_699_996_400),
        ("1700000000s", 1_700_000_000),
        ("1700000000000ms", 1_700_000_000),
        ("1700000000000000000", 1_700_000_000),
        ("'2023-11-14' + 22h + 800s", 1_700_000_000),
        ("'2024-02-29'", 1_709_164_800),
        ("'1969-12-31T23:59:59Z'", -1),
    ] {
        assert_eq!(
            range(&format!("time = {text}")).1,
            between(seconds * second, seconds * second),
            "{text}"
        );
    }
    let fraction = 1_700_000_000_000_000_000 + 123_456_789;
    assert_eq!(
        range("time = '2023-11-14 22:13:20.1234567899'").1,
        between(fraction, fraction)
    );
}

/// A bug that random texts found: the end of the range was computed past the largest integer.
#[test]
fn a_float_beyond_all_times_is_the_last_one() {
    let large = "9".repeat(300);
    assert_eq!(
        range(&format!("time > {large}.0")).1,
        between(i64::MAX, None)
    );
    assert_eq!(
        range(&format!("time < -{large}.0")).1,
        between(None, i64::MIN)
    );
    assert_eq!(
        range("time > 9223372036854775807").1,
        between(i64::MAX, None)
    );
}

#[test]
fn times_without_an_offset_are_read_in_the_zone_of_the_query() {
    let select = select(
        "SELECT x FROM m WHERE time >= '2023-11-14 23:13:20' AND time < '2023-11-14T22:13:21Z' \
         tz('Europe/Berlin')",
    );
    let split = super::select(&select, &CLOCK).unwrap().split;
    let start = 1_700_000_000_000_000_000;
    assert_eq!(split.range, between(start, start + 999_999_999));
}

#[test]
fn windows_and_kinds_of_fields_are_found() {
    let summary = |text| super::select(&select(text), &CLOCK).unwrap();
    let found = summary("SELECT time AS t, max(x), host FROM m");
    assert_eq!(found.time_alias.as_deref(), Some("t"));
    assert_eq!(
        (
            found.functions,
            found.only_selectors,
            found.has_plain_fields
        ),
        (1, true, true)
    );
    let found = summary("SELECT mean(x) FROM m GROUP BY host, time(1h, -5m)");
    assert_eq!(
        (
            found.functions,
            found.only_selectors,
            found.has_plain_fields
        ),
        (1, false, false)
    );
    let offset = Offset::Nanoseconds(-HOUR_NS / 12);
    assert_eq!(
        found.interval,
        Some(Interval {
            duration_ns: HOUR_NS,
            offset
        })
    );
    let found = summary("SELECT abs(x) FROM m GROUP BY host");
    assert_eq!(
        (found.functions, found.has_plain_fields, found.interval),
        (0, true, None)
    );
}

#[test]
fn functions_in_parentheses_of_a_condition_are_refused_too() {
    let select = select("SELECT x FROM m WHERE y = 1 AND (mean(x) > 1)");
    assert_eq!(
        super::select(&select, &CLOCK).unwrap_err().to_string(),
        "invalid function call in condition: mean(x)"
    );
}

#[test]
fn other_statements_are_checked_by_their_conditions() {
    let error = |text| {
        let query = parse(text, &Environment::default()).unwrap();
        let statement = query.statements.first().unwrap();
        super::statement(statement, &CLOCK)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(
        error("SHOW TAG VALUES WITH KEY = host WHERE x").as_deref(),
        Some("invalid condition expression: x")
    );
    assert_eq!(
        error("DROP SERIES WHERE time > 0").as_deref(),
        Some("DROP SERIES doesn't support time in WHERE clause")
    );
    assert_eq!(
        error("EXPLAIN SELECT mean(x), y FROM m").as_deref(),
        Some("mixing aggregate and non-aggregate queries is not supported")
    );
    assert_eq!(error("SHOW SERIES WHERE time > now() - 1h"), None);
}
