use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::{Running, TOKEN, head, rest};
use super::uploads::holds;
use super::{body_of, start};

fn write_head(more: &str) -> String {
    format!(
        "POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: a\r\nAuthorization: Token {TOKEN}\r\n{more}\r\n"
    )
}

/// A write that lacks the last three bytes of its body, once the server has read the others.
async fn half_written(server: &Running) -> TcpStream {
    let comment = format!("#{}\n", "x".repeat(998));
    let mut stream = server.connect().await;
    let request = write_head("Content-Length: 1005\r\n") + &comment + "m ";
    stream.write_all(request.as_bytes()).await.expect("sent");
    holds(server, 1000).await;
    stream
}

#[tokio::test]
async fn a_refusal_can_be_read_by_who_is_still_sending() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let mut stream = server.connect().await;
    stream
        .write_all(write_head("Content-Length: 900000\r\n").as_bytes())
        .await
        .expect("sent");
    for _ in 0..9 {
        stream
            .write_all(&[b'x'; 100_000])
            .await
            .expect("taken, to be thrown away");
    }
    // Short enough to be discarded: the connection lives.
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(!answer.contains("connection: close"), "{answer}");
    let mut stream = server.connect().await;
    stream
        .write_all(write_head("Content-Length: 9000000\r\n").as_bytes())
        .await
        .expect("sent");
    for _ in 0..10 {
        stream
            .write_all(&[b'x'; 100_000])
            .await
            .expect("taken, to be thrown away");
    }
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    server.stop().await;
}

/// From a bug: Go, Node and httpx read only once they have sent everything, and they reported a
/// broken pipe.
#[tokio::test]
async fn a_refusal_can_be_read_after_sending_twenty_megabytes() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let refused = [
        (write_head("Content-Length: 20000000\r\n"), "413"),
        (
            write_head("Content-Length: 20000000\r\n").replace("Token ", "Token x"),
            "401",
        ),
    ];
    for (head, status) in refused {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.expect("sent");
        for _ in 0..200 {
            let sent = stream.write_all(&[b'x'; 100_000]).await;
            sent.expect("taken, to be thrown away");
        }
        let sent = tokio::time::Instant::now();
        let answer = rest(&mut stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
        assert!(answer.contains("connection: close"), "{answer}");
        // It does not wait for two quiet seconds: the length says when everything has arrived.
        assert!(
            sent.elapsed() < Duration::from_secs(2),
            "{:?}",
            sent.elapsed()
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_refused_body() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let mut stream = server.connect().await;
    let request = write_head("Content-Length: 9000000\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_short_refused_body_does_not_cost_the_connection() {
    let server = start(|_| ()).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let request = "POST /api/v2/write HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("sent");
        stream.write_all(&[b'x'; 100_000]).await.expect("sent");
        let answer = head(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        let mut told = vec![0; r#"{"code":"unauthorized","message":"unauthorized access"}"#.len()];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut told)
            .await
            .expect("the body");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_is_not_asked_for_and_a_wanted_one_is() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let mut stream = server.connect().await;
    let refused = write_head("Expect: 100-continue\r\nContent-Length: 2000\r\n");
    stream.write_all(refused.as_bytes()).await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let mut stream = server.connect().await;
    let wanted = write_head("Expect: 100-continue\r\nConnection: close\r\nContent-Length: 5\r\n");
    stream.write_all(wanted.as_bytes()).await.expect("sent");
    assert_eq!(head(&mut stream).await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"m f=1").await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_cut() {
    let server =
        start(|config| config.connection.body_idle_timeout = Duration::from_millis(200)).await;
    let mut stream = server.connect().await;
    stream
        .write_all(write_head("Content-Length: 9\r\n").as_bytes())
        .await
        .expect("sent");
    stream.write_all(b"m f").await.expect("sent");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        body_of(&answer).contains("no byte of the body arrived for 200 ms"),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn broken_chunks_are_the_client_s_fault() {
    let server = start(|_| ()).await;
    let request = write_head("Transfer-Encoding: chunked\r\n") + "5\nm f=1";
    let answer = server.ask(request).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        body_of(&answer).contains("not framed as its headers say"),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn silent_and_idle_connections_are_closed() {
    let server = start(|config| {
        config.connection.head_timeout = Duration::from_millis(100);
        config.connection.keep_alive_timeout = Duration::from_millis(300);
    })
    .await;
    assert_eq!(server.ask("").await, "");
    assert_eq!(server.ask("GET /ping HTT").await, "");
    let answer = server.ask("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_has_nothing_more_to_say_still_gets_its_answer() {
    let server = start(|_| ()).await;
    let mut stream = server.connect().await;
    let request = write_head("Content-Length: 5\r\n") + "m f=1";
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("half-closed");
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_answers_what_is_in_flight() {
    let server = start(|_| ()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .expect("sent");
    head(&mut idle).await;
    let mut busy = half_written(&server).await;
    server.shutdown.cancel();
    assert_eq!(
        rest(&mut idle).await,
        "",
        "an idle connection is closed at once"
    );
    busy.write_all(b"f=1").await.expect("still taken");
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let address = server.address;
    server.stop().await;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_stop_refuses_what_takes_longer_than_the_grace() {
    let server = start(|config| config.server.shutdown_grace = Duration::from_millis(300)).await;
    let mut busy = half_written(&server).await;
    server.shutdown.cancel();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    server.stop().await;
}
