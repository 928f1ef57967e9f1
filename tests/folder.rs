//! Data folders as programs of the past left them, and folders of which a part was lost: opened by
//! the program of today, as an operator would.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

#[path = "program/mod.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{Program, serve};

const OPERATOR: &str = "fixture-only-operator-token-0123456789";

const BUCKETS: [&str; 3] = ["again", "first", "two words"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target),
            false => {
                fs::copy(&path, &target).expect("copied");
            }
        }
    }
}

/// A copy of a fixture's data folder.
fn data(name: &str) -> (tempfile::TempDir, String) {
    let scratch = tempfile::tempdir().expect("a folder");
    let data = scratch.path().join("data");
    copy(&fixture(name).join("data"), &data);
    let data = data.to_str().expect("plain").to_owned();
    (scratch, data)
}

fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn expected(name: &str, bucket: &str) -> Vec<String> {
    let path = fixture(name).join("expected").join(format!("{bucket}.lp"));
    lines(&fs::read_to_string(path).expect("readable"))
}

fn at(path: &str, bucket: &str) -> String {
    format!("{path}?bucket={}", bucket.replace(' ', "%20"))
}

fn export(server: &Program, bucket: &str) -> (u16, Vec<String>) {
    let (status, body) = server.ask_as(OPERATOR, "GET", &at("/api/v1/export", bucket), "");
    (status, lines(&body))
}

fn holds_all(server: &Program, name: &str, more: &[String]) {
    for bucket in BUCKETS {
        let mut wanted = expected(name, bucket);
        wanted.extend_from_slice(more);
        wanted.sort_unstable();
        assert_eq!(export(server, bucket), (200, wanted), "{bucket}");
    }
}

#[test]
fn what_a_program_of_the_past_made_durable_is_read_written_on_and_kept() {
    let (_scratch, data) = data("format-1");
    let server = Program::start_ready(serve(&data));
    holds_all(&server, "format-1", &[]);
    let reader = fixture("format-1").join("expected/reader.token");
    let reader = fs::read_to_string(reader).expect("readable");
    let read = |bucket| {
        let target = at("/api/v1/export", bucket);
        server.ask_as(reader.trim_end(), "GET", &target, "").0
    };
    assert_eq!(read("first"), 200);
    assert_ne!(
        read("two words"),
        200,
        "the permissions are those of before"
    );

    // Work goes on there: in the log, in the tables, and after restarts.
    let more = ["new,t=a v=1i 1800000000000000000".to_owned()];
    for bucket in BUCKETS {
        let (status, body) = server.ask_as(
            OPERATOR,
            "POST",
            &at("/api/v2/write", bucket),
            more[0].as_str(),
        );
        assert_eq!(status, 204, "{body}");
    }
    holds_all(&server, "format-1", &more);
    server.kill();
    let server = Program::start_ready(serve(&data));
    holds_all(&server, "format-1", &more);
    let (status, body) = server.ask_as(OPERATOR, "POST", "/api/v1/lake/flush", "");
    assert_eq!(status, 200, "{body}");
    holds_all(&server, "format-1", &more);
    server.stop();
    let server = Program::start_ready(serve(&data));
    holds_all(&server, "format-1", &more);
}
