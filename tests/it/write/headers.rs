//! Contract section 1.4: what the headers of a write may say.

use crate::client::{Request, chunked};
use crate::server::{Server, TOKEN, write};

#[tokio::test]
async fn headers_without_a_meaning_are_ignored() {
    let server = Server::start().await;
    for (name, value) in [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Type", "application/vnd.influx.arrow"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Zap-Trace-Span", "baggage,x:y"),
        ("Accept", "application/csv"),
        ("Accept", ";;;"),
        ("Accept-Encoding", "gzip"),
        ("X-Request-Id", "chosen by the client"),
        ("User-Agent", "\u{e4}"),
    ] {
        server
            .ask(write("bucket=b").header(name, value).body("m f=1 1"))
            .await
            .is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn every_accept_gets_json_errors() {
    let server = Server::start().await;
    for accept in [
        "application/json",
        "text/html",
        "application/xml;q=0.9, */*;q=0",
        "",
        "image/*",
    ] {
        let answer = server.ask(write("bucket=").header("Accept", accept)).await;
        answer.is(
            400,
            r#"{"code":"invalid","message":"missing bucket value"}"#,
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let mut ids = std::collections::HashSet::new();
    for request in [
        write("bucket=b").body("m f=1 1"),
        write("bucket=").body("m f=1 1"),
        Request::get("/ping"),
        Request::get("/nowhere"),
        Request::new("OPTIONS", "/"),
    ] {
        for _ in 0..2 {
            let answer = client.ask(&request).await;
            assert!(ids.insert(answer.header("x-request-id").expect("an id").to_owned()));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_come_with_a_length_or_in_chunks_of_any_size() {
    let server = Server::start().await;
    let lines: String = (0..500).map(|n| format!("m f={n} {n}\n")).collect();
    server.write("bucket=b", &lines).await.is_written();
    let stored = server.export("b").await;
    for size in [1, 13, 1000, 1 << 20] {
        let head = write("bucket=c")
            .header("Transfer-Encoding", "chunked")
            .body("")
            .bytes();
        let head = &head[..head.len() - b"0\r\n\r\n".len()];
        let mut client = server.connect().await;
        client
            .send([head, &chunked(lines.as_bytes(), size)].concat())
            .await;
        client.answer(false).await.is_written();
        // The connection stays open.
        assert_eq!(client.ask(&Request::get("/ping")).await.status, 204);
        assert_eq!(server.export("c").await, stored);
    }
    let empty = write("bucket=d")
        .header("Transfer-Encoding", "Chunked")
        .body("");
    server.ask(empty).await.is_written();
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let request = write("bucket=b")
        .header("Expect", "100-continue")
        .header("Content-Length", "7");
    client.send(request.bytes()).await;
    let asked = client.exactly(b"HTTP/1.1 100 Continue\r\n\r\n".len()).await;
    assert_eq!(asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send("m f=1 1").await;
    client.answer(false).await.is_written();
    // One that is refused is not.
    for (request, status) in [
        (Request::post("/api/v2/write?bucket=b"), 401),
        (write("bucket="), 400),
        (write("bucket=b").header("Content-Encoding", "br"), 415),
        (write("bucket=b").header("Authorization", "x"), 401),
    ] {
        let mut client = server.connect().await;
        let request = request
            .header("Expect", "100-continue")
            .header("Content-Length", "7");
        client.send(request.bytes()).await;
        let first = client.exactly(12).await;
        assert_eq!(first, format!("HTTP/1.1 {status}").as_bytes());
    }
    server.stop().await;
}

#[tokio::test]
async fn an_acknowledgement_is_the_same_byte_for_byte_but_for_its_id_and_date() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let request = Request::post("/api/v2/write?org=o&bucket=b&precision=ns").token(TOKEN);
    let answer = client.ask(&request.body("m f=1 1\n")).await;
    answer.is_written();
    let mut names: Vec<&str> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "access-control-allow-origin",
            "date",
            "x-influxdb-build",
            "x-influxdb-version",
            "x-request-id"
        ]
    );
    server.stop().await;
}
