//! Connections: kept alive, pipelined, slow, too many, refused early.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::client::{PATIENCE, Request};
use crate::server::{Server, export, write};

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    for n in 0..50 {
        client
            .ask(&write("bucket=b").body(format!("m f={n} {n}")))
            .await
            .is_written();
        assert_eq!(client.ask(&write("bucket=b").body("bad")).await.status, 400);
        assert_eq!(
            client
                .ask(&Request::post("/api/v2/write").body("x"))
                .await
                .status,
            401
        );
    }
    assert_eq!(
        client.ask(&export("bucket=b")).await.text().lines().count(),
        50
    );
    server.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let mut bytes = Vec::new();
    for n in 0..40 {
        bytes.extend(write("bucket=b").body(format!("m f={n} {n}")).bytes());
        bytes.extend(Request::get(format!("/nowhere/{n}")).bytes());
        bytes.extend(
            write("bucket=b")
                .header("Transfer-Encoding", "chunked")
                .body("bad")
                .bytes(),
        );
    }
    client.send(&bytes).await;
    for _ in 0..40 {
        client.answer(false).await.is_written();
        assert_eq!(client.answer(false).await.status, 404);
        assert_eq!(client.answer(false).await.status, 400);
    }
    assert_eq!(server.export("b").await.lines().count(), 40);
    server.stop().await;
}

#[tokio::test]
async fn connection_close_and_http_1_0_end_after_the_answer() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .ask(
            &write("bucket=b")
                .header("Connection", "close")
                .body("m f=1 1"),
        )
        .await
        .is_written();
    client.ends().await;
    let mut client = server.connect().await;
    client.send("GET /ping HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer(false).await.status, 204);
    client.ends().await;
    // A client that has nothing more to say still gets its answer.
    let mut client = server.connect().await;
    client.send(write("bucket=b").body("m f=2 2").bytes()).await;
    client.stream.shutdown().await.expect("half-closed");
    client.answer(false).await.is_written();
    client.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_head_must_come_in_time() {
    let server =
        Server::with(|config| config.connection.head_timeout = Duration::from_millis(400)).await;
    for part in ["", "GET", "GET /ping HTTP/1.1\r\nHost: a\r\n"] {
        let started = Instant::now();
        let mut client = server.connect().await;
        client.send(part).await;
        client.ends().await;
        let waited = started.elapsed();
        assert!((300..9000).contains(&waited.as_millis()), "{waited:?}");
    }
    // Dripping does not help, neither on a first nor on a later request.
    let mut client = server.connect().await;
    assert_eq!(client.ask(&Request::get("/ping")).await.status, 204);
    let started = Instant::now();
    client.send("GET /ping HTTP/1.1\r\nHost: a").await;
    while client.stream.write_all(b"a").await.is_ok() {
        assert!(started.elapsed() < PATIENCE, "it may drip for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(started.elapsed() >= Duration::from_millis(300));
    server.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server =
        Server::with(|config| config.connection.keep_alive_timeout = Duration::from_secs(3)).await;
    let mut client = server.connect().await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        assert_eq!(client.ask(&Request::get("/ping")).await.status, 204);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Far sooner than by default, as it was told.
    client.ends().await;
    assert!(started.elapsed() < Duration::from_secs(60));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_or_drips_is_cut_and_told() {
    let server = Server::with(|config| {
        config.connection.body_idle_timeout = Duration::from_millis(600);
        config.connection.body_rate_bytes_min = 0;
    })
    .await;
    let mut client = server.connect().await;
    client
        .send(write("bucket=b").header("Content-Length", "100000").bytes())
        .await;
    client.send("m f=1 1\n").await;
    let answer = client.answer(false).await;
    let told = "no byte of the body arrived for 600 ms (connection.body_idle_timeout_ms)";
    answer.is_error(408, "invalid", told);
    client.ends().await;
    server.stop().await;
    // Never quiet for long, but far too slow.
    let server = Server::with(|config| {
        config.connection.body_idle_timeout = PATIENCE;
        config.connection.body_rate_bytes_min = 1000;
        config.connection.body_rate_window = Duration::from_secs(3);
    })
    .await;
    let mut client = server.connect().await;
    client
        .send(write("bucket=b").header("Content-Length", "100000").bytes())
        .await;
    let answer = loop {
        client.send("\n").await;
        let wait = Duration::from_millis(100);
        if let Ok(answer) = timeout(wait, client.stream.readable()).await {
            answer.expect("readable");
            break client.answer(false).await;
        }
    };
    assert_eq!(answer.status, 408);
    assert!(
        answer
            .message()
            .ends_with("at least 1000 per second are expected (connection.body_rate_bytes_min)"),
        "{}",
        answer.message()
    );
    // One that is slow, but not too slow, is taken, however long it takes in all.
    let mut client = server.connect().await;
    client
        .send(write("bucket=b").header("Content-Length", "600000").bytes())
        .await;
    for _ in 0..20 {
        client.send("\n".repeat(30_000)).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    client.answer(false).await.is_written();
    assert!(!server.has_bucket("b").await);
    server.stop().await;
}

#[tokio::test]
async fn past_the_limit_connections_wait_their_turn() {
    let server = Server::with(|config| config.connection.connections_max = 2).await;
    let first = server.connect().await;
    let mut second = server.connect().await;
    assert_eq!(second.ask(&Request::get("/ping")).await.status, 204);
    let mut third = server.connect().await;
    third.send(Request::get("/ping").bytes()).await;
    let waits = timeout(Duration::from_millis(400), third.stream.readable()).await;
    assert!(waits.is_err(), "it is not served yet");
    drop(first);
    assert_eq!(third.answer(false).await.status, 204);
    drop((second, third));
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_can_be_read_by_a_client_that_goes_on_sending() {
    let server = Server::with(|config| config.limits.wire_bytes_max = 1000).await;
    for (request, status) in [
        (write("bucket=b").header("Content-Length", "3000000"), 413),
        (
            Request::post("/api/v2/write").header("Content-Length", "3000000"),
            401,
        ),
        (
            Request::post("/nowhere").header("Content-Length", "3000000"),
            404,
        ),
        (
            write("bucket=b")
                .header("Content-Encoding", "br")
                .header("Content-Length", "3000000"),
            415,
        ),
    ] {
        let mut client = server.connect().await;
        client.send(request.bytes()).await;
        // Within the mebibyte that is thrown away; then it asks what has become of it.
        for _ in 0..9 {
            client.send(vec![b'x'; 100_000]).await;
            tokio::task::yield_now().await;
        }
        let answer = client.answer(false).await;
        assert_eq!(
            (answer.status, answer.header("connection")),
            (status, Some("close"))
        );
        client.ends().await;
    }
    // The same in chunks, refused in the middle.
    let mut client = server.connect().await;
    let mut head = write("bucket=b")
        .header("Transfer-Encoding", "chunked")
        .bytes();
    head.truncate(head.len() - b"0\r\n\r\n".len());
    client.send(head).await;
    for _ in 0..5 {
        client
            .send(format!("186a0\r\n{}\r\n", "x".repeat(100_000)))
            .await;
    }
    assert_eq!(client.answer(false).await.status, 413);
    client.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn a_short_refused_body_does_not_cost_the_connection() {
    let server = Server::with(|config| config.limits.wire_bytes_max = 1000).await;
    let mut client = server.connect().await;
    for _ in 0..5 {
        let answer = client
            .ask(&write("bucket=b").body("x".repeat(500_000)))
            .await;
        assert_eq!((answer.status, answer.header("connection")), (413, None));
        client
            .ask(&write("bucket=b").body("m f=1 1"))
            .await
            .is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_leaves_nothing_behind() {
    let server = Server::start().await;
    for n in 0..50_usize {
        let bytes = write("bucket=b").body("m f=1 1\nm f=2 2\n").bytes();
        let mut client = server.connect().await;
        client.send(&bytes[..bytes.len() - 1 - n % 40]).await;
    }
    server.falls_below("tidegate_connections", 1.5).await;
    server.falls_below("tidegate_memory_used_bytes", 1.0).await;
    assert!(!server.has_bucket("b").await, "half a body is no body");
    server.stop().await;
}
