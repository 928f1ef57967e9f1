//! Data folders as programs of the past left them, and folders of which a part was lost: opened by
//! the program of today, as an operator would.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Program, serve, tidegate};

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

    // Work continues there: in the log, in the tables, and after restarts.
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

/// The fixture in today's format, after a start and a stop.
fn of_today() -> (tempfile::TempDir, String) {
    let (scratch, data) = data("format-1");
    Program::start_ready(serve(&data)).stop();
    (scratch, data)
}

/// All files and folders below, as relative paths.
fn everything(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).expect("readable") {
            let path = entry.expect("readable").path();
            let name = path.strip_prefix(folder).expect("below").to_owned();
            found.push(name.to_str().expect("plain").to_owned());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn remove(path: &Path) {
    match path.is_dir() {
        true => fs::remove_dir_all(path).expect("removed"),
        false => fs::remove_file(path).expect("removed"),
    }
}

/// The outcome of a start with a part missing.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    Refused(String),
    WithEverything,
    /// A request for lost data is answered with an error.
    ToldLater,
}

/// Starts on a folder. It must not take lost parts for parts that never existed.
fn start(data: &str, lost: &str) -> Start {
    let mut command = serve(data);
    command.stderr(std::process::Stdio::piped());
    let Some(server) = Program::start_or_end(command) else {
        let Output { status, stderr, .. } =
            run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
        let text = String::from_utf8(stderr).expect("text");
        assert_eq!(status.code(), Some(1), "{lost}: {text}");
        let line = text.lines().find(|line| line.starts_with("tidegate: "));
        return Start::Refused(line.expect("a reason").to_owned());
    };
    let mut answer = Start::WithEverything;
    for bucket in BUCKETS {
        match export(&server, bucket) {
            (200, found) if found == expected("format-1", bucket) => {}
            (200, found) => {
                // Cut off before its end, or silently less?
                let (_, body) = server.ask_as(OPERATOR, "GET", &at("/api/v1/export", bucket), "");
                panic!("{lost}: {bucket} has only {found:?}; {body}");
            }
            (_, _) => answer = Start::ToldLater,
        }
    }
    answer
}

fn run(arguments: &[&str]) -> Output {
    tidegate(arguments).output().expect("runs")
}

/// The parts without which a server starts with everything: it makes them anew, and nothing of theirs
/// outlasts it.
const NEEDLESS: [&str; 3] = ["lock", "queries", "reserve"];

/// From a bug: without `catalog.json` a start made a new operator token and replayed the log into no
/// bucket; without the last segment 1,200 points were gone; without `lake` nine of twelve.
#[test]
fn each_file_and_folder_that_is_lost_is_told_by_name_or_is_not_needed() {
    let (_scratch, data) = of_today();
    let mut told = BTreeSet::new();
    for lost in everything(Path::new(&data)) {
        // Of the tables, their own logs and files: those are told by the tables themselves.
        if lost.starts_with("lake/") {
            continue;
        }
        let scratch = tempfile::tempdir().expect("a folder");
        let copied = scratch.path().join("data");
        copy(Path::new(&data), &copied);
        remove(&copied.join(&lost));
        let before = everything(&copied);
        match start(copied.to_str().expect("plain"), &lost) {
            Start::Refused(reason) => {
                assert!(reason.contains(&lost), "{lost}: {reason}");
                let after = everything(&copied);
                let made = after.iter().filter(|name| !before.contains(name));
                let made: Vec<_> = made.filter(|name| *name != "lock").collect();
                assert!(made.is_empty(), "{lost}: {made:?}");
                told.insert(lost);
            }
            Start::WithEverything => {
                assert!(NEEDLESS.contains(&lost.as_str()), "{lost}")
            }
            Start::ToldLater => panic!("{lost}: starts, but not with everything"),
        }
    }
    for part in [
        "catalog.json",
        "flushes.json",
        "format",
        "lake",
        "schemas.json",
        "wal",
    ] {
        assert!(told.contains(part), "{part}: {told:?}");
    }
}

#[test]
fn each_pair_of_parts_that_is_lost_is_told() {
    let (_scratch, data) = of_today();
    let parts = everything(Path::new(&data)).into_iter();
    let parts: Vec<String> = parts.filter(|name| !name.starts_with("lake/")).collect();
    for (at, first) in parts.iter().enumerate() {
        for second in &parts[at + 1..] {
            let needless = |name: &String| NEEDLESS.contains(&name.as_str());
            if second.starts_with(&format!("{first}/")) || (needless(first) && needless(second)) {
                continue;
            }
            let scratch = tempfile::tempdir().expect("a folder");
            let copied = scratch.path().join("data");
            copy(Path::new(&data), &copied);
            remove(&copied.join(first));
            remove(&copied.join(second));
            let copied = copied.to_str().expect("plain");
            let output = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", copied]);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{first}, {second}: {text}");
            let named = [first, second]
                .iter()
                .any(|name| text.contains(name.as_str()));
            let is_headless = [first, second].iter().any(|name| *name == "format");
            assert!(named || is_headless, "{first}, {second}: {text}");
        }
    }
}

/// Does what a refusal says can be done.
#[test]
fn what_is_left_of_a_folder_is_salvaged_as_the_refusal_says() {
    for lost in ["flushes.json", "lake", "schemas.json"] {
        // Not stopped: some rows are in the log only.
        let (_scratch, data) = data("format-1");
        Program::start_ready(serve(&data)).kill();
        remove(&Path::new(&data).join(lost));
        let Start::Refused(reason) = start(&data, lost) else {
            panic!("{lost} is not missed");
        };
        let command = reason.split('`').nth(1).expect("a command");
        let words: Vec<&str> = command.split(' ').collect();
        let output = run(&words[1..]);
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{lost}: {text}");
        if let Some(copy) = text.split('`').nth(1) {
            let copied = Command::new("sh").args(["-c", copy]).status();
            assert!(copied.expect("a shell").success(), "{copy}");
        }
        let server = Program::start_ready(serve(&format!("{data}-salvaged")));
        let (status, body) = server.ask_as(OPERATOR, "POST", "/api/v1/lake/flush", "");
        assert!(
            status == 200 && body.contains("\"failed\":0"),
            "{lost}: {body}"
        );
        if lost == "lake" {
            let (status, found) = export(&server, "two words");
            assert_eq!((status, found), (200, expected("format-1", "two words")));
        } else {
            holds_all(&server, "format-1", &[]);
        }
    }
}

/// A new program is tried, and then the old one is started again.
#[test]
fn a_folder_of_today_is_refused_by_programs_of_before_by_name() {
    let (_scratch, data) = of_today();
    let format = fs::read_to_string(Path::new(&data).join("format")).expect("readable");
    // What the first version looked at, and how it refused: "format version 2, this tidegate knows
    // versions up to 1: start the newer tidegate that wrote it".
    assert!(format.starts_with("tidegate data format 2\n"), "{format}");
}
