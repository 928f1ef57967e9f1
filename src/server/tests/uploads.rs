//! Uploads that take their time, beside clients that do not.

use std::time::Duration;

use bytes::Bytes;
use h2::client::handshake;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::{PATIENCE, Running, TOKEN, body_of, rest, start};
use crate::clock;
use crate::config::Config;

const MB: usize = 1_000_000;

/// A budget of this size, most of which requests may take; nobody is cut off for being idle.
fn patient(budget_bytes: u64) -> impl Fn(&mut Config) {
    move |config| {
        config.memory.budget_bytes = budget_bytes;
        config.memory.bucket_percent = 100;
        config.connection.body_idle_timeout = Duration::from_secs(120);
        config.connection.body_rate_bytes_min = 0;
    }
}

/// A write that announces one length and sends another.
pub(super) async fn upload(server: &Running, announced: usize, sent: usize) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!(
        "POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {TOKEN}\r\nConnection: close\r\nContent-Length: {announced}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&vec![b'\n'; sent]).await.expect("sent");
    stream
}

async fn used_bytes(server: &Running) -> usize {
    let metrics = server.ask("GET /metrics HTTP/1.0\r\n\r\n").await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("tidegate_memory_used_bytes "));
    let value: f64 = line.expect("a metric").parse().expect("a number");
    format!("{value:.0}").parse().expect("whole")
}

/// Waits until the server holds this much memory.
pub(super) async fn holds(server: &Running, bytes: usize) {
    let started = clock::instant();
    while used_bytes(server).await < bytes {
        assert!(started.elapsed() < PATIENCE, "it never holds {bytes} bytes");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn health(server: &Running) -> String {
    server.ask("GET /health HTTP/1.0\r\n\r\n").await
}

/// From a bug: they held all that they announced, 45 MB with 1.2 kB per second.
#[tokio::test]
async fn uploads_that_hardly_send_hold_hardly_any_memory() {
    let server = start(patient(64_000_000)).await;
    let mut idle = Vec::new();
    for number in 1..=5 {
        idle.push(upload(&server, 45 * MB, 1200).await);
        holds(&server, number * 1200).await;
    }
    let used = used_bytes(&server).await;
    assert!(used < MB, "{used} bytes are held");
    assert!(health(&server).await.starts_with("HTTP/1.0 200 "));
    for bytes in [10, 100_000, 30 * MB] {
        let answer = server.write("bucket=b", "", &vec![b'\n'; bytes]).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{bytes}: {answer}");
    }
    drop(idle);
    server.stop().await;
}

/// From a bug: it held what it had sent for as long as it liked, and others got 503.
#[tokio::test]
async fn an_upload_that_stands_still_yields_to_one_that_runs() {
    let server = start(patient(4_000_000)).await;
    let mut stuck = upload(&server, 2 * MB, 2 * MB - 100_000).await;
    holds(&server, 2 * MB - 100_000).await;
    assert!(health(&server).await.starts_with("HTTP/1.0 200 "));
    let running = async {
        loop {
            let answer = server.write("bucket=b", "", &vec![b'\n'; 2_200_000]).await;
            if answer.starts_with("HTTP/1.1 204 ") {
                return;
            }
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, running).await.expect("it yields");
    let answer = rest(&mut stuck).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("retry-after: 1"), "{answer}");
    assert!(body_of(&answer).contains("arrived more slowly"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_single_upload_may_hold_nearly_all_and_the_server_is_healthy() {
    let server = start(patient(10_000_000)).await;
    let held = upload(&server, 8_300_000, 8_200_000).await;
    holds(&server, 8_200_000).await;
    let answer = health(&server).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    drop(held);
    server.stop().await;
}

/// From a bug: 64 KiB were taken per stream, so 1,000 streams with one byte each filled the budget,
/// and nobody yielded.
#[tokio::test]
async fn many_streams_of_one_byte_each_leave_the_server_healthy() {
    let server = start(patient(20_000_000)).await;
    let mut open = Vec::new();
    for _ in 0..16 {
        let (send, connection) = handshake(server.connect().await).await.expect("a preface");
        open.push((Vec::new(), tokio::spawn(connection)));
        let mut send = send.ready().await.expect("open");
        for _ in 0..60 {
            send = send.ready().await.expect("open");
            let request = http::Request::post("http://localhost/api/v2/write?bucket=b")
                .header("authorization", format!("Token {TOKEN}"))
                .body(())
                .expect("a request");
            let (answer, mut body) = send.send_request(request, false).expect("sent");
            body.send_data(Bytes::from_static(b"\n"), false)
                .expect("sent");
            let (streams, _) = open.last_mut().expect("one");
            streams.push((answer, body));
        }
    }
    holds(&server, 16 * 60 * 4096).await;
    let answer = health(&server).await;
    assert!(answer.starts_with("HTTP/1.0 200 "), "{answer}");
    let answer = server.write("bucket=b", "", b"m f=1 1").await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let used = used_bytes(&server).await;
    // At most all that requests may have: those that send nothing yield.
    assert!(used <= 17 * MB, "{used}");
    drop(open);
    server.stop().await;
}
