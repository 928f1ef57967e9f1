//! Contract sections 2 and 3.3: tokens and buckets are managed, at once and for good.

use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, token};

fn ask(method: &'static str, target: &str, body: Value) -> Request {
    let request = Request::new(method, target).token(TOKEN);
    match body {
        Value::Null => request,
        body => request.body(body.to_string()),
    }
}

async fn create_token(server: &Server, body: Value) -> Value {
    let answer = server.ask(ask("POST", "/api/v1/tokens", body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn write_as(token: &str, bucket: &str, body: &str) -> Request {
    Request::post(format!("/api/v2/write?bucket={bucket}"))
        .token(token)
        .body(body)
}

#[tokio::test]
async fn a_token_is_shown_once_listed_and_does_what_it_may() {
    let server = Server::start().await;
    let wanted = json!({
        "description": "agent 7", "read": ["in"], "write": ["out", "in"],
        "expires": "2100-01-31T00:00:00+01:00",
    });
    let mut made = create_token(&server, wanted).await;
    let secret = text(&made["token"]).to_owned();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()));
    assert_eq!(made["id"], "2");
    assert_eq!(made["read"], json!(["in"]));
    assert_eq!(made["write"], json!(["in", "out"]));
    assert_eq!(made["operator"], false);
    assert_eq!(made["expires"], "2100-01-30T23:00:00Z");
    let list = server.ask(ask("GET", "/api/v1/tokens", Value::Null)).await;
    assert!(!list.text().contains(&secret), "a secret is shown once");
    made.as_object_mut().expect("an object").remove("token");
    assert_eq!(list.json()["tokens"][1], made);
    assert_eq!(list.json()["tokens"][0]["operator"], true);
    assert_eq!(list.json()["tokens"][0]["in_use"], true, "it asks");
    assert_eq!(list.json()["tokens"][1]["in_use"], false);
    server
        .ask(write_as(&secret, "out", "m f=1 1"))
        .await
        .is_written();
    assert_eq!(
        server
            .ask(write_as(&secret, "else", "m f=1 1"))
            .await
            .status,
        403
    );
    // Every bucket, also those to come.
    let all = create_token(&server, json!({ "read": ["*"], "write": ["*", "x"] })).await;
    assert_eq!(
        (&all["read"], &all["write"]),
        (&json!(["*"]), &json!(["*"]))
    );
    server
        .ask(write_as(text(&all["token"]), "else", "m f=1 1"))
        .await
        .is_written();
    let operator = create_token(&server, json!({ "operator": true })).await;
    let list = Request::get("/api/v1/tokens").token(text(&operator["token"]));
    assert_eq!(
        server.ask(list).await.json()["tokens"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_as_a_token_is_refused_in_words() {
    let server = Server::start().await;
    for (body, part) in [
        (r#"{}"#, "would permit nothing"),
        (r#"{"description":"x"}"#, "would permit nothing"),
        (r#"{"write":[""]}"#, "write: bucket name has 0 bytes"),
        (
            r#"{"read":["a\nb"]}"#,
            "read: bucket name contains a control",
        ),
        (
            r#"{"operator":true,"description":"\u001b[0m"}"#,
            "control character",
        ),
        (
            r#"{"write":["b"],"expires":"tomorrow"}"#,
            "expected RFC 3339",
        ),
        (
            r#"{"write":["b"],"expires":"9999-01-01T00:00:00Z"}"#,
            "before the year 2262",
        ),
        (
            r#"{"write":["b"],"expires":"2001-01-01T00:00:00Z"}"#,
            "in the past",
        ),
        (r#"{"wirte":["b"]}"#, "unknown field `wirte`"),
        (r#"{"write":"b"}"#, "invalid type"),
        ("", "EOF"),
        ("5", "not the JSON that is expected"),
    ] {
        let request = Request::post("/api/v1/tokens").token(TOKEN).body(body);
        let answer = server.ask(request).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.message().contains(part),
            "{body}: {}",
            answer.message()
        );
    }
    let huge = Request::post("/api/v1/tokens")
        .token(TOKEN)
        .body(vec![b' '; 2 << 20]);
    let answer = server.ask(huge).await;
    assert_eq!(
        (answer.status, &answer.json()["maxLength"]),
        (413, &(1 << 20).into())
    );
    let list = server.ask(ask("GET", "/api/v1/tokens", Value::Null)).await;
    assert_eq!(
        list.json()["tokens"].as_array().map(Vec::len),
        Some(1),
        "nothing was made"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_fails_the_next_request_on_an_open_connection_and_after_a_restart() {
    let server = Server::start().await;
    let made = create_token(&server, json!({ "write": ["b"] })).await;
    let (id, secret) = (text(&made["id"]), text(&made["token"]));
    let mut client = server.connect().await;
    client
        .ask(&write_as(secret, "b", "m f=1 1"))
        .await
        .is_written();
    let path = format!("/api/v1/tokens/{id}");
    server
        .ask(ask("DELETE", &path, Value::Null))
        .await
        .is_written();
    let refused = client.ask(&write_as(secret, "b", "m f=2 2")).await;
    refused.is(
        401,
        r#"{"code":"unauthorized","message":"unauthorized access"}"#,
    );
    let again = server.ask(ask("DELETE", &path, Value::Null)).await;
    again.is_error(404, "not found", &format!("token \"{id}\" not found"));
    let server = Server::over(server.stop().await, |_| ()).await;
    assert_eq!(
        server.ask(write_as(secret, "b", "m f=3 3")).await.status,
        401
    );
    assert_eq!(server.export("b").await, "m f=1.0 1\n");
    server.stop().await;
}

#[tokio::test]
async fn the_last_operator_token_cannot_be_revoked() {
    let server = Server::start().await;
    let revoke = |id: &str| ask("DELETE", &format!("/api/v1/tokens/{id}"), Value::Null);
    let told =
        "the last operator token that does not expire cannot be revoked: create another one first";
    server
        .ask(revoke("1"))
        .await
        .is_error(409, "conflict", told);
    let second = create_token(&server, json!({ "operator": true })).await;
    server.ask(revoke("1")).await.is_written();
    assert_eq!(server.ask(revoke("1")).await.status, 401, "it is gone");
    let last = Request::new("DELETE", format!("/api/v1/tokens/{}", text(&second["id"])));
    let answer = server.ask(last.token(text(&second["token"]))).await;
    answer.is_error(409, "conflict", told);
    for odd in ["x", "-1", "99999999999999999999", "%ff"] {
        let request = Request::new("DELETE", format!("/api/v1/tokens/{odd}"));
        let answer = server.ask(request.token(text(&second["token"]))).await;
        assert!(
            matches!(answer.status, 400 | 404),
            "{odd}: {}",
            answer.status
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let server = Server::start().await;
    let end = chrono::Utc::now() + chrono::Duration::seconds(5);
    let made = create_token(
        &server,
        json!({ "write": ["b"], "expires": end.to_rfc3339() }),
    )
    .await;
    let mut client = server.connect().await;
    let write = write_as(text(&made["token"]), "b", "m f=1 1");
    loop {
        let asked = chrono::Utc::now();
        let status = client.ask(&write).await.status;
        if status == 401 {
            assert!(chrono::Utc::now() >= end, "not before its time");
            break;
        }
        assert_eq!(status, 204);
        assert!(asked < end, "not after its time");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_is_created_listed_changed_and_deleted() {
    let server = Server::start().await;
    let create = |body| ask("POST", "/api/v1/buckets", body);
    let name = "a b/ü";
    let path = "/api/v1/buckets/a%20b%2F%C3%BC";
    let made = server
        .ask(create(json!({ "name": name, "retention_seconds": 3600 })))
        .await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(
        (&made["name"], &made["retention_seconds"]),
        (&json!(name), &json!(3600))
    );
    assert_eq!(made["id"], "0000000000000001");
    let again = server.ask(create(json!({ "name": name }))).await;
    again.is_error(409, "conflict", "bucket \"a b/ü\" exists already");
    let list = ask("GET", "/api/v1/buckets", Value::Null);
    assert_eq!(
        server.ask(list.clone()).await.json(),
        json!({ "buckets": [made] })
    );
    let whole = ask("PATCH", path, json!({ "retention_seconds": 60.0 }));
    assert_eq!(
        server.ask(whole).await.json()["retention_seconds"],
        json!(60)
    );
    let change = ask("PATCH", path, json!({ "retention_seconds": null }));
    let changed = server.ask(change).await;
    assert_eq!(
        (changed.status, &changed.json()["retention_seconds"]),
        (200, &Value::Null)
    );
    let server = Server::over(server.stop().await, |_| ()).await;
    assert_eq!(
        server.ask(list.clone()).await.json()["buckets"][0]["retention_seconds"],
        Value::Null
    );
    server
        .ask(ask("DELETE", path, Value::Null))
        .await
        .is_written();
    assert_eq!(server.ask(list).await.json(), json!({ "buckets": [] }));
    for method in ["DELETE", "PATCH"] {
        let gone = server
            .ask(ask(method, path, json!({ "retention_seconds": 1 })))
            .await;
        gone.is_error(404, "not found", "bucket \"a b/ü\" not found");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_as_a_bucket_is_refused_in_words() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    for (method, path, body, part) in [
        ("POST", "", r#"{"name":"_x"}"#, "reserved"),
        ("POST", "", r#"{"name":""}"#, "expected 1 to 255"),
        (
            "POST",
            "",
            r#"{"name":"x","retention":1}"#,
            "unknown field `retention`",
        ),
        (
            "POST",
            "",
            r#"{"name":"x","retention_seconds":0}"#,
            "or null to keep points for ever",
        ),
        (
            "POST",
            "",
            r#"{"name":"x","retention_seconds":1.5}"#,
            "retention_seconds is 1.5",
        ),
        (
            "POST",
            "",
            r#"{"name":"x","retention_seconds":-5}"#,
            "retention_seconds is -5",
        ),
        (
            "POST",
            "",
            r#"{"retention_seconds":5}"#,
            "missing field `name`",
        ),
        ("PATCH", "/b", r#"{}"#, "missing field `retention_seconds`"),
        (
            "PATCH",
            "/b",
            r#"{"retention_seconds":9223372036854775807}"#,
            "expected a whole number",
        ),
    ] {
        let request = Request::new(method, format!("/api/v1/buckets{path}"));
        let answer = server.ask(request.token(TOKEN).body(body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(
            answer.message().contains(part),
            "{body}: {}",
            answer.message()
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_bucket_never_shows_its_old_points_again() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| agent = token(catalog, &["b"], &["b"], None));
    let server = Server::over(folder, |_| ()).await;
    server
        .ask(write_as(&agent, "b", "old f=1 1\nm f=1 1"))
        .await
        .is_written();
    server
        .ask(ask("DELETE", "/api/v1/buckets/b", Value::Null))
        .await
        .is_written();
    assert!(!server.has_bucket("b").await);
    // The permission is by name: it outlives the bucket. The schema does not.
    server
        .ask(write_as(&agent, "b", "m f=\"text\" 2"))
        .await
        .is_written();
    let stored = "m f=\"text\" 2\n";
    assert_eq!(server.export("b").await, stored);
    let mut folder = server.stop().await;
    for _ in 0..2 {
        let server = Server::over(folder, |_| ()).await;
        assert_eq!(server.export("b").await, stored);
        folder = server.stop().await;
    }
}

#[tokio::test]
async fn a_new_retention_hides_and_rejects_at_once() {
    let server = Server::over(Folder::with_buckets(&["b"]), |_| ()).await;
    server.write("bucket=b", "m f=1 1").await.is_written();
    let change = |seconds: Value| {
        ask(
            "PATCH",
            "/api/v1/buckets/b",
            json!({ "retention_seconds": seconds }),
        )
    };
    assert_eq!(server.ask(change(json!(3600))).await.status, 200);
    assert_eq!(server.export("b").await, "");
    let rejected: Answer = server.write("bucket=b", "m f=2 2").await;
    assert_eq!(rejected.json()["errors"][0]["code"], "retention");
    assert_eq!(server.ask(change(Value::Null)).await.status, 200);
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\n",
        "hidden is not yet deleted"
    );
    server.stop().await;
}

#[tokio::test]
async fn batches_on_their_way_to_a_deleted_bucket_are_answered_and_leave_nothing() {
    let server = Server::with(|config| config.server.auto_create_buckets = false).await;
    for round in 0..20 {
        let create = ask("POST", "/api/v1/buckets", json!({ "name": "b" }));
        assert_eq!(server.ask(create).await.status, 201);
        let body: String = (0..200).map(|i| format!("m,t=x{i} f={i} {i}\n")).collect();
        let delete = ask("DELETE", "/api/v1/buckets/b", Value::Null);
        let (first, second, deleted) = tokio::join!(
            server.write("bucket=b", &body),
            server.write("bucket=b", &body),
            server.ask(delete)
        );
        deleted.is_written();
        for answer in [first, second] {
            assert!(
                matches!(answer.status, 204 | 404),
                "{round}: {}",
                answer.status
            );
        }
        assert!(!server.has_bucket("b").await);
    }
    assert_eq!(server.metric("tidegate_buffer_rows").await, 0.0);
    server.stop().await;
}
