//! SHOW QUERIES and KILL QUERY, and what is recorded of statements.

use serde_json::{Value, json};

use super::{ask, target};
use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, token, until};

const ENDLESS: &str = "SELECT count(*) AS n FROM generate_series(1, 1000000000000)";

fn sql(token: &str, text: &str) -> Request {
    let body = json!({ "db": "b", "q": text });
    let request = Request::post("/api/v3/query_sql").token(token);
    request.body(body.to_string())
}

/// The rows of SHOW QUERIES.
fn rows(answer: &Answer) -> Vec<Value> {
    let json = answer.json();
    let series = &json["results"][0]["series"][0];
    let columns = json!(["qid", "query", "database", "duration", "status"]);
    assert_eq!(series["columns"], columns, "{json}");
    series["values"].as_array().expect("rows").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_killed_by_who_asked_it_or_an_operator() {
    let mut tokens = Vec::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        tokens.push(token(catalog, &["b"], &[], None));
        tokens.push(token(catalog, &["b"], &[], None));
    });
    let server = Server::over(folder, |_| ()).await;
    let by = async |token: &str, q: &str| {
        let request = Request::post(target(q, &[])).token(token);
        server.ask(request).await
    };
    for killer in [tokens[0].as_str(), TOKEN] {
        let mut client = server.connect().await;
        client.send(sql(&tokens[0], ENDLESS).bytes()).await;
        let endless = |row: &Value| row[1].as_str().expect("a text").contains("generate_series");
        until("it runs", || async {
            rows(&by(&tokens[0], "SHOW QUERIES").await)
                .iter()
                .any(endless)
        })
        .await;
        let own = rows(&by(&tokens[0], "SHOW QUERIES").await);
        assert_eq!(own.len(), 2, "it and the statement that shows it: {own:?}");
        assert_eq!((&own[0][2], &own[0][4]), (&json!("b"), &json!("running")));
        assert_eq!(own[1][1], "SHOW QUERIES");
        assert!(
            !rows(&by(&tokens[1], "SHOW QUERIES").await)
                .iter()
                .any(endless)
        );
        let all = rows(&ask(&server, "SHOW QUERIES").await);
        let masked = all
            .iter()
            .find(|row| endless(row))
            .expect("shown to an operator");
        assert!(
            masked[1]
                .as_str()
                .expect("a text")
                .contains("generate_series(?, ?)")
        );
        let kill = format!("KILL QUERY {}", own[0][0]);
        let refused = by(&tokens[1], &kill).await;
        assert!(
            refused.text().contains("no such query id"),
            "{}",
            refused.text()
        );
        assert_eq!(
            by(killer, &kill).await.text(),
            "{\"results\":[{\"statement_id\":0}]}\n"
        );
        let killed = client.answer(false).await;
        killed.is(503, r#"{"error":"query interrupted"}"#);
    }
    server.stop().await;
}

#[tokio::test]
async fn each_statement_is_recorded_and_counted_without_its_literals() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    ask(
        &server,
        "CREATE DATABASE c; DROP MEASUREMENT hunter2; SHOW DATABASES",
    )
    .await;
    let recorded = "SELECT text, outcome, protocol FROM system.queries \
                    WHERE protocol = 'v1' ORDER BY time";
    let answer = server.ask(sql(TOKEN, recorded)).await;
    answer.is(
        200,
        r#"[{"text":"CREATE DATABASE c","outcome":"done","protocol":"v1"},{"text":"DROP MEASUREMENT hunter2","outcome":"invalid","protocol":"v1"}]"#,
    );
    let metrics = server.ask(Request::get("/metrics").token(TOKEN)).await;
    for line in [
        r#"tidegate_queries_total{protocol="v1",outcome="done"} 1"#,
        r#"tidegate_queries_total{protocol="v1",outcome="invalid"} 1"#,
    ] {
        assert!(metrics.text().lines().any(|told| told == line), "{line}");
    }
    server.stop().await;
}
