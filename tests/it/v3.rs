//! Contract section 3.2: `POST /api/v3/write_lp`.

use crate::client::{Client, Request};
use crate::program::Program;
use crate::server::{Folder, Server, TOKEN, until};

fn write(query: &str, body: &str) -> Request {
    Request::post(format!("/api/v3/write_lp?{query}"))
        .header("Authorization", &format!("Bearer {TOKEN}"))
        .body(body)
}

#[tokio::test]
async fn the_unit_of_a_time_is_told_by_its_size_unless_it_is_named() {
    let server = Server::start().await;
    for (precision, time, ns) in [
        ("", "1721548800", 1_721_548_800_000_000_000_i64),
        (
            "&precision=auto",
            "1721548800001",
            1_721_548_800_001_000_000,
        ),
        ("", "1721548800000002", 1_721_548_800_000_002_000),
        ("", "1721548800000000003", 1_721_548_800_000_000_003),
        ("", "-5", -5_000_000_000),
        ("&precision=nanosecond", "1", 1),
        ("&precision=n", "2", 2),
        ("&precision=microsecond", "1", 1_000),
        ("&precision=u", "2", 2_000),
        ("&precision=ms", "1", 1_000_000),
        ("&precision=second", "1", 1_000_000_000),
    ] {
        let query = format!("db=b{precision}");
        server
            .ask(write(&query, &format!("m f=1 {time}")))
            .await
            .is_written();
        let stored = server.export("b").await;
        assert!(
            stored.contains(&format!("m f=1.0 {ns}\n")),
            "{time}: {stored}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn errors_have_the_shape_of_v3_byte_for_byte() {
    let server = Server::with(|config| config.server.auto_create_buckets = false).await;
    let fields = "failed to deserialize db/precision/accept_partial/no_sync in request";
    for (query, status, text) in [
        ("", 400, format!("{fields}: missing field `db`")),
        ("db=b&db=c", 400, format!("{fields}: duplicate field `db`")),
        ("db=b", 404, r#"database not found: \"b\""#.to_owned()),
    ] {
        let answer = server.ask(write(query, "m f=1 1")).await;
        answer.is(status, &format!(r#"{{"error":"{text}"}}"#));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let nobody = server
        .ask(Request::post("/api/v3/write_lp?db=b").body("x"))
        .await;
    nobody.is(401, r#"{"error":"unauthorized access"}"#);
    server.stop().await;
}

#[tokio::test]
async fn rejected_lines_are_shown_and_the_others_written() {
    let server = Server::start().await;
    let long = format!("bad{}", "x".repeat(100));
    let body = format!("m f=1 1\n\n  m f=oops 2\r\n{long}\nm f=3 3");
    let answer = server.ask(write("db=b", &body)).await;
    let cut = &long[..64];
    let lines = answer.json();
    assert_eq!(answer.status, 400);
    assert_eq!(lines["error"], "partial write of line protocol occurred");
    let data = lines["data"].as_array().expect("a list");
    assert_eq!(data.len(), 2);
    assert_eq!(data[0]["original_line"], "  m f=oops 2");
    assert_eq!(data[0]["line_number"], 3);
    assert_eq!(data[1]["original_line"], *cut);
    assert_eq!(data[1]["line_number"], 4);
    let told = data[0]["error_message"].as_str().expect("text");
    let v2 = server.write("bucket=c", "\n\nm f=oops 2").await.json();
    assert_eq!(told, v2["errors"][0]["message"], "the same words as in v2");
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1000000000\nm f=3.0 3000000000\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn nothing_written_is_not_called_partial() {
    let server = Server::start().await;
    let answer = server.ask(write("db=b", "bad\nm f=true1 2")).await;
    assert_eq!(answer.status, 400);
    let told = answer.json();
    assert_eq!(told["error"], "no line of line protocol was written");
    assert_eq!(told["data"].as_array().map(Vec::len), Some(2));
    server.stop().await;
}

#[tokio::test]
async fn all_or_nothing_names_the_first_line() {
    let server = Server::start().await;
    server.ask(write("db=b", "m f=1 1")).await.is_written();
    let query = "db=b&accept_partial=false";
    let answer = server.ask(write(query, "m f=2 2\nm f=true 3\nbad")).await;
    answer.is(
        400,
        r#"{"error":"parsing failed for write_lp endpoint","data":{"original_line":"m f=true 3","line_number":2,"error_message":"field \"f\" of \"m\" is float, got boolean"}}"#,
    );
    assert_eq!(server.export("b").await, "m f=1.0 1000000000\n");
    server.ask(write(query, "m f=2 2")).await.is_written();
    server.stop().await;
}

#[tokio::test]
async fn without_waiting_for_the_disk_lines_are_still_checked_and_soon_there() {
    let server = Server::start().await;
    let answer = server.ask(write("db=b&no_sync=true", "m f=1 1\nbad")).await;
    assert_eq!(answer.status, 400, "validated before the answer");
    let line = "m f=1.0 1000000000\n";
    until("there", || async { server.export("b").await == line }).await;
    let folder = server.stop().await;
    let server = Server::over(folder, |_| ()).await;
    assert_eq!(server.export("b").await, line);
    server.stop().await;
}

#[tokio::test]
async fn a_gentle_stop_keeps_what_was_acknowledged_without_waiting() {
    let folder = Folder::prepared(|_| ());
    let program = Program::start(&folder, &[]).await;
    let mut client = Client::connect(program.address).await;
    for n in 0..200 {
        let request = write("db=b&no_sync=true&precision=ns", &format!("m f={n} {n}"));
        client.ask(&request).await.is_written();
    }
    // Several slices, as one.
    let lines: String = (0..60_000)
        .map(|n| format!("large,t=x{n} f={n} {n}\n"))
        .collect();
    let large = write(
        "db=b&no_sync=true&accept_partial=false&precision=ns",
        &lines,
    );
    client.ask(&large).await.is_written();
    drop(client);
    let log = program.stop();
    assert!(!log.contains("is lost"), "{log}");
    let server = Server::over(folder, |_| ()).await;
    assert_eq!(server.export("b").await.lines().count(), 60_200);
    server.stop().await;
}
