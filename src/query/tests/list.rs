//! The functions and statements that InfluxDB 3 documents for SQL, line by line, and what Grafana
//! writes (query contract, on SQL and on the queries of Grafana).

use std::sync::Arc;
use std::time::Duration;

use super::ask::{ask, of, refusal, try_ask};
use super::points::{Point, Points};
use crate::{Parameters, QueryError, ScalarValue};

/// Three points of `a`, a minute apart from 2024-01-01 00:00 on, and one of `b` beside the last.
fn database() -> Arc<Points> {
    const START_NS: i64 = 1_704_067_200_000_000_000;
    let point = |host, minute: i64, value| {
        Point::new(
            "m",
            &[("host", host)],
            START_NS + minute * 60_000_000_000,
            &[("v", value)],
        )
    };
    of([
        point("a", 0, 1.0),
        point("a", 1, 2.0),
        point("a", 2, 4.0),
        point("b", 2, 8.0),
    ])
}

/// What follows SELECT, and the one row that it gives.
const FUNCTIONS: &[(&str, &str)] = &[
    ("selector_first(v, time)['value'] FROM m", "1.0"),
    ("selector_last(v, time)['value'] FROM m", "8.0"),
    (
        "selector_min(v, time)['time'] FROM m",
        "2024-01-01T00:00:00",
    ),
    ("selector_max(v, time)['value'] FROM m", "8.0"),
    (
        "date_bin(interval '2 minutes', max(time)) FROM m",
        "2024-01-01T00:02:00",
    ),
    (
        "date_bin(interval '1 hour', min(time), timestamp '2024-01-01T00:30:00Z') FROM m",
        "2023-12-31T23:30:00",
    ),
    (
        "date_bin_wallclock(interval '1 day', tz(min(time), 'Europe/Berlin')) FROM m",
        "2024-01-01T00:00:00+01:00",
    ),
    ("tz(min(time)) FROM m", "2024-01-01T00:00:00Z"),
    (
        "tz(min(time), 'Asia/Kolkata') FROM m",
        "2024-01-01T05:30:00+05:30",
    ),
    (
        "min(time) AT TIME ZONE 'America/New_York' FROM m",
        "2024-01-01T00:00:00-05:00",
    ),
    (
        "to_timestamp(1704067200000000000) = min(time) FROM m",
        "true",
    ),
    (
        "to_timestamp('2024-01-01T00:00:00Z') = min(time) FROM m",
        "true",
    ),
    (
        "to_timestamp_seconds(1704067200) = min(time) FROM m",
        "true",
    ),
    (
        "to_timestamp_millis(1704067200000) = min(time) FROM m",
        "true",
    ),
    ("to_unixtime(min(time)) FROM m", "1704067200"),
    (
        "date_trunc('hour', max(time)) FROM m",
        "2024-01-01T00:00:00",
    ),
    ("date_part('minute', max(time)) FROM m", "2"),
    ("datepart('minute', max(time)) FROM m", "2"),
    ("extract(minute FROM max(time)) FROM m", "2"),
    ("to_char(min(time), '%d-%m-%Y') FROM m", "01-01-2024"),
    (
        "variance(v) = var(v) AND var(v) = var_samp(v) FROM m",
        "true",
    ),
    ("stddev(v) > stddev_pop(v) FROM m", "true"),
    ("median(v) FROM m", "3.0"),
    ("approx_distinct(host), count(DISTINCT host) FROM m", "2,2"),
    ("approx_median(v) > 1 FROM m", "true"),
    (
        "approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY v) > 1 FROM m",
        "true",
    ),
    ("approx_percentile_cont(v, 0.5) > 1 FROM m", "true"),
    (
        "approx_percentile_cont_with_weight(v, 1, 0.5) > 1 FROM m",
        "true",
    ),
    (
        "array_to_string(array_agg(v ORDER BY v), ' ') FROM m",
        "1 2 4 8",
    ),
    ("first_value(v ORDER BY time) FROM m", "1.0"),
    ("last_value(v ORDER BY time, v) FROM m", "8.0"),
    ("regexp_like('a1', '[0-9]')", "true"),
    ("regexp_match('a12', '[0-9]+')", "[12]"),
    ("regexp_replace('a12', '[0-9]+', 'b')", "ab"),
    ("regexp_count('a1b2', '[0-9]')", "2"),
    ("count(*) FROM m WHERE time >= '2024-01-01T00:01:00Z'", "3"),
    ("count(*) FROM m WHERE time >= '2024-01-02'", "0"),
    (
        "count(*) FROM m WHERE time > timestamp '2024-01-01 00:01:00'",
        "2",
    ),
    (
        "count(*) FROM m WHERE time >= now() - interval '1 hour'",
        "0",
    ),
    ("arrow_typeof(CAST(host AS VARCHAR)) FROM m LIMIT 1", "Utf8"),
    ("arrow_typeof(1.5)", "Float64"),
    (
        "sum(v) OVER (ORDER BY v ROWS 1 PRECEDING) FROM m ORDER BY v LIMIT 1",
        "1.0",
    ),
    ("v FROM public.iox.m WHERE host = 'b'", "8.0"),
];

#[tokio::test]
async fn every_function_that_is_documented_is_there() {
    let database = database();
    for (text, row) in FUNCTIONS {
        let text = format!("SELECT {text}");
        assert_eq!(ask(&database, &text).await, [*row], "{text}");
    }
}

#[tokio::test]
async fn statements_about_tables_settings_and_plans_are_answered() {
    let database = database();
    for (text, row) in [
        ("SHOW TABLES", "public,iox,m,BASE TABLE"),
        (
            "SHOW COLUMNS FROM m",
            "public,iox,m,time,Timestamp(Nanosecond, None),NO",
        ),
        (
            "SHOW COLUMNS IN m",
            "public,iox,m,host,Dictionary(Int32, Utf8),YES",
        ),
        ("SHOW ALL", "datafusion.execution.time_zone,+00:00"),
        (
            "SHOW datafusion.catalog.default_schema",
            "datafusion.catalog.default_schema,iox",
        ),
        ("SHOW TIME ZONE", "datafusion.execution.time_zone,+00:00"),
        ("DESCRIBE m", "v,Float64,YES"),
        (
            "SELECT table_schema FROM information_schema.tables WHERE table_name = 'm'",
            "iox",
        ),
        ("SELECT schema_name FROM information_schema.schemata", "iox"),
        ("SELECT * FROM (VALUES (1), (2)) AS t(x) ORDER BY x", "2"),
        ("WITH t AS (SELECT v FROM m) SELECT max(v) FROM t", "8.0"),
        (
            "SELECT v FROM m WHERE host = 'a' UNION ALL SELECT 9.0",
            "9.0",
        ),
    ] {
        let rows = ask(&database, text).await;
        assert!(rows.iter().any(|found| found == row), "{text}: {rows:?}");
    }
    for (text, parts) in [
        ("EXPLAIN SELECT * FROM m", ["logical_plan", "physical_plan"]),
        (
            "EXPLAIN ANALYZE SELECT * FROM m",
            ["Plan with Metrics", "output_rows=4"],
        ),
        (
            "EXPLAIN ANALYZE VERBOSE SELECT * FROM m",
            ["Plan with Metrics", "Full Metrics"],
        ),
    ] {
        let plan = ask(&database, text).await.concat();
        for part in parts {
            assert!(plan.contains(part), "{text}: {plan}");
        }
    }
}

#[tokio::test]
async fn a_parameter_may_be_of_every_kind_of_value() {
    let database = database();
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    for (condition, value, count) in [
        ("host = $x", text("b"), "1"),
        ("v > $x", ScalarValue::Float64(Some(1.5)), "3"),
        ("v > $x", ScalarValue::Int64(Some(2)), "2"),
        ("v > $x", ScalarValue::UInt64(Some(2)), "2"),
        ("(v > 2) = $x", ScalarValue::Boolean(Some(true)), "2"),
        ("v = $x", ScalarValue::Null, "0"),
        ("time >= $x", text("2024-01-01T00:01:00Z"), "3"),
        ("time >= $x", text("2024-01-02"), "0"),
    ] {
        let text = format!("SELECT count(*) FROM m WHERE {condition}");
        let values = Parameters::Named([("x".to_owned(), value)].into());
        let rows = try_ask(&database, &text, values).await.expect(&text);
        assert_eq!(rows, [count], "{text}");
    }
    let error = refusal(&database, "SELECT count(*) FROM m WHERE v > $p").await;
    assert_eq!(
        error.to_string(),
        "No value found for placeholder with name $p"
    );
}

#[tokio::test]
async fn a_statement_that_does_more_than_read_is_refused() {
    let database = database();
    for text in [
        "INSERT INTO m SELECT * FROM m",
        "COPY m TO '/tmp/m.parquet' STORED AS PARQUET",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SET datafusion.execution.time_zone = '+01:00'",
        "SET TIME ZONE '+01:00'",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/tmp/'",
        "CREATE UNBOUNDED EXTERNAL TABLE t STORED AS CSV LOCATION '/tmp/'",
        "CREATE TABLE t (x INT)",
        "CREATE TABLE t AS SELECT * FROM m",
        "CREATE VIEW w AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE INDEX i ON m (v)",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE m",
        "DROP VIEW m",
        "DROP SCHEMA iox",
        "ALTER TABLE m ADD COLUMN x INT",
        "TRUNCATE TABLE m",
        "DELETE FROM m",
        "UPDATE m SET v = 1",
        "MERGE INTO m USING m AS n ON m.v = n.v WHEN MATCHED THEN DELETE",
        "SELECT * INTO t FROM m",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "START TRANSACTION",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "GRANT SELECT ON m TO x",
        "USE other",
        "EXPLAIN COPY m TO '/tmp/x'",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "WITH x AS (SELECT 1) INSERT INTO m SELECT * FROM m",
        "LOAD DATA INPATH '/tmp/x' INTO TABLE m",
    ] {
        let error = refusal(&database, text).await;
        match &error {
            QueryError::Writes(_) => {}
            // What is not even parsed or planned is refused, too.
            QueryError::Invalid(reason) => assert!(!reason.is_empty(), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(ask(&database, "SELECT count(*) FROM m").await, ["4"]);
    let table = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'iox'";
    assert_eq!(ask(&database, table).await, ["1"]);
}

#[tokio::test]
async fn files_of_the_server_are_no_tables() {
    let database = database();
    for text in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('/etc/passwd')",
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Invalid(_)), "{text}: {error:?}");
    }
}

#[tokio::test]
async fn what_grafana_writes_is_answered() {
    let database = database();
    let bin = |seconds: u32| {
        format!("date_bin(interval '{seconds} second', time, timestamp '1970-01-01T00:00:00Z')")
    };
    let minute = bin(60);
    let (from, to) = (
        "cast('2024-01-01T00:00:00Z' as timestamp)",
        "cast('2024-01-01T00:02:00Z' as timestamp)",
    );
    for (text, rows) in [
        (
            format!(
                "SELECT {minute} AS time, avg(\"v\") FROM \"m\" WHERE time >= {from} AND time <= {to} \
                 GROUP BY {minute} ORDER BY time"
            ),
            vec![
                "2024-01-01T00:00:00,1.0",
                "2024-01-01T00:01:00,2.0",
                "2024-01-01T00:02:00,6.0",
            ],
        ),
        (
            format!(
                "SELECT avg(\"v\") FROM \"m\" WHERE \"time\" >= {from} AND \"time\" <= {to} \
                 GROUP BY \"host\" ORDER BY \"host\" LIMIT 50"
            ),
            vec!["2.3333333333333335", "8.0"],
        ),
        (
            "SELECT VARIANCE(\"v\") > 0, STDDEV(\"v\") > 0 FROM \"m\"".to_owned(),
            vec!["true,true"],
        ),
        (
            "SELECT datepart('minute', time) AS m, count(*) FROM m GROUP BY 1 ORDER BY 1"
                .to_owned(),
            vec!["0,1", "1,1", "2,2"],
        ),
    ] {
        assert_eq!(ask(&database, &text).await, rows, "{text}");
    }
    let nothing = bin(0);
    let text = format!("SELECT {nothing} AS time, avg(v) FROM m GROUP BY {nothing} ORDER BY time");
    let asked = tokio::time::timeout(Duration::from_secs(10), refusal(&database, &text));
    let error = asked.await.expect("at once").to_string();
    assert!(error.contains("longer than 0"), "{error}");
}
