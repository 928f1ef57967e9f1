//! `/api/v3/query_influxql`: answers as rows.

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

fn get(token: &str, pairs: &[(&str, &str)]) -> Request {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.extend_pairs(pairs).finish();
    Request::get(format!("/api/v3/query_influxql?{query}")).token(token)
}

#[tokio::test]
async fn databases_and_policies_are_rows() {
    let server = Server::over(Folder::with_buckets(&["d", "d/w"]), |_| ()).await;
    let ask = |pairs: &[(&str, &str)]| server.ask(get(TOKEN, pairs));
    let answer = ask(&[("q", "SHOW DATABASES"), ("format", "csv")]).await;
    answer.is(200, "iox::database,deleted\nd,false\n");
    let q = "SHOW RETENTION POLICIES ON d";
    let answer = ask(&[("db", "d"), ("q", q)]).await;
    let autogen = r#"{"iox::database":"d","name":"autogen","duration":"0s"}"#;
    let week = r#"{"iox::database":"d","name":"w","duration":"0s"}"#;
    answer.is(200, &format!("[{autogen},{week}]"));
    let body = r#"{"q": "SHOW DATABASES", "format": "jsonl"}"#;
    let request = Request::post("/api/v3/query_influxql")
        .token(TOKEN)
        .body(body);
    let answer = server.ask(request).await;
    answer.is(200, "{\"iox::database\":\"d\",\"deleted\":false}\n");
    server.stop().await;
    let server = Server::start().await;
    let answer = server.ask(get(TOKEN, &[("q", "SHOW DATABASES")])).await;
    answer.is(200, "[]");
    server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_anything_is_read() {
    let mut reader = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("d", None).expect("created");
        reader = token(catalog, &["d"], &[], None);
    });
    let server = Server::over(folder, |_| ()).await;
    for (token, pairs, status, text) in [
        (
            TOKEN,
            &[("db", "d")][..],
            400,
            "missing query parameter 'q'",
        ),
        (
            TOKEN,
            &[("q", "SELEC"), ("db", "d")],
            400,
            "error parsing query: found SELEC",
        ),
        (
            TOKEN,
            &[("q", "SHOW DATABASES;SHOW DATABASES")],
            400,
            "2 statements are in 'q'",
        ),
        (TOKEN, &[("q", ";")], 400, "there is no statement"),
        (
            TOKEN,
            &[("q", "DROP DATABASE d")],
            400,
            "DROP DATABASE is not supported here",
        ),
        (
            TOKEN,
            &[("q", "SELECT $x FROM m"), ("db", "d")],
            400,
            "error parsing query: missing parameter: x",
        ),
        (
            TOKEN,
            &[("q", "SHOW MEASUREMENTS"), ("db", "x")],
            404,
            "database not found",
        ),
        (
            &reader,
            &[("q", "SHOW MEASUREMENTS"), ("db", "x")],
            403,
            "insufficient permissions",
        ),
        (
            TOKEN,
            &[("q", "SHOW DATABASES"), ("format", "x")],
            400,
            "failed to deserialize",
        ),
    ] {
        let answer = server.ask(get(token, pairs)).await;
        assert_eq!(answer.status, status, "{pairs:?}: {}", answer.text());
        let told = answer.json()["error"].as_str().expect("a text").to_owned();
        assert!(told.starts_with(text), "{told}");
    }
    assert!(server.has_bucket("d").await);
    server.stop().await;
}
