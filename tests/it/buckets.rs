//! Contract sections 2 and 3.3, at the edges: names that are hard to put into a URL, requests that
//! meet, and what a client is told whose bucket goes away under it.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Client, Request};
use crate::server::{Folder, Server, TOKEN, export, token, write};

fn ask(method: &'static str, target: &str, body: Value) -> Request {
    let request = Request::new(method, target).token(TOKEN);
    match body {
        Value::Null => request,
        body => request.body(body.to_string()),
    }
}

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn buckets_of_every_name_can_be_written_changed_and_deleted() {
    let server = Server::start().await;
    let long = "ü/".repeat(85);
    assert_eq!(long.len(), 255);
    for name in [
        "a/b", "/", "//", "a%b", "%2F", "%", "a+b", "+", ".", "..", "a/../b", "a.b.", " a ", "a?b",
        "a#b", "a&b=c", "a;b", "\"", "*", "autogen", "tokens", "{name}", &long,
    ] {
        let path = format!("/api/v1/buckets/{}", encoded(name));
        let made = server
            .ask(ask("POST", "/api/v1/buckets", json!({ "name": name })))
            .await;
        assert_eq!((made.status, &made.json()["name"]), (201, &json!(name)));
        let query = format!("bucket={}", encoded(name));
        server.write(&query, "m f=1 1").await.is_written();
        assert_eq!(server.export(&encoded(name)).await, "m f=1.0 1\n", "{name}");
        let v1 = Request::post(format!("/write?db={}", encoded(name))).token(TOKEN);
        server.ask(v1.body("m f=2 2")).await.is_written();
        let changed = server
            .ask(ask("PATCH", &path, json!({ "retention_seconds": 60 })))
            .await;
        assert_eq!(
            (changed.status, &changed.json()["name"]),
            (200, &json!(name))
        );
        assert_eq!(
            server.export(&encoded(name)).await,
            "",
            "{name}: hidden at once"
        );
        server
            .ask(ask("DELETE", &path, Value::Null))
            .await
            .is_written();
        assert!(!server.has_bucket(&encoded(name)).await, "{name}");
        let gone = server.ask(ask("DELETE", &path, Value::Null)).await;
        gone.is_error(404, "not found", &format!("bucket \"{name}\" not found"));
    }
    // What a client sends who does not encode: a plus and a dot are themselves in a path.
    for name in ["a+b", "a.b", "a%zz"] {
        let create = ask("POST", "/api/v1/buckets", json!({ "name": name }));
        assert_eq!(server.ask(create).await.status, 201);
        let path = format!("/api/v1/buckets/{name}");
        server
            .ask(ask("DELETE", &path, Value::Null))
            .await
            .is_written();
    }
    for (path, status) in [
        ("a/b", 404),
        ("", 404),
        ("%ff", 400),
        (&encoded(&"x".repeat(300)), 404),
    ] {
        let path = format!("/api/v1/buckets/{path}");
        assert_eq!(
            server.ask(ask("DELETE", &path, Value::Null)).await.status,
            status
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_is_found_by_its_id_too_and_a_name_goes_first() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("first", None).expect("created");
        catalog.create_bucket("second", None).expect("created");
        // The name of the third is the id of the first.
        catalog
            .create_bucket("0000000000000001", None)
            .expect("created");
        agent = token(catalog, &["second"], &["second"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let by_id = "0000000000000002";
    let as_agent = |request: Request| server.ask(request.token(&agent));
    let write = Request::post(format!("/api/v2/write?bucket={by_id}"));
    as_agent(write.body("m f=1 1")).await.is_written();
    let read = Request::get(format!("/api/v1/export?bucket={by_id}"));
    assert_eq!(as_agent(read).await.text(), "m f=1.0 1\n");
    for bucket in ["0000000000000001", "0000000000000003", "first"] {
        let read = Request::get(format!("/api/v1/export?bucket={bucket}"));
        assert_eq!(as_agent(read).await.status, 403, "{bucket}");
        let write = Request::post(format!("/api/v2/write?bucket={bucket}"));
        assert_eq!(
            as_agent(write.body("m f=1 1")).await.status,
            403,
            "{bucket}"
        );
    }
    let path = "/api/v1/buckets/0000000000000001";
    server
        .ask(ask("DELETE", path, Value::Null))
        .await
        .is_written();
    assert!(
        server.has_bucket("first").await,
        "the one of that name went"
    );
    let again = server.ask(ask("DELETE", path, Value::Null)).await;
    again.is_written();
    assert!(
        !server.has_bucket("first").await,
        "then the one with that id"
    );
    server.stop().await;
}

#[tokio::test]
async fn of_many_who_create_the_same_bucket_one_has_made_it() {
    let server = Server::start().await;
    for round in 0..5 {
        let name = format!("b{round}");
        let mut asked = JoinSet::new();
        for n in 0..12 {
            let request = match n % 3 {
                0 => write(&format!("bucket={name}")).body(format!("m f=1 {n}")),
                _ => ask("POST", "/api/v1/buckets", json!({ "name": name })),
            };
            let address = server.address;
            asked.spawn(async move { Client::connect(address).await.ask(&request).await });
        }
        let answers = asked.join_all().await;
        let count = |status| {
            answers
                .iter()
                .filter(|answer| answer.status == status)
                .count()
        };
        // Unless a write was faster than all of them.
        assert!(count(201) <= 1);
        assert_eq!((count(201) + count(409), count(204)), (8, 4), "{answers:?}");
        assert_eq!(server.export(&name).await.lines().count(), 4);
    }
    assert!((server.metric("tidegate_buckets").await - 5.0).abs() < 0.1);
    server.stop().await;
}

/// A write of which the head has been read and the body is awaited.
async fn half_sent(server: &Server, target: &str) -> Client {
    let mut client = server.connect().await;
    let request = Request::post(target)
        .token(TOKEN)
        .header("Expect", "100-continue")
        .header("Content-Length", "7");
    client.send(request.bytes()).await;
    let asked = client.exactly(b"HTTP/1.1 100 Continue\r\n\r\n".len()).await;
    assert!(asked.starts_with(b"HTTP/1.1 100"));
    client
}

#[tokio::test]
async fn a_batch_whose_bucket_is_deleted_meanwhile_is_told_in_the_words_of_its_endpoint() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    let targets = [
        "/api/v2/write?bucket=b",
        "/api/v2/write?bucket=b&accept_partial=false",
        "/write?db=b",
        "/api/v3/write_lp?db=b",
        "/api/v3/write_lp?db=b&no_sync=true",
    ];
    let mut clients = Vec::new();
    for target in targets {
        clients.push(half_sent(&server, target).await);
    }
    server
        .ask(ask("DELETE", "/api/v1/buckets/b", Value::Null))
        .await
        .is_written();
    // Another of that name is another one.
    let create = ask("POST", "/api/v1/buckets", json!({ "name": "b" }));
    assert_eq!(server.ask(create).await.status, 201);
    for (client, target) in clients.iter_mut().zip(targets) {
        client.send("m f=1 1").await;
        let body = match target {
            _ if target.starts_with("/api/v2") => {
                r#"{"code":"not found","message":"bucket \"b\" not found"}"#
            }
            _ if target.starts_with("/write") => {
                r#"{"error":"database not found: \"b\"","code":"not found","message":"database not found: \"b\""}"#
            }
            _ => r#"{"error":"database not found: \"b\""}"#,
        };
        client.answer(false).await.is(404, body);
    }
    assert_eq!(server.export("b").await, "");
    server.stop().await;
}

#[tokio::test]
async fn an_export_goes_on_to_its_end_when_its_bucket_is_deleted() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    let pad = "x".repeat(200);
    let lines: String = (0..100_000)
        .map(|n| format!("m,host=h{} s=\"{pad}\" {n}\n", n % 10))
        .collect();
    server.write("bucket=b", &lines).await.is_written();
    let mut client = server.connect().await;
    let request = export("bucket=b").header("Connection", "close");
    client.send(request.bytes()).await;
    let first = client.exactly(1000).await;
    assert!(first.starts_with(b"HTTP/1.1 200"));
    server
        .ask(ask("DELETE", "/api/v1/buckets/b", Value::Null))
        .await
        .is_written();
    let rest = client.rest().await;
    assert!(
        rest.ends_with(b"\r\n0\r\n\r\n"),
        "whole, or broken so that it shows"
    );
    let all = [first, rest].concat();
    let stored = all.windows(5).filter(|window| window == b"m,hos").count();
    assert!(
        (99_900..=100_000).contains(&stored),
        "{stored}: some are cut by chunks"
    );
    assert_eq!(server.ask(export("bucket=b")).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn an_operator_may_revoke_the_token_it_asks_with() {
    let server = Server::start().await;
    let made = server
        .ask(ask("POST", "/api/v1/tokens", json!({ "operator": true })))
        .await
        .json();
    let (id, secret) = (
        made["id"].as_str().expect("id"),
        made["token"].as_str().expect("shown"),
    );
    let mut client = server.connect().await;
    let revoke = Request::new("DELETE", format!("/api/v1/tokens/{id}")).token(secret);
    client.ask(&revoke).await.is_written();
    assert_eq!(client.ask(&revoke).await.status, 401);
    let server = Server::over(server.stop().await, |_| ()).await;
    assert_eq!(server.ask(revoke).await.status, 401, "for good");
    server.stop().await;
}

#[tokio::test]
async fn tokens_are_limited_and_one_that_is_revoked_makes_room() {
    let server = Server::with(|config| config.limits.tokens_max = 3).await;
    let create = || server.ask(ask("POST", "/api/v1/tokens", json!({ "write": ["b"] })));
    for _ in 0..2 {
        assert_eq!(create().await.status, 201);
    }
    let told = "there are 3 tokens already, including expired ones (limits.tokens_max): revoke those \
                that are not needed";
    create().await.is_error(400, "invalid", told);
    server
        .ask(ask("DELETE", "/api/v1/tokens/3", Value::Null))
        .await
        .is_written();
    let made = create().await;
    assert_eq!(
        (made.status, &made.json()["id"]),
        (201, &json!("4")),
        "no id twice"
    );
    server.stop().await;
}

#[tokio::test]
async fn odd_json_is_refused_in_few_words() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    let deep = "[".repeat(100_000);
    let long = "x".repeat(500_000);
    for (body, part) in [
        (format!(r#"{{"write":{deep}"#), "invalid type"),
        (deep.clone(), "the body is a JSON array"),
        (
            format!(r#"{{"a":{}"#, r#"{"a":"#.repeat(50_000)),
            "unknown field",
        ),
        (format!(r#"{{"{long}":1}}"#), "unknown field"),
        (
            format!(r#"{{"operator":"{long}"}}"#),
            "invalid type: string",
        ),
        (r#"{"operator":1e999}"#.to_owned(), "number out of range"),
        (
            r#"{"operator":true,"operator":true}"#.to_owned(),
            "duplicate field `operator`",
        ),
        (
            r#"{"write":["b\u0000"]}"#.to_owned(),
            "write: bucket name contains a control",
        ),
        (
            r#"{"operator":true,"description":"\u0000"}"#.to_owned(),
            "control character",
        ),
        (
            r#"{"operator":true,"description":"\ud800"}"#.to_owned(),
            "the body is not the JSON",
        ),
        (r#"{"operator":true} x"#.to_owned(), "trailing characters"),
        ("\u{feff}{}".to_owned(), "the body is not the JSON"),
        ("\0".to_owned(), "the body is not the JSON"),
    ] {
        let answer = server
            .ask(Request::post("/api/v1/tokens").token(TOKEN).body(&body))
            .await;
        let message = answer.message();
        let start = &body[..body.len().min(40)];
        assert_eq!(answer.status, 400, "{start}");
        assert!(message.contains(part), "{start}: {message}");
        assert!(message.len() < 400, "{start}: {} bytes", message.len());
    }
    let raw = Request::post("/api/v1/buckets")
        .token(TOKEN)
        .body(b"{\"name\":\"\xff\"}");
    assert_eq!(server.ask(raw).await.status, 400);
    for number in [
        "1e999",
        "-1e999",
        "1e19",
        "1e-5",
        "9223372037",
        "-0.0",
        "0",
        "true",
        "\"1\"",
    ] {
        let body = format!(r#"{{"retention_seconds":{number}}}"#);
        let request = Request::new("PATCH", "/api/v1/buckets/b")
            .token(TOKEN)
            .body(body);
        assert_eq!(server.ask(request).await.status, 400, "{number}");
    }
    let largest = json!({ "retention_seconds": 9_223_372_036_u64 });
    let answer = server.ask(ask("PATCH", "/api/v1/buckets/b", largest)).await;
    assert_eq!(answer.status, 200);
    let list = server.ask(ask("GET", "/api/v1/tokens", Value::Null)).await;
    assert_eq!(list.json()["tokens"].as_array().map(Vec::len), Some(1));
    server.stop().await;
}

/// The question before a retention hides points: it counts points in memory and in tables, and not
/// those that are hidden already.
#[tokio::test]
async fn what_a_retention_would_hide_is_told_before_it_does() {
    let server = Server::start().await;
    let hours_ago = |hours: i64| {
        let now_ns = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos();
        i64::try_from(now_ns).expect("before 2262") - hours * 3_600_000_000_000
    };
    let hidden = async |hours: i64| {
        let seconds = hours * 3600;
        let path = format!("/api/v1/buckets/b/hidden?retention_seconds={seconds}");
        let answer = server.ask(ask("GET", &path, Value::Null)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    for hours in [300, 200, 100, 2] {
        let line = format!("m f=1 {}", hours_ago(hours));
        server.write("bucket=b", &line).await.is_written();
    }
    let check = async || {
        let most = hidden(50).await;
        assert_eq!(most["rows_max"], 3, "{most}");
        assert!(most["first"].as_str() < most["last"].as_str(), "{most}");
        let one = hidden(250).await;
        assert_eq!(one["rows_max"], 1, "{one}");
        assert!(
            one["first"].is_string() && one["first"] == one["last"],
            "{one}"
        );
        let none = json!({ "rows_max": 0, "first": null, "last": null });
        assert_eq!(hidden(400).await, none);
    };
    check().await;
    #[cfg(feature = "lake")]
    {
        let flush = ask("POST", "/api/v1/lake/flush", Value::Null);
        assert_eq!(server.ask(flush).await.status, 200);
        check().await;
    }
    let change = json!({ "retention_seconds": 150 * 3600 });
    let changed = server.ask(ask("PATCH", "/api/v1/buckets/b", change)).await;
    assert_eq!(changed.status, 200);
    assert_eq!(hidden(50).await["rows_max"], 1, "the others are hidden");
    for (query, status) in [
        ("", 400),
        ("?retention_seconds=0", 400),
        ("?retention_seconds=x", 400),
    ] {
        let path = format!("/api/v1/buckets/b/hidden{query}");
        assert_eq!(
            server.ask(ask("GET", &path, Value::Null)).await.status,
            status
        );
    }
    server.stop().await;
}
