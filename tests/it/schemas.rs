//! Contract section 6: a bucket whose names fill the memory that they may take is refused by name, and
//! nobody else is, before a restart and after one.

use std::time::Duration;

use tidegate::config::Config;

use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

const MB: u64 = 1_000_000;

/// Names take at most a quarter of this.
fn small(config: &mut Config) {
    config.memory.budget_bytes = 16 * MB;
    config.memory.wait_max = Duration::from_millis(300);
}

/// Two tables with a thousand columns each that no other has.
fn wide(round: u32) -> String {
    let table = |table: u32| {
        let fields: Vec<String> = (0..1000)
            .map(|n| format!("f{round:02}_{table}_{n:03}=1"))
            .collect();
        format!("table{round}_{table} {} 1\n", fields.join(","))
    };
    table(0) + &table(1)
}

/// Returns true if a bucket was refused for what it holds now, and may come back.
fn is_full(answer: &Answer) -> bool {
    let is_full = answer.status == 503;
    if is_full {
        let message = answer.message();
        assert!(message.contains("memory"), "{message}");
        assert!(answer.header("retry-after").is_some());
    }
    is_full
}

/// A write of the bucket that grows, sent again until there is memory for its rows.
async fn write(server: &Server, lines: &str) -> Answer {
    for _ in 0..1500 {
        let answer = server.write("bucket=grows", lines).await;
        let other = server.write("bucket=other", "m v=1 1").await;
        other.is_written();
        if !is_full(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("refused for ever");
}

/// Issue 8, C4: 9 MB of text with 860 tables of 1,000 columns had every bucket answered with 503,
/// after a restart too. The same, smaller.
#[tokio::test]
async fn names_of_one_bucket_leave_room_for_the_others_before_and_after_a_restart() {
    let server = Server::with(small).await;
    server.write("bucket=other", "m v=1 1").await.is_written();
    let mut refused = None;
    for round in 0..60 {
        let answer = write(&server, &wide(round)).await;
        if answer.status != 204 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("60 times 2,000 names of 100 bytes do not fit");
    let is_limit = |answer: &Answer| {
        assert_eq!(answer.status, 400, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains("(limits.schema_bytes_max)"), "{text}");
    };
    is_limit(&refused);
    let mut server = server;
    for restarts in 0..2 {
        // What has its names already is written, here and elsewhere, and so are new names elsewhere.
        let known = write(&server, "table0_0 f00_0_000=2 2").await;
        known.is_written();
        is_limit(&write(&server, &wide(60)).await);
        let lines = format!("m v=2 2\nnew{restarts} v=1 1\n");
        server.write("bucket=other", lines).await.is_written();
        let flush = Request::post("/api/v1/lake/flush").token(TOKEN);
        assert_eq!(server.ask(flush).await.status, 200);
        // The rows are gone, the names are counted.
        let used = server.metric("tidegate_memory_used_bytes").await;
        assert!((3.0e6..6.0e6).contains(&used), "{used} bytes");
        let folder = server.stop().await;
        server = Server::over(folder, small).await;
    }
    server.stop().await;
}
