//! What SQL shows of a database besides its points, what it refuses, and in which words.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use futures_core::future::BoxFuture;
use futures_util::FutureExt;

use super::ask::{ask, of, refusal};
use super::limits;
use super::points::{Point, Points};
use crate::{Column, Database, DatabaseError, Parameters, QueryEngine, QueryError, Table};

fn database() -> Arc<Points> {
    of([
        Point::new(
            "cpu",
            &[("host", "a")],
            1,
            &[("usage", 1.0), ("tempC", 2.0)],
        ),
        Point::new("Mem", &[("Rack", "r")], 1, &[("used", 1.0)]),
    ])
}

#[tokio::test]
async fn grafana_finds_tables_columns_and_their_types() {
    let database = database();
    assert_eq!(ask(&database, "select 1").await, ["1"]);
    assert_eq!(
        ask(
            &database,
            "SELECT DISTINCT TABLE_SCHEMA from information_schema.TABLES \
             where TABLE_TYPE != 'SYSTEM VIEW' ORDER BY TABLE_SCHEMA"
        )
        .await
        .iter()
        .filter(|schema| *schema == "iox")
        .count(),
        1
    );
    assert_eq!(
        ask(
            &database,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'iox' \
             ORDER BY table_name"
        )
        .await,
        ["Mem", "cpu"]
    );
    assert_eq!(
        ask(
            &database,
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_schema = 'iox' AND table_name = 'cpu' ORDER BY column_name"
        )
        .await,
        [
            "host,Dictionary(Int32, Utf8)",
            "tempC,Float64",
            "time,Timestamp(Nanosecond, None)",
            "usage,Float64",
        ]
    );
}

/// A database whose tables may be listed, and their columns, and nothing else.
#[derive(Debug)]
struct Listed(Arc<Points>);

impl Database for Listed {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        self.0.tables()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        panic!("the rows of {name} are held for a list");
    }

    fn columns<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<Column>>, DatabaseError>> {
        self.0.columns(name)
    }
}

/// From a review: a list of columns held all tables of the database, each with a copy of its newest
/// rows, until the answer was read.
#[tokio::test]
async fn a_list_of_columns_asks_for_no_table() {
    let engine = QueryEngine::new(limits()).expect("an engine");
    let text = "SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = 'iox'";
    let question = engine.sql(Arc::new(Listed(database())), text).await;
    let answer = question.expect("planned").run(Parameters::none()).await;
    let batch = answer.expect("begun").next_batch().await.expect("read");
    let count = batch
        .expect("a row")
        .column(0)
        .as_primitive::<Int64Type>()
        .value(0);
    assert_eq!(count, 7);
}

#[tokio::test]
async fn show_and_describe_list_tables_and_columns() {
    let database = database();
    let tables = ask(&database, "SHOW TABLES").await;
    assert!(
        tables.contains(&"public,iox,cpu,BASE TABLE".to_owned()),
        "{tables:?}"
    );
    assert!(tables.contains(&"public,information_schema,columns,VIEW".to_owned()));
    assert_eq!(
        ask(&database, "SHOW COLUMNS FROM cpu").await,
        [
            "public,iox,cpu,host,Dictionary(Int32, Utf8),YES",
            "public,iox,cpu,tempC,Float64,YES",
            "public,iox,cpu,time,Timestamp(Nanosecond, None),NO",
            "public,iox,cpu,usage,Float64,YES",
        ]
    );
    let mem = [
        "Rack,Dictionary(Int32, Utf8),YES",
        "time,Timestamp(Nanosecond, None),NO",
        "used,Float64,YES",
    ];
    assert_eq!(ask(&database, "DESCRIBE \"Mem\"").await, mem);
    assert_eq!(ask(&database, "DESC public.iox.\"Mem\"").await, mem);
    assert_eq!(
        ask(
            &database,
            "DESCRIBE SELECT avg(usage), tz(max(time)) AS t FROM cpu"
        )
        .await,
        [
            "avg(cpu.usage),Float64,YES",
            "t,Timestamp(Nanosecond, Some(\"UTC\")),YES"
        ]
    );
    let places = "SELECT ordinal_position FROM information_schema.columns \
                  WHERE table_name = 'cpu' ORDER BY column_name";
    assert_eq!(ask(&database, places).await, ["0", "1", "2", "3"]);
    assert!(!ask(&database, "SHOW ALL").await.is_empty());
}

/// Lists a table that was not there a moment ago, or nothing any more.
#[derive(Debug)]
struct Late {
    points: Arc<Points>,
    is_gone: bool,
}

impl Database for Late {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        let with_late = async {
            if self.is_gone {
                return Err(DatabaseError::unreadable("it was deleted"));
            }
            let mut names = self.points.tables().await?;
            names.push("late".to_owned());
            Ok(names)
        };
        with_late.boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        self.points.table(name)
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_in_the_same_words_whatever_comes_and_goes_meanwhile() {
    let engine = QueryEngine::new(limits()).expect("an engine");
    for (is_gone, told) in [
        (
            false,
            r#"there is no table "late": the tables here are "Mem", "cpu""#,
        ),
        (true, r#"there is no table "late""#),
    ] {
        let points = database();
        let text = "SELECT seq FROM late WHERE seq > 0";
        let question = engine.sql(Arc::new(Late { points, is_gone }), text).await;
        let error = question.expect_err("it was not there");
        assert!(matches!(error, QueryError::Invalid(_)), "{error:?}");
        assert_eq!(error.to_string(), told);
    }
}

#[tokio::test]
async fn a_name_that_differs_by_its_capitals_is_named_with_its_quotes() {
    let database = database();
    for (text, expected) in [
        (
            "SELECT tempC FROM cpu",
            r#"there is no column "tempc": did you mean "tempC"? Names with capitals need double quotes"#,
        ),
        (
            "SELECT c.TEMPC FROM cpu c WHERE usage > 1",
            r#"there is no column "tempc": did you mean "tempC"? Names with capitals need double quotes"#,
        ),
        (
            "SELECT usage FROM cpu WHERE tempC > 1",
            r#"there is no column "tempc": did you mean "tempC"? Names with capitals need double quotes"#,
        ),
        (
            "SELECT count(*) FROM Mem",
            r#"there is no table "mem": did you mean "Mem"? Names with capitals need double quotes"#,
        ),
        (
            "SELECT count(*) FROM public.iox.Mem",
            r#"there is no table "mem": did you mean "Mem"? Names with capitals need double quotes"#,
        ),
        (
            "SHOW COLUMNS FROM Mem",
            r#"there is no table "mem": did you mean "Mem"? Names with capitals need double quotes"#,
        ),
        (
            r#"SELECT "Usage" FROM cpu"#,
            r#"there is no column "Usage": did you mean "usage"? Capitals count in names"#,
        ),
        (
            "SELECT load FROM cpu",
            r#"there is no column "load": the columns here are "host", "tempC", "time", "usage"; a text stands in single quotes: 'load'"#,
        ),
        (
            "SELECT usgae FROM cpu",
            r#"there is no column "usgae": did you mean "usage"? The columns here are "host", "tempC", "time", "usage""#,
        ),
        (
            "SELECT usag FROM cpu",
            r#"there is no column "usag": did you mean "usage"? The columns here are "host", "tempC", "time", "usage""#,
        ),
        (
            "SELECT tempk FROM cpu",
            r#"there is no column "tempk": did you mean "tempC"? The columns here are "host", "tempC", "time", "usage""#,
        ),
        (
            "SELECT 1 FROM cpus",
            r#"there is no table "cpus": did you mean "cpu"? The tables here are "Mem", "cpu""#,
        ),
        (
            "SELECT 1 FROM disk",
            r#"there is no table "disk": the tables here are "Mem", "cpu""#,
        ),
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Invalid(_)), "{text}: {error:?}");
        assert_eq!(error.to_string(), expected, "{text}");
    }
}

#[tokio::test]
async fn a_question_that_would_write_is_refused_by_its_verb() {
    let database = database();
    for (text, verb) in [
        ("INSERT INTO cpu (usage) VALUES (1)", "INSERT"),
        ("INSERT INTO nothing VALUES (1)", "INSERT"),
        ("EXPLAIN INSERT INTO cpu (usage) VALUES (1)", "INSERT"),
        (
            "EXPLAIN ANALYZE INSERT INTO cpu (usage) VALUES (1)",
            "INSERT",
        ),
        ("UPDATE cpu SET usage = 1", "UPDATE"),
        ("DELETE FROM cpu", "DELETE"),
        ("CREATE TABLE t AS SELECT 1", "CREATE"),
        ("CREATE VIEW v AS SELECT 1", "CREATE"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE",
        ),
        ("COPY cpu TO '/tmp/cpu.csv'", "COPY"),
        ("DROP TABLE cpu", "DROP"),
        ("SET datafusion.execution.batch_size = 1", "SET"),
        ("RESET datafusion.execution.batch_size", "RESET"),
        ("PREPARE p AS SELECT 1", "PREPARE"),
        ("BEGIN", "BEGIN"),
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Writes(_)), "{text}: {error:?}");
        let expected = format!("{verb} is not supported: questions only read");
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let plan = ask(&database, "EXPLAIN ANALYZE SELECT * FROM cpu").await;
    assert!(plan.concat().contains("output_rows=1"), "{plan:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_said_in_plain_words() {
    let database = database();
    for (text, expected) in [
        ("", "the question is empty"),
        (" ; ", "the question is empty"),
        ("-- nothing", "the question is empty"),
        ("SELECT 1; SELECT 2", "a question is one statement"),
        ("SELEC 1", "the SQL is wrong: Expected"),
        ("SELECT * FROM", "the SQL is wrong: Expected"),
        ("SELECT 'a", "the SQL is wrong: Unterminated string"),
        ("SELECT nope(usage) FROM cpu", "nope"),
        ("SELECT sum(host) FROM cpu", "sum"),
        ("SELECT usage FROM cpu GROUP BY host", "usage"),
        ("SELECT usage + host FROM cpu", "Float64 + "),
        ("SELECT 1 FROM cpu WHERE time > 'yesterday'", "yesterday"),
        ("SELECT CAST('x' AS BIGINT)", "x"),
        (
            "SELECT a.time FROM cpu a JOIN cpu b ON a.host = b.host WHERE usage > 1",
            "usage",
        ),
        ("SELECT * FROM other.cpu", "other"),
        (
            "SELECT nope FROM generate_series(1, 2)",
            "there is no column \"nope\"",
        ),
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Invalid(_)), "{text}: {error:?}");
        let error = error.to_string();
        assert!(error.contains(expected), "{text}: {error}");
        for machine in [
            "External",
            "Schema error",
            "Error during",
            "ParserError",
            "TypeSignature",
            "backtrace",
        ] {
            assert!(!error.contains(machine), "{text}: {error}");
        }
    }
    assert_eq!(ask(&database, "SELECT 1;").await, ["1"]);
}

/// From a bug: these parts were parsed and ignored, so the answer was that to another question.
#[tokio::test]
async fn a_part_that_would_be_passed_over_is_refused_by_its_name() {
    let database = database();
    for (text, told) in [
        (
            "SELECT * FROM cpu TABLESAMPLE BERNOULLI (10)",
            "TABLESAMPLE is not",
        ),
        (
            "EXPLAIN SELECT * FROM cpu TABLESAMPLE (1 PERCENT)",
            "TABLESAMPLE is not",
        ),
        (
            "DESCRIBE SELECT * FROM cpu TABLESAMPLE (1 ROWS)",
            "TABLESAMPLE is not",
        ),
        (
            "SELECT 1 WHERE 1 IN (SELECT usage FROM cpu c TABLESAMPLE (1 ROWS))",
            "TABLESAMPLE is not",
        ),
        (
            "WITH c AS (SELECT * FROM cpu TABLESAMPLE (1 ROWS)) SELECT * FROM c",
            "TABLESAMPLE is not",
        ),
        (
            "SELECT * FROM generate_series(1, 2) WITH ORDINALITY",
            "WITH ORDINALITY is not",
        ),
        (
            "SELECT abs(usage) FILTER (WHERE usage > 5) FROM cpu",
            "FILTER belongs to aggregates",
        ),
        (
            "SELECT ABS(usage) OVER () FROM cpu",
            "OVER belongs to aggregates",
        ),
        (
            "SELECT coalesce(DISTINCT usage) FROM cpu",
            "DISTINCT belongs to aggregates",
        ),
        (
            "SELECT host FROM cpu ORDER BY abs(usage ORDER BY time)",
            "ORDER BY belongs to aggregates",
        ),
        (
            "SELECT locf(avg(usage)) FILTER (WHERE usage > 5) FROM cpu",
            "and locf is neither",
        ),
        (
            "SELECT interpolate(avg(usage)) OVER () FROM cpu",
            "and interpolate is neither",
        ),
        ("SELECT max(1)(usage) FROM cpu", "two lists of arguments"),
    ] {
        let error = refusal(&database, text).await;
        assert!(matches!(error, QueryError::Invalid(_)), "{text}: {error:?}");
        assert!(error.to_string().contains(told), "{text}: {error}");
    }
    for (text, row) in [
        ("SELECT count(*) FILTER (WHERE usage > 5) FROM cpu", "0"),
        ("SELECT sum(usage) OVER () FROM cpu", "1.0"),
        ("SELECT abs(sum(DISTINCT usage)) FROM cpu", "1.0"),
        ("SELECT first_value(usage ORDER BY time) FROM cpu", "1.0"),
    ] {
        assert_eq!(ask(&database, text).await, [row], "{text}");
    }
}
