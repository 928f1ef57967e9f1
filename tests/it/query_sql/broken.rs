//! Answers that fail once they have begun.

use std::time::{Duration, Instant};

use super::{LINES, error, question, server};
use crate::server::Server;

/// It fails at a row that comes long after the first ones.
fn failing(at: u64) -> String {
    format!("SELECT 1 / ({at} - value) AS n FROM generate_series(1, 100000)")
}

#[tokio::test]
async fn a_failure_before_the_first_rows_decides_the_status() {
    let server = server().await;
    // Parts of a question run side by side: every row fails, whichever comes first.
    let failing = "SELECT 1 / (value / 1000000) AS n FROM generate_series(1, 100000)";
    for format in ["json", "jsonl", "csv", "pretty", "parquet"] {
        let answer = server.ask(question(failing, format)).await;
        assert!(error(&answer, 400).contains("division by zero"), "{format}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_failure_after_the_first_rows_breaks_the_connection() {
    let server = server().await;
    for format in ["json", "jsonl", "csv"] {
        let mut client = server.connect().await;
        client
            .send(question(&failing(90_000), format).bytes())
            .await;
        let bytes = client.rest().await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("HTTP/1.1 200"), "{format}");
        assert!(text.len() > 10_000, "{format}: {}", text.len());
        let end = &text[text.len() - 20..];
        assert!(
            !end.ends_with("0\r\n\r\n"),
            "{format}: a clean end: {end:?}"
        );
        assert!(!end.contains(']'), "{format}: {end:?}");
    }
    server.stop().await;
}

/// The time in which a client that left is noticed, on a machine that is busy with other tests.
const NOTICED: Duration = Duration::from_secs(10);

/// With one place for questions, the second is answered once the first has ended. The time for which
/// it waits is much shorter than the first one's.
#[tokio::test]
async fn a_client_that_goes_away_ends_its_question() {
    let server = Server::with(|config| {
        config.query.concurrent_max = 1;
        config.query.wait_timeout = Duration::from_millis(100);
    });
    let server = server.await;
    server.write("bucket=plant", LINES).await.is_written();
    let endless = "SELECT value AS n FROM generate_series(1, 1000000000000)";
    for text in [endless.to_owned(), format!("{endless} WHERE value < 0")] {
        let mut client = server.connect().await;
        client.send(question(&text, "csv").bytes()).await;
        if text == endless {
            client.exactly(100_000).await;
        }
        let one = || question("SELECT 1 AS n", "csv");
        let begun = Instant::now();
        while server.ask(one()).await.status != 503 {
            assert!(begun.elapsed() < NOTICED, "the question does not begin");
        }
        let told = error(&server.ask(one()).await, 503);
        assert!(told.contains("query.concurrent_max"), "{told}");
        drop(client);
        let begun = Instant::now();
        while server.ask(one()).await.status != 200 {
            assert!(begun.elapsed() < NOTICED, "{text}: it goes on");
        }
    }
    server.stop().await;
}
