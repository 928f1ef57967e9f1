//! `/api/v1/lake`, and points on their way into the tables: whatever is flushed, a reader sees every
//! point, once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, until};

const LINES: &str = "room,floor=1 t=21.5 1767225600000000000\n\
                     room,floor=2 n=1i,t=20.0 1767225601000000000\n\
                     room,floor=1 t=22.0 1767312000000000000\n";

fn ask(method: &'static str, target: &str) -> Request {
    Request::new(method, format!("/api/v1/lake{target}")).token(TOKEN)
}

async fn status(server: &Server, query: &str) -> Vec<Value> {
    let answer = server.ask(ask("GET", query)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json();
    assert!(!list["location"].as_str().expect("a text").is_empty());
    list["tables"].as_array().expect("a list").clone()
}

/// The lines of an answer to work.
fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let lines = answer.text().lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Does work, and expects every table to have been done.
async fn work(server: &Server, target: &str) -> Vec<Value> {
    let mut lines = lines(&server.ask(ask("POST", target)).await);
    assert_eq!(lines.pop(), Some(json!({"done": true, "failed": 0})));
    let first = lines.remove(0);
    assert_eq!(first, json!({"tables": lines.len()}));
    lines
}

fn number(row: &Value, member: &str) -> u64 {
    row[member]
        .as_u64()
        .unwrap_or_else(|| panic!("{member} of {row}"))
}

/// The folder of the tables below a data folder.
fn tables_in(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("data/lake")
}

#[tokio::test]
async fn what_is_flushed_lies_in_the_table_and_is_still_exported() {
    let server = Server::start().await;
    server.write("bucket=b", LINES).await.is_written();
    let rows = status(&server, "").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (number(&rows[0], "files"), number(&rows[0], "buffered_rows")),
        (0, 3)
    );
    assert_eq!(rows[0]["version"], Value::Null);
    let flushed = "tidegate_flushes_total{reason=\"asked\"}";
    let before = server.metric(flushed).await;

    let done = work(&server, "/flush").await;
    assert_eq!(
        (&done[0]["bucket"], &done[0]["measurement"]),
        (&json!("b"), &json!("room"))
    );
    assert_eq!(number(&done[0], "files_added"), 2, "one a day");
    assert!(number(&done[0], "bytes_added") > 0);
    assert_eq!(server.metric(flushed).await, before + 1.0);
    let row = status(&server, "?bucket=b&measurement=room")
        .await
        .remove(0);
    for (member, expected) in [
        ("files", 2),
        ("days", 2),
        ("rows", 3),
        ("columns", 3),
        ("buffered_rows", 0),
    ] {
        assert_eq!(number(&row, member), expected, "{member} of {row}");
    }
    assert_eq!(row["folder"], "b/room");
    assert!(number(&row, "flushed_sequence") > 0);
    assert_eq!(server.export("b").await, LINES);

    // Newer than a file, a point in the buffer wins field by field; all of it comes once.
    let more = "room,floor=2 t=19.0 1767225601000000000\nroom t=1.0 1767225602000000000\n";
    server.write("bucket=b", more).await.is_written();
    let expected = "room t=1.0 1767225602000000000\n\
                    room,floor=1 t=21.5 1767225600000000000\n\
                    room,floor=2 n=1i,t=19.0 1767225601000000000\n\
                    room,floor=1 t=22.0 1767312000000000000\n";
    assert_eq!(server.export("b").await, expected);
    work(&server, "/flush?bucket=b").await;
    assert_eq!(server.export("b").await, expected);
    assert!(
        work(&server, "/flush").await.is_empty(),
        "nothing is left to flush"
    );

    let joined = work(&server, "/compact?measurement=room").await;
    assert_eq!(
        (
            number(&joined[0], "files_removed"),
            number(&joined[0], "files_added")
        ),
        (2, 1)
    );
    let row = status(&server, "").await.remove(0);
    assert_eq!((number(&row, "files"), number(&row, "rows")), (2, 4));
    assert_eq!(server.export("b").await, expected);
    work(&server, "/vacuum").await;
    assert_eq!(server.export("b").await, expected);
    server.stop().await;
}

#[tokio::test]
async fn names_that_nothing_has_are_told() {
    let server = Server::over(Folder::with_buckets(&["b", "empty"]), |_| ()).await;
    server.write("bucket=b", "room t=1 1").await.is_written();
    for (method, path) in [("GET", ""), ("POST", "/flush"), ("POST", "/compact")] {
        for (query, told) in [
            ("?bucket=none", "bucket \"none\" not found"),
            ("?measurement=rom", "measurement \"rom\" not found"),
            (
                "?bucket=empty&measurement=room",
                "measurement \"room\" not found",
            ),
        ] {
            let answer = server.ask(ask(method, &format!("{path}{query}"))).await;
            answer.is_error(404, "not found", told);
        }
    }
    assert!(status(&server, "?bucket=empty").await.is_empty());
    // By id too, as everywhere.
    assert_eq!(status(&server, "?bucket=0000000000000001").await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_bucket_takes_its_tables_along_and_they_do_not_come_back() {
    let server = Server::start().await;
    server.write("bucket=b", LINES).await.is_written();
    server.write("bucket=other", LINES).await.is_written();
    work(&server, "/flush").await;
    let delete = Request::new("DELETE", "/api/v1/buckets/b").token(TOKEN);
    server.ask(delete).await.is_written();
    let rows = status(&server, "").await;
    assert!(rows.iter().all(|row| row["bucket"] == "other"), "{rows:?}");
    server.write("bucket=b", "room t=5 5").await.is_written();
    assert_eq!(server.export("b").await, "room t=5.0 5\n");
    // It waits until the tables of the deleted bucket are gone; that was a failure (issue 9, B11).
    work(&server, "/flush?bucket=b").await;
    assert_eq!(server.export("b").await, "room t=5.0 5\n");
    let row = status(&server, "?bucket=b").await.remove(0);
    assert_eq!(
        (number(&row, "files"), number(&row, "rows")),
        (1, 1),
        "{row}"
    );
    assert_eq!(server.export("other").await, LINES);
    let folder = server.stop().await;
    let days = std::fs::read_dir(tables_in(&folder.0).join("b/room")).expect("a table");
    let days = days.filter(|entry| {
        let name = entry.as_ref().expect("readable").file_name();
        name.to_string_lossy().starts_with("day=")
    });
    assert_eq!(days.count(), 1, "of the old table nothing is left");
}

#[tokio::test]
async fn a_table_is_flushed_by_itself_once_it_is_old_enough() {
    let server = Server::with(|config| config.lake.flush_age = Duration::from_millis(100)).await;
    server.write("bucket=b", LINES).await.is_written();
    until("flushed", || async {
        let row = status(&server, "").await.remove(0);
        (number(&row, "files"), number(&row, "buffered_rows")) == (2, 0)
    })
    .await;
    assert!(
        server
            .metric("tidegate_flushes_total{reason=\"age\"}")
            .await
            >= 1.0
    );
    assert_eq!(server.export("b").await, LINES);
    server.stop().await;
}

#[tokio::test]
async fn after_a_restart_nothing_is_there_twice_and_nothing_is_missing() {
    let mut server = Server::start().await;
    let mut expected = String::new();
    for round in 1..=4 {
        let flushed = format!("m,t=a f={round}i {round}0\n");
        let buffered = format!("m,t=a f={round}i {round}5\n");
        server.write("bucket=b", &flushed).await.is_written();
        work(&server, "/flush").await;
        server.write("bucket=b", &buffered).await.is_written();
        expected += &(flushed + &buffered);
        assert_eq!(server.export("b").await, expected);
        let folder = server.stop().await;
        server = Server::over(folder, |_| ()).await;
        assert_eq!(server.export("b").await, expected, "round {round}");
    }
    work(&server, "/flush").await;
    let row = status(&server, "").await.remove(0);
    assert_eq!(
        (number(&row, "rows"), number(&row, "buffered_rows")),
        (8, 0),
        "{row}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_store_that_cannot_be_used_is_told_and_passes() {
    let server = Server::start().await;
    server.write("bucket=b", LINES).await.is_written();
    work(&server, "/flush").await;
    let tables = tables_in(&server.folder);
    let away = tables.with_extension("away");
    std::fs::rename(&tables, &away).expect("renamed");
    std::fs::write(&tables, "no folder").expect("written");
    for (method, path) in [("GET", ""), ("POST", "/compact")] {
        let answer = server.ask(ask(method, path)).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        let told = answer.message();
        let path = server.folder.path().display().to_string();
        assert!(
            told.starts_with("the tables cannot be used now: ")
                && told.contains("cannot list b: Not a directory")
                && !told.contains(&path),
            "{told}"
        );
    }
    std::fs::remove_file(&tables).expect("removed");
    std::fs::rename(&away, &tables).expect("renamed");
    assert_eq!(status(&server, "").await.len(), 1);
    server.stop().await;
}

/// A flipped bit was called a fault of ours, without the file (issue 9, B6).
#[tokio::test]
async fn an_export_of_a_damaged_file_names_it_and_says_what_to_do() {
    let server = Server::start().await;
    server.write("bucket=b", LINES).await.is_written();
    work(&server, "/flush").await;
    let day = tables_in(&server.folder).join("b/room/day=2026-01-02");
    let mut files = std::fs::read_dir(&day).expect("a day");
    let file = files.next().expect("a file").expect("readable").path();
    let whole = std::fs::read(&file).expect("readable");
    let mut flipped = whole.clone();
    let length = flipped.len();
    flipped[length - 7] ^= 4;
    std::fs::write(&file, flipped).expect("written");
    let name = file.file_name().expect("a name").to_string_lossy();
    let get = |target: &str| Request::get(target).token(TOKEN);
    let answer = server
        .ask(get("/api/v1/export?bucket=b&start=2026-01-02T00:00:00Z"))
        .await;
    assert_eq!(answer.status, 500);
    let told = answer.message();
    for part in [
        "b/room",
        &*name,
        "is damaged",
        "other days",
        "from a backup",
    ] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    let path = server.folder.path().display().to_string();
    assert!(!told.contains(&path), "{told}");
    let whole_day = server
        .ask(get("/api/v1/export?bucket=b&end=2026-01-02T00:00:00Z"))
        .await;
    assert_eq!(
        (whole_day.status, whole_day.text().lines().count()),
        (200, 2)
    );
    std::fs::write(&file, whole).expect("written");
    assert_eq!(server.export("b").await, LINES);
    server.stop().await;
}

#[tokio::test]
async fn who_hangs_up_stops_the_work_after_the_table_at_hand() {
    let server = Server::start().await;
    let batch: String = (0..300).map(|n| format!("m{n} f=1 1\n")).collect();
    server.write("bucket=b", batch).await.is_written();
    let mut client = server.connect().await;
    client.send(ask("POST", "/flush").bytes()).await;
    // The head has come, so the work has begun.
    client.exactly(300).await;
    drop(client);
    let flushed = || async {
        let rows = status(&server, "").await;
        rows.iter().filter(|row| number(row, "files") > 0).count()
    };
    until("the work has ended", || async {
        let before = flushed().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        flushed().await == before
    })
    .await;
    assert!(flushed().await < 300);
    assert_eq!(server.export("b").await.lines().count(), 300);
    server.stop().await;
}

/// The most bytes of the log in the test below.
const LOG_BYTES_MAX: u64 = 1 << 19;

async fn write_fine(server: &Server, fine: &AtomicU64) {
    let n = fine.fetch_add(1, Ordering::Relaxed);
    let line = format!("fine s=\"{}\" {n}\n", "x".repeat(20_000));
    server.write("bucket=b", &line).await.is_written();
}

/// Ten times what the log may have. It continues: a few hundred bytes of it are the sick table's.
async fn write_much(server: &Server, fine: &AtomicU64) {
    for _ in 0..26 {
        until("the log is shorter than half of its limit", || async {
            log_bytes(server) < LOG_BYTES_MAX / 2
        })
        .await;
        for _ in 0..10 {
            write_fine(server, fine).await;
        }
    }
}

/// One table whose protocol another program had raised pinned the log until everybody got 503.
#[tokio::test]
async fn a_table_that_cannot_be_flushed_stops_its_own_writers_only() {
    let small = |config: &mut tidegate::config::Config| {
        config.wal.segment_bytes_max = 1 << 16;
        config.wal.log_bytes_max = LOG_BYTES_MAX;
        config.lake.flush_age = Duration::from_millis(100);
    };
    let server = Server::with(small).await;
    server.write("bucket=b", "sick f=0i 0\n").await.is_written();
    work(&server, "/flush").await;
    let log = tables_in(&server.folder).join("b/sick/_delta_log");
    let raised = log.join("00000000000000000001.json");
    let protocol = r#"{"protocol":{"minReaderVersion":2,"minWriterVersion":5}}"#;
    std::fs::write(&raised, protocol).expect("written");

    let (sick, fine) = (AtomicU64::new(1), AtomicU64::new(0));
    server.write("bucket=b", "sick f=7i 1\n").await.is_written();
    server.write("bucket=b", "sick f=1i 1\n").await.is_written();
    for _ in 0..15 {
        write_fine(&server, &fine).await;
    }
    until("refused", || async {
        let n = sick.load(Ordering::Relaxed) + 1;
        let answer = server
            .write("bucket=b", &format!("sick f={n}i {n}\n"))
            .await;
        if answer.status == 204 {
            sick.store(n, Ordering::Relaxed);
            return false;
        }
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(
            answer
                .message()
                .starts_with("table \"sick\" of bucket \"b\" cannot be flushed")
        );
        true
    })
    .await;
    write_much(&server, &fine).await;
    let again = server.metric("tidegate_wal_again_bytes_total").await;
    assert!(again > 0.0, "logged again");
    let folder = server.stop().await;
    let server = Server::over(folder, small).await;
    // The table cannot be read before the cause is gone; the others are not affected.
    until("the others are written to again", || async {
        let answer = server.write("bucket=b", "other f=1 1\n").await;
        answer.status == 204
    })
    .await;
    write_much(&server, &fine).await;
    let folder = server.stop().await;
    std::fs::remove_file(raised).expect("removed");
    let server = Server::over(folder, small).await;
    until("all is flushed", || async {
        let rows = status(&server, "").await;
        rows.iter().all(|row| number(row, "buffered_rows") == 0)
    })
    .await;
    let all = server.export("b").await;
    let of_sick = all.lines().filter(|line| line.starts_with("sick"));
    let mut of_sick: Vec<String> = of_sick.map(str::to_owned).collect();
    let rows = status(&server, "").await;
    let row = rows.iter().find(|row| row["measurement"] == "sick");
    let stored = number(row.expect("there"), "rows");
    assert_eq!(stored, of_sick.len() as u64, "flushed once");
    let mut expected: Vec<String> = (0..=sick.load(Ordering::Relaxed))
        .map(|n| format!("sick f={n}i {n}"))
        .collect();
    expected.sort();
    of_sick.sort();
    assert_eq!(of_sick, expected, "the newest values");
    let of_fine = all.lines().filter(|line| line.starts_with("fine"));
    assert_eq!(of_fine.count() as u64, fine.load(Ordering::Relaxed));
    until("it is written to again, the log has shrunk", || async {
        let answer = server.write("bucket=b", "sick f=9i 99999\n").await;
        answer.status == 204
    })
    .await;
    server.stop().await;
}

/// Bytes of the log's files.
fn log_bytes(server: &Server) -> u64 {
    let segments = std::fs::read_dir(server.folder.path().join("data/wal")).expect("there");
    // One that is listed may be gone by now.
    let lengths = segments.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    lengths.sum()
}
