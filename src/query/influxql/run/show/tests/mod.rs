//! Tests of SHOW against a list of points: what InfluxDB 1.6.7 answered for the same points, and what it
//! cannot do.

use std::sync::Arc;

use datafusion::prelude::SessionContext;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt, future};

use super::super::databases::Databases;
use super::{Asked, begin};
use crate::database::Database;
use crate::error::QueryError;
use crate::influxql::analysis::Origin;
use crate::influxql::answer::{Answer, Head, Options};
use crate::influxql::{Environment, ast, parse};
use crate::tests::points::{Point, Points};

/// Forms and the answers of 1.6.7 for [`points`], a line each. Ours is not the one of a form with an
/// exclamation mark; the documentation of the module says why.
const CONFIRMED: &str = include_str!("confirmed.txt");

#[derive(Debug)]
struct One(Arc<Points>);

impl Databases for One {
    fn database<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        let found = match &origin.database {
            Some(name) => Err(QueryError::Invalid(format!("database not found: {name}"))),
            None => Ok(Arc::clone(&self.0) as Arc<dyn Database>),
        };
        future::ready(found).boxed()
    }
}

fn points() -> Vec<Point> {
    let one = |table: &str, tags: &[(&str, &str)], time_ns: i64, fields: &[&str]| {
        let fields: Vec<(&str, f64)> = fields.iter().map(|field| (*field, 1.0)).collect();
        Point::new(table, tags, time_ns, &fields)
    };
    let disk: &[_] = &[("host", "b c"), ("odd,key", "v=1"), ("path", "/")];
    vec![
        one(
            "cpu",
            &[("host", "a"), ("region", "eu")],
            1000,
            &["usage", "idle"],
        ),
        one("cpu", &[("host", "b"), ("region", "us")], 2000, &["usage"]),
        one("cpu", &[("host", "c")], 3000, &["load"]),
        one("cpu", &[], 4000, &["usage"]),
        one("mem", &[("host", "a")], 1000, &["used", "free"]),
        one("mem", &[("host", "d"), ("rack", "r1")], 5000, &["used"]),
        one("disk", disk, 6000, &["full"]),
        one("Zed", &[], 7000, &["full"]),
        one("a b", &[("t", "ü")], 8000, &["full"]),
        one("m", &[("host", "a"), ("region", "x")], 1000, &["v"]),
        one("m", &[("host", "a")], 2000, &["v"]),
        one("m", &[("host", "a!")], 3000, &["v"]),
        one("m", &[("host", "a-b")], 3000, &["v"]),
        one("m", &[("host", "a b")], 4000, &["v"]),
        one("m", &[("host", "ab"), ("region", "1")], 4000, &["v"]),
        one("m", &[("az", "1"), ("host", "a")], 4000, &["v"]),
        one("m", &[("region", "x")], 4000, &["v"]),
        one("m", &[], 4000, &["v"]),
        one("m+x", &[("host", "a")], 4000, &["v"]),
        one("m,x", &[("host", "a")], 4000, &["v"]),
        one("m!", &[("host", "b")], 5000, &["v"]),
    ]
}

/// The body of the answer to a statement.
async fn ask(points: Vec<Point>, text: &str) -> String {
    let query = parse(text, &Environment::default()).expect("it parses");
    let Some(ast::Statement::Show(show)) = query.statements.first() else {
        panic!("no SHOW: {text}");
    };
    let asked = Asked {
        databases: Arc::new(One(Arc::new(Points::new(points)))),
        state: Arc::new(SessionContext::new().state()),
        now_ns: 10_000,
    };
    let mut answer = Answer::new(Options::default(), 1);
    let mut body = Vec::new();
    answer.start(Head::default());
    let parts = async { begin(asked, show).await?.try_collect::<Vec<_>>().await };
    match parts.await {
        Ok(parts) => {
            for part in parts {
                answer.part(&part, &mut body).expect("written");
            }
            answer.end(Ok(()), &mut body);
        }
        Err(error) => answer.end(Err(&error.to_string()), &mut body),
    }
    answer.finish(&mut body);
    let body = String::from_utf8(body).expect("text");
    body.trim_end().to_owned()
}

/// The first values of all rows of an answer.
async fn first_values(points: Vec<Point>, text: &str) -> Vec<String> {
    let body = ask(points, text).await;
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let result = &body["results"][0];
    assert!(result["error"].is_null(), "{text}: {body}");
    let series = result["series"].as_array().cloned().unwrap_or_default();
    let rows = series
        .iter()
        .flat_map(|series| series["values"].as_array().cloned().unwrap_or_default());
    rows.map(|row| row.as_array().and_then(|row| row.last().cloned()))
        .map(|value| value.expect("a value").to_string().replace('"', ""))
        .collect()
}

#[tokio::test]
async fn answers_are_those_of_influxdb() {
    let mut wrong = Vec::new();
    let mut lines = CONFIRMED.lines();
    while let (Some(text), Some(expected)) = (lines.next(), lines.next()) {
        let (text, is_other) = match text.strip_prefix("! ") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let answered = ask(points(), text).await;
        let is_same = answered == expected;
        if is_same == is_other {
            wrong.push(format!("{text}\n  1.6.7: {expected}\n  ours:  {answered}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of them:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn times_count_to_the_nanosecond() {
    for (text, expected) in [
        (
            "SHOW MEASUREMENTS WHERE time = 1000",
            vec!["cpu", "m", "mem"],
        ),
        ("SHOW MEASUREMENTS WHERE time > 6000", vec!["Zed", "a b"]),
        (
            "SHOW MEASUREMENTS WHERE time > 5000 LIMIT 1 OFFSET 1",
            vec!["a b"],
        ),
        (
            "SHOW MEASUREMENTS WHERE time >= 4000 AND host = 'a'",
            vec!["m", "m+x", "m,x"],
        ),
        ("SHOW MEASUREMENTS WHERE time > now()", vec![]),
        ("SHOW TAG KEYS FROM cpu WHERE time > 2000", vec!["host"]),
        ("SHOW TAG KEYS FROM cpu WHERE time > 3000", vec![]),
        (
            "SHOW TAG VALUES FROM cpu WITH KEY = host WHERE time < 3000",
            vec!["a", "b"],
        ),
        (
            "SHOW TAG VALUES FROM cpu WITH KEY = host WHERE time = 1999",
            vec![],
        ),
        (
            "SHOW SERIES FROM cpu WHERE time >= 3000",
            vec!["cpu", "cpu,host=c"],
        ),
        (
            "SHOW TAG VALUES CARDINALITY FROM m WITH KEY = host WHERE time = 3000",
            vec!["2"],
        ),
    ] {
        assert_eq!(first_values(points(), text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn where_holds_for_series_of_a_measurement() {
    for (text, expected) in [
        ("SHOW MEASUREMENTS WHERE host = 'a' AND rack = 'r1'", vec![]),
        (
            "SHOW MEASUREMENTS WHERE region != '' AND host != 'a'",
            vec!["cpu", "m"],
        ),
        ("SHOW MEASUREMENTS WHERE rack = rack", vec!["mem"]),
        ("SHOW SERIES FROM cpu WHERE host = 1", vec![]),
        ("SHOW SERIES FROM cpu WHERE usage = 'x'", vec![]),
        (
            "SHOW SERIES FROM cpu WHERE host != region AND 'c' = host",
            vec!["cpu,host=c"],
        ),
        (
            "SHOW TAG KEYS FROM m WITH KEY =~ /a|r/",
            vec!["az", "region"],
        ),
        (
            "SHOW TAG VALUES CARDINALITY WITH KEY = host WHERE region = ''",
            vec!["1", "1", "4", "1", "1", "1", "2"],
        ),
    ] {
        assert_eq!(first_values(points(), text).await, expected, "{text}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    for text in [
        "SHOW MEASUREMENTS ON x",
        "SHOW TAG KEYS FROM x..cpu",
        "SHOW SERIES CARDINALITY ON x",
    ] {
        let expected = r#"{"results":[{"statement_id":0,"error":"database not found: x"}]}"#;
        assert_eq!(ask(points(), text).await, expected, "{text}");
    }
}
