//! Answers that fail once they have begun.

use super::{error, question, server};

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
