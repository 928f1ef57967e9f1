//! Questions in SQL over the plain list of points.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::util::pretty::pretty_format_batches;

use super::points::{Point, Points};
use crate::{Parameters, QueryEngine, QueryError, ScalarValue};

fn engine() -> QueryEngine {
    QueryEngine::new(super::limits()).expect("an engine")
}

fn database() -> Arc<Points> {
    Arc::new(Points::new([
        Point::new("cpu", &[("host", "a")], 1_000_000_001, &[("usage", 1.0)]),
        Point::new("cpu", &[("host", "b")], 1_000_000_001, &[("usage", 2.0)]),
        Point::new(
            "cpu",
            &[("host", "a")],
            1_000_000_001,
            &[("usage", 3.0), ("idle", 4.0)],
        ),
        Point::new("cpu", &[], 1_000_000_002, &[("idle", 5.0)]),
        Point::new("cpu", &[("host", "a")], 1_000_000_003, &[("usage", 6.0)]),
        Point::new("Mem", &[("host", "a")], 1, &[("Used", 7.0)]),
    ]))
}

async fn answer(text: &str, values: Parameters) -> Result<String, QueryError> {
    let question = engine().sql(database(), text).await?.bind(values)?;
    let schema = question.schema();
    let mut answer = question.run(Parameters::none()).await?;
    assert_eq!(*answer.schema(), schema, "it is known before it is run");
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        assert_eq!(batch.schema(), *answer.schema());
        batches.push(batch);
    }
    let table = pretty_format_batches(&batches).expect("it prints");
    Ok(table.to_string())
}

/// The cells of every row, without frames and header.
async fn rows(text: &str) -> Vec<String> {
    let table = answer(text, Parameters::none())
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            cells.collect::<Vec<_>>().join(",")
        })
        .collect()
}

#[tokio::test]
async fn rows_come_merged_and_a_missing_tag_is_null() {
    assert_eq!(
        rows("SELECT host, usage, idle, time FROM cpu ORDER BY time, host NULLS FIRST").await,
        [
            "a,3.0,4.0,1970-01-01T00:00:01.000000001",
            "b,2.0,,1970-01-01T00:00:01.000000001",
            ",,5.0,1970-01-01T00:00:01.000000002",
            "a,6.0,,1970-01-01T00:00:01.000000003",
        ]
    );
    assert_eq!(
        rows("SELECT * FROM cpu WHERE host IS NULL").await,
        [",5.0,1970-01-01T00:00:01.000000002,"].map(|_| ",5.0,1970-01-01T00:00:01.000000002,")
    );
}

#[tokio::test]
async fn parameters_have_names_numbers_or_places() {
    let query = |text: &'static str, values| async move { answer(text, values).await };
    let named = HashMap::from([("host".to_owned(), ScalarValue::from("b"))]);
    let placed = vec![ScalarValue::from("b"), ScalarValue::from(1.5)];
    for (text, values) in [
        (
            "SELECT usage FROM cpu WHERE host = $host",
            Parameters::Named(named),
        ),
        (
            "SELECT usage FROM cpu WHERE host = $1 AND usage > $2",
            Parameters::Placed(placed.clone()),
        ),
        (
            "SELECT usage FROM cpu WHERE host = ? AND usage > ?",
            Parameters::Placed(placed),
        ),
    ] {
        let table = query(text, values).await.expect(text);
        assert!(
            table.contains("2.0") && table.lines().count() == 5,
            "{text}: {table}"
        );
    }
    let error = query(
        "SELECT usage FROM cpu WHERE host = $host",
        Parameters::none(),
    )
    .await;
    let error = error.expect_err("no value").to_string();
    assert_eq!(error, "No value found for placeholder with name $host");
    let engine = engine();
    let question = engine.sql(
        database(),
        "SELECT usage FROM cpu WHERE host = ? AND usage > ?",
    );
    let question = question.await.expect("it is understood");
    let names: Vec<_> = question.parameters().iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["1", "2"]);
}

#[tokio::test]
async fn what_would_change_something_is_refused() {
    for text in [
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "INSERT INTO cpu VALUES (1, 2, 3, 4)",
        "DELETE FROM cpu",
        "DROP TABLE cpu",
        "COPY cpu TO '/tmp/x.csv'",
        "SET datafusion.execution.batch_size = 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
    ] {
        let error = answer(text, Parameters::none()).await.expect_err(text);
        assert!(
            matches!(error, QueryError::Writes(_) | QueryError::Invalid(_)),
            "{text}: {error:?}"
        );
    }
}

/// Drivers refuse rows whose columns are not the ones that they were told of.
#[tokio::test]
async fn the_columns_are_known_before_the_rows() {
    let placed = |values: Vec<ScalarValue>| Parameters::Placed(values);
    let one = || placed(vec![ScalarValue::from(1_i64)]);
    for (text, values, types) in [
        ("SELECT $1 AS x", one(), "Int64"),
        ("SELECT $1 AS x", placed(vec!["a".into()]), "Utf8"),
        (
            "SELECT concat($1, 'b') AS x",
            placed(vec!["a".into()]),
            "Utf8",
        ),
        ("SELECT 1 + $1 AS x", one(), "Int64"),
        ("SELECT usage + $1 AS x FROM cpu", one(), "Float64"),
        ("SELECT count(*) AS x FROM cpu", Parameters::none(), "Int64"),
        (
            "SELECT 1 AS x UNION ALL SELECT 1.5",
            Parameters::none(),
            "Float64",
        ),
        (
            "SELECT coalesce(usage, 1) AS x FROM cpu",
            Parameters::none(),
            "Float64",
        ),
        (
            "SELECT b.usage AS x FROM cpu AS a LEFT JOIN cpu AS b ON a.host = b.host WHERE b.usage > 0",
            Parameters::none(),
            "Float64",
        ),
        (
            "SELECT CASE WHEN usage > $1 THEN 1 ELSE usage END AS x FROM cpu",
            one(),
            "Float64",
        ),
    ] {
        let question = engine().sql(database(), text).await;
        let question = question.and_then(|question| question.bind(values.clone()));
        let schema = question.expect(text).schema();
        assert_eq!(schema.field(0).data_type().to_string(), types, "{text}");
        answer(text, values).await.expect(text);
    }
}
