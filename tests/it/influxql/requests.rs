//! How a request may be sent, and how it is refused.

use super::{ask, is, post, target};
use crate::client::Request;
use crate::server::{Server, TOKEN};

const NO_DATABASES: &str =
    r#"{"statement_id":0,"series":[{"name":"databases","columns":["name"]}]}"#;

#[tokio::test]
async fn statements_come_in_the_address_a_form_parts_or_as_the_body() {
    let server = Server::start().await;
    let plain = || Request::post("/query").token(TOKEN);
    let parts = "--b\r\nContent-Disposition: form-data; name=\"q\"; filename=\"q.txt\"\r\n\
                 Content-Type: text/plain\r\n\r\nSHOW DATABASES\n\r\n--b--\r\n";
    for request in [
        Request::get(target(" SHOW DATABASES ;", &[])).token(TOKEN),
        post("SHOW DATABASES", &[]),
        // Chronograf, and clients of Go.
        post("SHOW DATABASES", &[("db", ""), ("rp", ""), ("epoch", "ms")])
            .header("Content-Type", "application/json"),
        post("SHOW DATABASES", &[("params", "null")]).header("Content-Type", ""),
        post(
            "SHOW DATABASES",
            &[("params", "{}"), ("epoch", ""), ("chunk_size", "")],
        ),
        plain()
            .header(
                "Content-Type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )
            .body("db=x&q=SHOW+DATABASES"),
        plain()
            .header("Content-Type", "multipart/form-data; boundary=b")
            .body(parts),
        plain()
            .header("Content-Type", "application/vnd.influxql")
            .body("SHOW DATABASES"),
        post("SHOW DATABASES", &[])
            .header("Content-Type", "text/plain")
            .body("not a statement"),
    ] {
        is(&server.ask(request).await, NO_DATABASES);
    }
    let none = server.ask(post(";", &[])).await;
    none.is(200, "{}\n");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_in_its_format() {
    let server = Server::start().await;
    let text = "error parsing query: found FROM, expected identifier, string, number, bool at line 1, \
                char 8";
    let refused = server.ask(post("SELECT FROM boiler", &[])).await;
    refused.is(
        400,
        &format!("{{\"code\":\"invalid\",\"message\":\"{text}\",\"error\":\"{text}\"}}\n"),
    );
    assert_eq!(refused.header("x-influxdb-error"), Some(text));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    let csv = post("SELECT FROM boiler", &[]).header("Accept", "application/csv");
    let refused = server.ask(csv).await;
    refused.is(400, &format!("error\n\"{text}\"\n"));
    assert_eq!(refused.header("content-type"), Some("application/csv"));
    let packed = post("SELECT FROM boiler", &[]).header("Accept", "application/x-msgpack");
    let refused = server.ask(packed).await;
    assert_eq!(
        refused.header("content-type"),
        Some("application/x-msgpack")
    );
    for (others, text) in [
        (&[("q", "")][..], r#"missing required parameter "q""#),
        (
            &[("params", "x"), ("q", "SHOW DATABASES")],
            "error parsing query parameters: ",
        ),
        (
            &[("time_format", "x"), ("q", "SHOW DATABASES")],
            "invalid time_format",
        ),
        (
            &[("q", "SELECT $x FROM m")],
            "error parsing query: missing parameter: x",
        ),
        (
            &[("q", "SHOW DATABASES; SELEC")],
            "error parsing query: found SELEC",
        ),
    ] {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(others).finish();
        let request = Request::get(format!("/query?{query}")).token(TOKEN);
        let refused = server.ask(request).await;
        assert_eq!(refused.status, 400, "{others:?}");
        assert!(refused.message().starts_with(text), "{}", refused.message());
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_has_the_form_that_was_asked_for() {
    let server = Server::start().await;
    let csv = post("SHOW DATABASES", &[]).header("Accept", "text/csv");
    let answer = server.ask(csv).await;
    assert_eq!(answer.header("content-type"), Some("text/csv"));
    let pretty = server
        .ask(post("CREATE DATABASE d", &[("pretty", "true")]))
        .await;
    let body =
        "{\n    \"results\": [\n        {\n            \"statement_id\": 0\n        }\n    ]\n}\n";
    pretty.is(200, body);
    let q = "SHOW DATABASES;DROP SERIES FROM m;SHOW DATABASES";
    let chunked = server.ask(post(q, &[("chunked", "true")])).await;
    let text = chunked.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[1].contains(r#""statement_id":1,"error":"DROP SERIES is not supported"#),
        "{text}"
    );
    assert_eq!(
        lines[2],
        r#"{"results":[{"statement_id":2,"error":"not executed"}]}"#
    );
    server.stop().await;
}

#[tokio::test]
async fn a_request_for_the_head_changes_nothing() {
    let server = Server::start().await;
    let head = Request::new("HEAD", target("CREATE DATABASE d", &[])).token(TOKEN);
    let mut client = server.connect().await;
    client.send(head.bytes()).await;
    let answer = client.answer(true).await;
    assert_eq!((answer.status, answer.text()), (200, ""));
    assert!(!server.has_bucket("d").await);
    is(&ask(&server, "SHOW DATABASES").await, NO_DATABASES);
    server.stop().await;
}
