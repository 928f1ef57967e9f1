//! Contract sections 1.2 and 6: memory that is short, and what can never fit.

use std::time::{Duration, Instant};

use tidegate::config::Config;

use crate::client::{Client, PATIENCE, Request};
use crate::server::{Server, until, write};

const MB: u64 = 1_000_000;

/// A budget of this many bytes, nine tenths of which requests may take.
fn budget(bytes: u64) -> impl Fn(&mut Config) {
    move |config| {
        config.memory.budget_bytes = bytes;
        config.memory.hard_percent = 90;
        config.memory.bucket_percent = 100;
        config.memory.wait_max = Duration::from_millis(300);
        // Who holds memory does so for as long as the test wants.
        config.connection.body_idle_timeout = 2 * PATIENCE;
        config.connection.body_rate_bytes_min = 0;
    }
}

/// A write of this length of which all but the last byte is sent: it holds memory.
async fn holding(server: &Server, bytes: u64) -> Client {
    let mut client = server.connect().await;
    let request = write("bucket=b").header("Content-Length", &bytes.to_string());
    client.send(request.bytes()).await;
    let sent = usize::try_from(bytes - 1).expect("small");
    client.send("\n".repeat(sent)).await;
    until("it holds its memory", || async {
        server.metric("tidegate_memory_used_bytes").await >= bytes as f64
    })
    .await;
    client
}

#[tokio::test]
async fn a_request_waits_a_while_for_memory_and_is_then_told_to_come_back() {
    let server = Server::with(budget(10 * MB)).await;
    let held = holding(&server, 8 * MB).await;
    let started = Instant::now();
    let mut second = server.connect().await;
    let head = write("bucket=b")
        .header("Expect", "100-continue")
        .header("Content-Length", "2000000");
    second.send(head.bytes()).await;
    // Not a byte was asked for: the first thing that comes is the refusal.
    let first = second.exactly(12).await;
    assert_eq!(first, b"HTTP/1.1 503");
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    // A small one fits, and probes answer.
    server.write("bucket=b", "m f=1 1").await.is_written();
    assert_eq!(server.ask(Request::get("/health")).await.status, 200);
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn memory_that_comes_free_in_time_is_taken() {
    let server = Server::with(|config| {
        budget(10 * MB)(config);
        config.memory.wait_max = PATIENCE;
    })
    .await;
    let held = holding(&server, 8 * MB).await;
    let body = "\n".repeat(2_000_000);
    let second = server.write("bucket=b", body);
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(held);
    };
    let (answer, ()) = tokio::join!(second, release);
    answer.is_written();
    server.stop().await;
}

#[tokio::test]
async fn an_overload_is_told_with_when_to_come_back() {
    let server = Server::with(budget(10 * MB)).await;
    let held = holding(&server, 8 * MB).await;
    for request in [
        write("bucket=b").body("\n".repeat(2_000_000)),
        write("bucket=b")
            .header("Transfer-Encoding", "chunked")
            .body("\n".repeat(1_200_000)),
    ] {
        let answer = server.ask(request).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("1"))
        );
        assert!(
            answer.message().contains("memory.budget_bytes"),
            "{}",
            answer.message()
        );
    }
    drop(held);
    let used_bytes = "tidegate_memory_used_bytes";
    server.falls_below(used_bytes, 1000.0).await;
    let answer = server.write("bucket=b", "\n".repeat(2_000_000)).await;
    answer.is_written();
    server.stop().await;
}

/// Otherwise a monitor would restart a server that is only busy.
#[tokio::test]
async fn health_passes_while_requests_in_flight_hold_the_memory() {
    let server = Server::with(budget(10 * MB)).await;
    let held = holding(&server, 8 * MB + 400_000).await;
    for path in ["/health", "/api/v2/health", "/ready"] {
        assert_eq!(server.ask(Request::get(path)).await.status, 200, "{path}");
    }
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn what_never_fits_is_too_large_and_not_an_overload() {
    let server = Server::with(budget(2 * MB)).await;
    let mut client = server.connect().await;
    client
        .send(
            write("bucket=b")
                .header("Content-Length", "1800001")
                .bytes(),
        )
        .await;
    let answer = client.answer(false).await;
    answer.is(413, r#"{"code":"request too large","message":"unable to read data: points batch is too large","maxLength":1800000}"#);
    server.stop().await;
}

/// The load of an idle server is none: whatever it refuses there it would refuse for ever, and a
/// 503 makes clients try for ever.
#[tokio::test]
async fn an_idle_server_never_says_that_it_is_overloaded() {
    for (shape, body) in [
        (
            "new series",
            (0..60_000)
                .map(|n| format!("m,host=h{n} f={n} {n}\n"))
                .collect::<String>(),
        ),
        (
            "one series",
            (0..90_000).map(|n| format!("m f={n} {n}\n")).collect(),
        ),
        (
            "strings",
            (0..2000)
                .map(|n| format!("m s=\"{}\" {n}\n", "x".repeat(800)))
                .collect(),
        ),
    ] {
        for query in ["bucket=b", "bucket=b&accept_partial=false"] {
            for share in [1, 2, 3, 5, 8] {
                let end = body[..body.len() * share / 8]
                    .rfind('\n')
                    .map_or(0, |at| at + 1);
                let server = Server::with(budget(4 * MB)).await;
                let answer = server.write(query, &body[..end]).await;
                let told = format!("{shape}, {query}, {end} bytes: {}", answer.text());
                assert!(matches!(answer.status, 204 | 413), "{told}");
                server.stop().await;
            }
        }
    }
}

#[tokio::test]
async fn one_bucket_takes_its_share_and_the_others_go_on() {
    let server = Server::with(|config| {
        budget(20 * MB)(config);
        config.memory.bucket_percent = 10;
    })
    .await;
    let mut refused = None;
    for batch in 0..200 {
        let lines: String = (0..500)
            .map(|n| format!("m,host=h{n} f={n} {batch}\n"))
            .collect();
        let answer = server.write("bucket=greedy", &lines).await;
        if answer.status != 204 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the share is not without end");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    let message = refused.message();
    assert!(
        message.starts_with("bucket \"greedy\" holds ")
            && message.ends_with(" bytes of memory, its share is 2000000 (memory.bucket_percent)"),
        "{message}"
    );
    server.write("bucket=modest", "m f=1 1").await.is_written();
    assert_eq!(
        server.ask(Request::get("/health")).await.status,
        200,
        "others may write"
    );
    server.stop().await;
}

#[tokio::test]
async fn writers_are_slowed_before_they_are_refused() {
    let server = Server::with(|config| {
        budget(10 * MB)(config);
        config.memory.soft_percent = 1;
    })
    .await;
    server.write("bucket=b", "m f=1 1").await.is_written();
    let held = holding(&server, 7 * MB).await;
    let started = Instant::now();
    server.write("bucket=b", "m f=2 2").await.is_written();
    let waited = started.elapsed();
    assert!(waited >= Duration::from_millis(100), "{waited:?}");
    drop(held);
    server.stop().await;
}
