//! Questions that fill gaps: what they answer and what they refuse.

mod local;
mod model;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use datafusion::arrow::util::pretty::pretty_format_batches;

use super::points::{Point, Points};
use crate::{Parameters, QueryEngine, QueryError, ScalarValue};

fn engine() -> QueryEngine {
    QueryEngine::new(crate::tests::limits()).expect("an engine")
}

/// Two hosts, minutes after midnight: a has usage at 1 and 4, and at 5 only idle; b has usage at 3.
fn database() -> Arc<Points> {
    let minute = |minute: i64| minute * 60_000_000_000;
    let point =
        |host, at, field, value| Point::new("cpu", &[("host", host)], at, &[(field, value)]);
    Arc::new(Points::new([
        point("a", minute(1), "usage", 10.0),
        point("a", minute(4) + 1, "usage", 40.0),
        point("a", minute(5), "idle", 1.0),
        point("b", minute(3), "usage", 7.0),
    ]))
}

async fn answer(text: &str, values: Parameters) -> Result<Vec<String>, QueryError> {
    let question = engine().sql(database(), text).await?;
    let schema = question.schema();
    let mut answer = question.run(values).await?;
    assert_eq!(*answer.schema(), schema, "{text}: known before it is run");
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        batches.push(batch);
    }
    let table = pretty_format_batches(&batches).expect("it prints");
    let table = table.to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = lines.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        let cells = cells.map(|cell| cell.trim_start_matches("1970-01-01T"));
        cells.collect::<Vec<_>>().join(",")
    });
    Ok(cells.collect())
}

async fn rows(text: &str) -> Vec<String> {
    let rows = answer(text, Parameters::none()).await;
    rows.unwrap_or_else(|error| panic!("{text}: {error}"))
}

async fn refusal(text: &str) -> String {
    match answer(text, Parameters::none()).await {
        Err(QueryError::Invalid(text)) => text,
        other => panic!("{text}: {other:?}"),
    }
}

/// The bounds of the whole hour's first six minutes.
const SIX: &str = "time >= '1970-01-01T00:00:00Z' AND time < '1970-01-01T00:06:00Z'";

#[tokio::test]
async fn each_group_has_a_row_per_bin_and_wrapped_columns_are_filled() {
    let text = format!(
        "SELECT host, date_bin_gapfill(interval '1 minute', time) AS time, count(usage) AS n,
         avg(usage), locf(avg(usage)) AS l, interpolate(avg(usage)) FROM cpu WHERE {SIX} GROUP BY 2, host"
    );
    let expected = [
        "a,00:00:00,,,,",
        "a,00:01:00,1,10.0,10.0,10.0",
        "a,00:02:00,,,10.0,20.0",
        "a,00:03:00,,,10.0,30.0",
        "a,00:04:00,1,40.0,40.0,40.0",
        "a,00:05:00,0,,40.0,",
        "b,00:00:00,,,,",
        "b,00:01:00,,,,",
        "b,00:02:00,,,,",
        "b,00:03:00,1,7.0,7.0,7.0",
        "b,00:04:00,,,7.0,",
        "b,00:05:00,,,7.0,",
    ];
    assert_eq!(rows(&text).await, expected);
    assert_eq!(rows(&format!("{text} ORDER BY host, time")).await, expected);
    let mut backwards = expected;
    backwards.reverse();
    assert_eq!(
        rows(&format!("{text} ORDER BY host DESC, time DESC")).await,
        backwards
    );
    assert_eq!(
        rows(&format!("{text} ORDER BY host, time LIMIT 3")).await,
        expected[..3]
    );
}

#[tokio::test]
async fn bounds_may_be_written_in_any_way() {
    let minutes = |first: u32, last: u32| {
        (first..=last)
            .map(|m| format!("00:0{m}:00"))
            .collect::<Vec<_>>()
    };
    for (bounds, first, last) in [
        (SIX, 0, 5),
        (
            "time BETWEEN '1970-01-01T00:00:00Z' AND '1970-01-01T00:06:00Z'",
            0,
            6,
        ),
        (
            "'1970-01-01T00:06:00' > time AND timestamp '1970-01-01T00:01:00Z' <= time",
            1,
            5,
        ),
        (
            "time > '1970-01-01T00:01:59.999999999' AND time <= '1970-01-01T00:05:59.999999999'",
            2,
            5,
        ),
        (
            "time > '1970-01-01T00:01:59.999999998' AND time <= '1970-01-01T00:06:00'",
            1,
            6,
        ),
        (
            "time >= to_timestamp_nanos(0) AND time < to_timestamp_nanos(0) + interval '5 minutes'",
            0,
            4,
        ),
        (
            "time >= cast('1970-01-01T00:01:00Z' as timestamp) AND time < '1970-01-01T00:06:00Z' AND host = 'a'",
            1,
            5,
        ),
        (
            "time > '1970-01-01' AND (time = '1970-01-01T00:03:00' OR time < '1970-01-01T00:05:00')",
            0,
            4,
        ),
        (
            "time IN ('1970-01-01T00:01:00', '1970-01-01T00:03:00')",
            1,
            3,
        ),
    ] {
        let text = format!(
            "SELECT date_bin_gapfill(interval '1 minute', time) AS bin FROM cpu WHERE {bounds} GROUP BY bin ORDER BY bin"
        );
        assert_eq!(rows(&text).await, minutes(first, last), "{bounds}");
    }
    let text = "SELECT date_bin_gapfill(interval '1 minute', time) FROM cpu WHERE time >= $from AND time < $to GROUP BY 1";
    let text_of = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    let values = [
        ("from", "1970-01-01T00:02:00Z"),
        ("to", "1970-01-01T00:06:00Z"),
    ];
    let values = values.map(|(name, value)| (name.to_owned(), text_of(value)));
    let values = Parameters::Named(HashMap::from(values));
    assert_eq!(answer(text, values).await.unwrap(), minutes(2, 5));
}

#[tokio::test]
async fn bounds_may_be_relative_to_now() {
    let text = "SELECT count(*) BETWEEN 60 AND 62 FROM (
        SELECT date_bin_gapfill(interval '1 minute', time) FROM (SELECT now() - interval '30 minutes' AS time)
        WHERE time >= now() - interval '1 hour' AND time <= now() GROUP BY 1)";
    // The time of that point is no column of a table, but it is one of the inner question.
    assert_eq!(rows(text).await, ["true"]);
    let text = "SELECT count(*) FROM (SELECT date_bin_gapfill(interval '1 minute', time) FROM cpu
        WHERE time >= now() - interval '1 hour' AND time <= now() GROUP BY 1)";
    assert_eq!(
        rows(text).await,
        ["0"],
        "a group without rows does not appear"
    );
}

#[tokio::test]
async fn filters_and_questions_above_see_the_rows_that_were_added() {
    let inner = format!(
        "SELECT host, date_bin_gapfill(interval '2 minutes', time) AS bin, locf(max(usage)) AS l FROM cpu
         WHERE {SIX} GROUP BY host, bin"
    );
    for (text, expected) in [
        (format!("{inner} HAVING locf(max(usage)) > 8 ORDER BY 1, 2"), vec!["a,00:00:00,10.0", "a,00:02:00,10.0", "a,00:04:00,40.0"]),
        (format!("{inner} HAVING max(usage) IS NULL ORDER BY host, bin"), vec!["a,00:02:00,10.0", "b,00:00:00,", "b,00:04:00,7.0"]),
        (format!("{inner} ORDER BY locf(max(usage)) NULLS FIRST, bin, host"), vec!["b,00:00:00,", "b,00:02:00,7.0", "b,00:04:00,7.0", "a,00:00:00,10.0", "a,00:02:00,10.0", "a,00:04:00,40.0"]),
        (format!("{inner} ORDER BY locf(min(usage)) DESC NULLS LAST, bin, host LIMIT 2"), vec!["a,00:04:00,40.0", "a,00:00:00,10.0"]),
        (format!("SELECT * FROM ({inner}) WHERE host = 'b' AND l > 0 ORDER BY bin"), vec!["b,00:02:00,7.0", "b,00:04:00,7.0"]),
        (format!("WITH f AS ({inner}) SELECT host, count(*), count(l) FROM f GROUP BY host ORDER BY host"), vec!["a,3,3", "b,3,2"]),
        (format!("SELECT count(host) FROM cpu WHERE 3 = (SELECT count(*) FROM ({inner}) WHERE host = 'a')"), vec!["4"]),
        (format!("SELECT coalesce(locf(max(usage)), -1) + 1 AS x FROM (SELECT * FROM cpu WHERE {SIX}) AS c WHERE host = 'b'
            GROUP BY date_bin_gapfill(interval '2 minutes', c.time) ORDER BY date_bin_gapfill(interval '2 minutes', c.time)"), vec!["0.0", "8.0", "8.0"]),
    ] {
        assert_eq!(rows(&text).await, expected, "{text}");
    }
    let plan = rows(&format!("EXPLAIN {inner}")).await.join("\n");
    assert!(plan.contains("GapFillExec: bin=date_bin_gapfill"), "{plan}");
}

#[tokio::test]
async fn whole_numbers_and_what_selectors_give_are_interpolated() {
    let text = format!(
        "SELECT date_bin_gapfill(interval '1 minute', time) AS bin,
         interpolate(cast(sum(usage) / 9 AS bigint)) AS i, interpolate(cast(sum(usage) AS int unsigned)) AS u,
         interpolate(named_struct('value', sum(usage), 'time', min(time)))['value'] AS v,
         interpolate(named_struct('value', sum(usage), 'time', min(time)))['time'] AS t,
         locf(named_struct('value', sum(usage), 'time', min(time)))['time'] AS lt
         FROM cpu WHERE {SIX} AND host = 'a' GROUP BY bin"
    );
    assert_eq!(
        rows(&text).await,
        [
            "00:00:00,,,,,",
            "00:01:00,1,10,10.0,00:01:00,00:01:00",
            "00:02:00,2,20,20.0,,00:01:00",
            "00:03:00,3,30,30.0,,00:01:00",
            "00:04:00,4,40,40.0,00:04:00.000000001,00:04:00.000000001",
            "00:05:00,,,,00:05:00,00:05:00",
        ]
    );
}

async fn refused(text: &str, reason: &str) {
    let refusal = refusal(text).await;
    assert!(refusal.contains(reason), "{text}: {refusal}");
}

#[tokio::test]
async fn a_question_without_both_bounds_of_time_says_which_is_missing() {
    let bin = "date_bin_gapfill(interval '1 minute', time)";
    for (text, reason) in [
        (
            format!("SELECT {bin} FROM cpu GROUP BY 1"),
            "gap-filling query is missing both upper and lower time bounds",
        ),
        (
            format!("SELECT {bin} FROM cpu WHERE time < '1970-01-02' GROUP BY 1"),
            "gap-filling query is missing lower time bound",
        ),
        (
            format!("SELECT {bin} FROM cpu WHERE time >= '1970-01-01' OR host = 'a' GROUP BY 1"),
            "gap-filling query is missing both",
        ),
        (
            format!("SELECT {bin} FROM cpu WHERE time >= '1970-01-01' GROUP BY 1"),
            "gap-filling query is missing upper time bound",
        ),
    ] {
        refused(&text, reason).await;
    }
}

#[tokio::test]
async fn a_question_that_fills_gaps_where_it_cannot_says_where_it_can() {
    let bin = "date_bin_gapfill(interval '1 minute', time)";
    for (text, reason) in [
        (
            format!("SELECT {bin} FROM cpu WHERE {SIX}"),
            "date_bin_gapfill may only be used as an expression of GROUP BY",
        ),
        (
            format!("SELECT {bin} AS time, avg(usage) FROM cpu WHERE {SIX} GROUP BY time"),
            "date_bin_gapfill may only be used as an expression of GROUP BY",
        ),
        (
            format!("SELECT host FROM cpu WHERE {bin} > '1970-01-01' AND {SIX}"),
            "date_bin_gapfill may only be used as an expression of GROUP BY",
        ),
        (
            format!(
                "SELECT {bin}, date_bin_gapfill(interval '2 minutes', time) FROM cpu WHERE {SIX} GROUP BY 1, 2"
            ),
            ", once",
        ),
        (
            format!("SELECT {bin}, host FROM cpu WHERE {SIX} GROUP BY ROLLUP ({bin}, host)"),
            "ROLLUP",
        ),
        (
            format!("SELECT locf(usage) FROM cpu WHERE {SIX}"),
            "locf must be called on an aggregate column in a gap-filling query",
        ),
        (
            format!("SELECT interpolate(avg(usage)) FROM cpu WHERE {SIX} GROUP BY host"),
            "interpolate must be called on an aggregate column in a gap-filling query",
        ),
        (
            format!("SELECT {bin}, locf(host) FROM cpu WHERE {SIX} GROUP BY 1, host"),
            "locf must be called on an aggregate",
        ),
        (
            format!("SELECT {bin}, interpolate(max(host)) FROM cpu WHERE {SIX} GROUP BY 1"),
            "interpolate needs numbers",
        ),
    ] {
        refused(&text, reason).await;
    }
}

#[tokio::test]
async fn a_bin_or_a_column_that_cannot_be_filled_says_why() {
    for (text, reason) in [
        (
            format!(
                "SELECT date_bin_gapfill(interval '0 second', time) FROM cpu WHERE {SIX} GROUP BY 1"
            ),
            "longer than 0",
        ),
        (
            format!(
                "SELECT date_bin_gapfill(interval '-1 second', time) FROM cpu WHERE {SIX} GROUP BY 1"
            ),
            "longer than 0",
        ),
        (
            format!(
                "SELECT date_bin_gapfill(interval '1 month', time) FROM cpu WHERE {SIX} GROUP BY 1"
            ),
            "months",
        ),
        (
            "SELECT date_bin_gapfill(interval '10 seconds', time) FROM cpu WHERE time >= '1677-09-21T00:12:44Z' AND time < '1677-09-21T00:13:00Z' GROUP BY 1".to_owned(),
            "begins before the first time that there is",
        ),
        (
            format!(
                "SELECT date_bin_gapfill(interval '1 minute', time + interval '1 hour') FROM cpu WHERE {SIX} GROUP BY 1"
            ),
            "a column of times",
        ),
        (
            format!(
                "SELECT date_bin_gapfill(interval '1 minute', time, time) FROM cpu WHERE {SIX} GROUP BY 1"
            ),
            "constants",
        ),
    ] {
        refused(&text, reason).await;
    }
}

#[tokio::test]
async fn a_question_with_countless_bins_can_be_stopped() {
    let text = format!(
        "SELECT count(*) FROM (SELECT date_bin_gapfill(interval '1 microsecond', time) FROM cpu WHERE {SIX} GROUP BY 1)"
    );
    let question = engine().sql(database(), &text).await.unwrap();
    let mut answer = question.run(Parameters::none()).await.unwrap();
    let first = tokio::time::timeout(Duration::from_millis(100), answer.next_batch());
    assert!(
        first.await.is_err(),
        "360 million rows are not counted in one go"
    );
}
