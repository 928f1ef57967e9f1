//! The forms of a request, and what is wrong with one.

use serde_json::json;

use super::{error, get, post, question, server};
use crate::client::Request;
use crate::server::TOKEN;
use crate::write::gzip::gzip;

#[tokio::test]
async fn a_question_may_come_in_every_form() {
    let server = server().await;
    let text = "SELECT temp FROM boiler WHERE room = $room AND temp < $below";
    let values = json!({"room": "a", "below": 100});
    let body = json!({"db": "plant", "q": text, "format": "csv", "params": values});
    let target = "/api/v3/query_sql";
    let by_url = get(&[
        ("db", "plant"),
        ("q", text),
        ("format", "csv"),
        ("params", &values.to_string()),
    ]);
    let as_post = Request {
        method: "POST",
        ..by_url.clone()
    };
    let mut requests = vec![by_url, as_post, post(&body)];
    for kind in [
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
    ] {
        requests.push(post(&body).header("Content-Type", kind));
    }
    let zipped = Request::post(target)
        .token(TOKEN)
        .header("Content-Encoding", "gzip");
    requests.push(zipped.body(gzip(body.to_string().as_bytes())));
    let bearer = Request::post(target).header("Authorization", &format!("Bearer {TOKEN}"));
    requests.push(bearer.body(body.to_string()));
    let mixed = Request::post(format!("{target}?db=plant&format=csv")).token(TOKEN);
    requests.push(mixed.body(json!({"q": text, "params": values, "more": []}).to_string()));
    for request in requests {
        let shown = format!("{} {:?}", request.target, request.headers);
        let answer = server.ask(request).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, "temp\n20.5\n"),
            "{shown}"
        );
    }
    let head = Request {
        method: "HEAD",
        ..get(&[("db", "plant"), ("q", "SELECT 1"), ("format", "csv")])
    };
    let answer = server.ask(head).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/csv"))
    );
    server.stop().await;
}

#[tokio::test]
async fn parameters_keep_their_types() {
    let server = server().await;
    for (value, expected) in [
        (json!(null), "[{}]"),
        (json!(true), r#"[{"v":true}]"#),
        (json!(-7), r#"[{"v":-7}]"#),
        (json!(u64::MAX), r#"[{"v":18446744073709551615}]"#),
        (json!(1.5), r#"[{"v":1.5}]"#),
        (
            json!("it's \"so\"; DROP TABLE x"),
            r#"[{"v":"it's \"so\"; DROP TABLE x"}]"#,
        ),
    ] {
        let body = json!({"db": "plant", "q": "SELECT $v AS v", "params": {"v": value}});
        server.ask(post(&body)).await.is(200, expected);
    }
    // By number too, and a time is a text.
    let text = "SELECT count(*) AS n FROM boiler WHERE time >= $1";
    let body = json!({"db": "plant", "q": text, "params": {"1": "2023-11-14T22:13:30Z"}});
    server.ask(post(&body)).await.is(200, r#"[{"n":2}]"#);
    server.stop().await;
}

#[tokio::test]
async fn a_parameter_without_a_usable_value_is_named() {
    let server = server().await;
    let ask = async |params| {
        let body = json!({"db": "plant", "q": "SELECT $v AS v", "params": params});
        server.ask(post(&body)).await
    };
    for params in [json!(null), json!({}), json!({"w": 1})] {
        let told = error(&ask(params).await, 400);
        assert!(
            told.contains("No value found for placeholder with name $v"),
            "{told}"
        );
    }
    for nested in [json!([1]), json!({"a": 1})] {
        let told = error(&ask(json!({"v": nested})).await, 400);
        assert!(told.contains("`v` is a list or an object"), "{told}");
    }
    let told = error(&ask(json!([1])).await, 400);
    assert!(told.contains("not the JSON that is expected"), "{told}");
    let bad = get(&[("db", "plant"), ("q", "SELECT 1"), ("params", "[1]")]);
    let told = error(&server.ask(bad).await, 400);
    assert!(told.contains("`params` is not a JSON object"), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn what_is_missing_or_cannot_be_read_is_told() {
    let server = server().await;
    let target = "/api/v3/query_sql";
    for (request, told) in [
        (get(&[]), "missing query parameters 'db' and 'q'"),
        (post(&json!({})), "missing query parameters 'db' and 'q'"),
        (
            Request::post(target).token(TOKEN),
            "missing query parameters 'db' and 'q'",
        ),
        (get(&[("db", "plant")]), "missing query parameter 'q'"),
        (
            post(&json!({"q": "SELECT 1"})),
            "missing query parameter 'db'",
        ),
        (
            Request::post(target)
                .token(TOKEN)
                .body("db=plant&q=SELECT+1"),
            "the body is not the JSON that is expected",
        ),
        (question("SELECT 1", "xml"), "unknown variant `xml`"),
        (
            Request::post(format!("{target}?db=plant"))
                .token(TOKEN)
                .body(r#"{"db":"plant"}"#),
            "duplicate field `db`",
        ),
    ] {
        let shown = request.target.clone();
        let answer = server.ask(request).await;
        let found = error(&answer, 400);
        assert!(found.contains(told), "{shown}: {found}");
    }
    let encoding = post(&json!({})).header("Content-Encoding", "br");
    error(&server.ask(encoding).await, 415);
    let large = format!("{{\"q\":\"{}\"}}", "x".repeat(2 << 20));
    let large = Request::post(target).token(TOKEN).body(large);
    error(&server.ask(large).await, 413);
    error(
        &server.ask(Request::new("PUT", target).token(TOKEN)).await,
        405,
    );
    server.stop().await;
}

#[tokio::test]
async fn a_question_that_is_wrong_or_writes_is_refused_with_the_reason() {
    let server = server().await;
    for (text, part) in [
        ("SELEC 1", "SELEC"),
        ("SELECT 1; SELECT 2", ""),
        ("SELECT * FROM boilr", "boilr"),
        ("SELECT tmp FROM boiler", "tmp"),
        ("SELECT sum(room) FROM boiler", "sum"),
        (
            "SELECT temp / (n + 1) + 1 / (n + 1) FROM boiler",
            "division by zero",
        ),
        ("CREATE TABLE x (a INT)", "only read"),
        (
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            "only read",
        ),
        (
            "INSERT INTO boiler (temp, time) VALUES (1, now())",
            "only read",
        ),
        ("DELETE FROM boiler", "only read"),
        ("DROP TABLE boiler", "only read"),
        ("COPY boiler TO '/tmp/x.csv'", "only read"),
        ("SET datafusion.execution.batch_size = 1", "only read"),
        ("SELECT * FROM '/etc/passwd'", "passwd"),
    ] {
        let answer = server.ask(question(text, "json")).await;
        let told = error(&answer, 400);
        assert!(told.contains(part), "{text}: {told}");
    }
    let nested = question("SELECT named_struct('a', 1) AS s", "csv");
    let told = error(&server.ask(nested).await, 400);
    assert!(
        told.starts_with("csv cannot hold the column \"s\""),
        "{told}"
    );
    server.stop().await;
}
