//! The commands for the folder of a stopped server, as a shell sees them: a log is damaged, the
//! server refuses it, what it says to do is done, and a server starts with everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{self, Program, TOKEN, tidegate};

fn run(arguments: &[&str]) -> (Output, String, String) {
    let output = tidegate(arguments).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

/// The exit status is 0 just if a server would start, as the help says.
fn inspect(folder: &str) -> Value {
    let (output, stdout, stderr) =
        run(&["wal", "inspect", "--data-dir", folder, "--frames", "--json"]);
    let log: Value = serde_json::from_str(&stdout).expect("JSON");
    let starts = log["starts"].as_bool().expect("told");
    assert_eq!(output.status.code(), Some(i32::from(!starts)), "{stderr}");
    assert_eq!(
        stderr.contains("would refuse to start"),
        !starts,
        "{stderr}"
    );
    log
}

/// The exit statuses that the help of a command names.
fn statuses_told(command: &str) -> BTreeSet<String> {
    let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
    let (_, help, _) = run(&words);
    let below = help.split("Exit status:").nth(1).expect("told");
    let paragraph = below.split("\n\n").next().unwrap_or_default();
    let words = paragraph.split([' ', '\n']).map(str::to_owned);
    words.filter(|word| word.parse::<u8>().is_ok()).collect()
}

#[test]
fn the_exit_statuses_in_the_help_are_the_real_ones() {
    let (scratch, data) = folder(3, Program::kill);
    let status = |arguments: &[&str]| {
        let (output, _, _) = run(arguments);
        output.status.code().expect("ended by itself").to_string()
    };
    let out = |name: &str| {
        scratch
            .path()
            .join(name)
            .to_str()
            .expect("plain")
            .to_owned()
    };
    let inspect = ["wal", "inspect", "--data-dir", &data];
    let salvage = ["wal", "salvage", "--data-dir", &data, "--out"];
    let salvage_to = |out: &str| status(&[&salvage[..], &[out]].concat());
    let points = out("points.lp");
    std::fs::write(&points, "m f=1 1\n").expect("written");
    let mut real = BTreeMap::from([
        ("wal inspect", BTreeSet::from([status(&inspect)])),
        ("wal salvage", BTreeSet::from([salvage_to(&out("whole"))])),
        ("check", BTreeSet::from([status(&["check", &points])])),
    ]);
    damage(&data, 2);
    std::fs::write(&points, "m f=\n").expect("written");
    let lossy = salvage_to(&out("lossy"));
    assert_eq!(lossy, "0", "a loss is told by its line");
    for (command, status) in [
        ("wal inspect", status(&inspect)),
        ("wal salvage", salvage_to(&out("lossy"))),
        ("check", status(&["check", &points])),
    ] {
        real.get_mut(command).expect("there").insert(status);
    }
    for (command, real) in real {
        assert_eq!(statuses_told(command), real, "{command}");
    }
}

fn names_in(folder: &str) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("read").file_name())
        .collect()
}

/// A server over a folder.
fn start(folder: &str) -> Program {
    Program::start_ready(support::serve(folder))
}

/// Writes one point, which becomes one frame.
fn write(server: &Program, line: &str) {
    let (status, body) = server.ask_as(TOKEN, "POST", "/api/v2/write?bucket=b", line);
    assert_eq!(status, 204, "{body}");
}

fn export(server: &Program) -> Vec<String> {
    let (status, body) = server.ask_as(TOKEN, "GET", "/api/v1/export?bucket=b", "");
    assert_eq!(status, 200, "{body}");
    body.lines().map(str::to_owned).collect()
}

fn stop(server: Program) {
    server.stop();
}

/// A folder with `points` points in bucket `b`, after `end` of its server.
fn folder(points: u64, end: impl FnOnce(Program)) -> (tempfile::TempDir, String) {
    let scratch = tempfile::tempdir().expect("a folder");
    let data = scratch
        .path()
        .join("data")
        .to_str()
        .expect("plain")
        .to_owned();
    let server = start(&data);
    for n in 1..=points {
        write(&server, &format!("m,t=t{n} f={n}i {n}"));
    }
    end(server);
    (scratch, data)
}

fn points(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    let mut lines: Vec<String> = numbers
        .into_iter()
        .map(|n| format!("m,t=t{n} f={n}i {n}"))
        .collect();
    lines.sort();
    lines
}

fn segment(folder: &str, number: u64) -> PathBuf {
    Path::new(folder).join(format!("wal/{number:016}.wal"))
}

/// Flips bits of the payload of the frame with this sequence.
fn damage(folder: &str, sequence: u64) {
    let log = inspect(folder);
    let frames = log["segments"][0]["frames"].as_array().expect("frames");
    let frame = frames
        .iter()
        .find(|frame| frame["sequence"] == sequence && frame["kind"] == "data");
    let offset = frame.expect("there")["offset"].as_u64().expect("a number");
    let path = segment(folder, 1);
    let mut bytes = std::fs::read(&path).expect("readable");
    for byte in &mut bytes[usize::try_from(offset).expect("small") + 26..][..3] {
        *byte ^= 0xff;
    }
    std::fs::write(&path, bytes).expect("written");
}

/// The one line with which a server refuses to start.
fn refusal(folder: &str) -> String {
    let (output, _, stderr) = run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", folder]);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let line = stderr.lines().find(|line| line.starts_with("tidegate: "));
    line.expect("a reason").to_owned()
}

/// Runs the command that stands between backquotes in a refusal, and the one that it tells to run
/// for the tables, if there are any.
fn as_told(refusal: &str) -> String {
    let command = refusal.split('`').nth(1).expect("a command");
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["tidegate", "wal", "salvage"]);
    let (output, stdout, stderr) = run(&words[1..]);
    assert!(output.status.success(), "{stderr}");
    if let Some(copy) = stdout.split('`').nth(1) {
        let copied = Command::new("sh").args(["-c", copy]).status();
        assert!(copied.expect("a shell").success(), "{copy}");
    }
    stdout
}

#[test]
fn a_damaged_frame_is_refused_and_costs_only_itself_in_the_salvaged_folder() {
    // What a stop has flushed is in the tables too.
    let ends: [(fn(Program), bool); 2] = [(Program::kill, true), (stop, !cfg!(feature = "lake"))];
    for (end, is_lost) in ends {
        let (_scratch, data) = folder(20, end);
        let is_left = |n: &u64| !is_lost || *n != 7;
        damage(&data, 7);
        let before = std::fs::read(segment(&data, 1)).expect("readable");
        let log = inspect(&data);
        assert_eq!(log["starts"], false);
        assert_eq!(log["segments"][0]["data_frames"], 19);
        let told = refusal(&data);
        assert!(told.contains("is damaged at offset"), "{told}");
        let salvaged = as_told(&told);
        assert!(
            salvaged.contains("the checksum of a frame is wrong; between the writes 6 and 8")
                && salvaged.contains("19 frames"),
            "{salvaged}"
        );
        assert_eq!(std::fs::read(segment(&data, 1)).expect("readable"), before);
        let server = start(&format!("{data}-salvaged"));
        assert_eq!(export(&server), points((1..=20).filter(is_left)));
        write(&server, "m,t=t21 f=21i 21");
        server.stop();
        let server = start(&format!("{data}-salvaged"));
        assert_eq!(export(&server), points((1..=21).filter(is_left)));
    }
}

/// Rows in the tables are not replayed beside them, and the folder of the tables comes along as the
/// command says.
#[cfg(feature = "lake")]
#[test]
fn a_salvaged_folder_goes_on_with_the_tables_and_has_no_point_twice() {
    let (scratch, data) = folder(5, |server| {
        let (status, body) = server.ask_as(TOKEN, "POST", "/api/v1/lake/flush", "");
        assert!(status == 200 && body.contains("\"failed\":0"), "{body}");
        for n in 6..=10 {
            write(&server, &format!("m,t=t{n} f={n}i {n}"));
        }
        server.kill();
    });
    damage(&data, 8);
    let salvaged = as_told(&refusal(&data));
    assert!(salvaged.contains("the tables are still in"), "{salvaged}");
    let expected = points((1..=10).filter(|n| *n != 8));
    let out = format!("{data}-salvaged");
    let server = start(&out);
    assert_eq!(export(&server), expected);
    let (_, body) = server.ask_as(TOKEN, "POST", "/api/v1/lake/flush", "");
    assert!(body.contains("\"failed\":0"), "{body}");
    let (_, body) = server.ask_as(TOKEN, "GET", "/api/v1/lake", "");
    let status: Value = serde_json::from_str(&body).expect("JSON");
    let table = &status["tables"][0];
    assert_eq!(
        (&table["rows"], &table["buffered_rows"]),
        (&9.into(), &0.into()),
        "{table}"
    );
    assert_eq!(export(&server), expected);
    server.stop();
    drop(scratch);
}

#[test]
fn a_missing_segment_is_refused_and_the_others_are_salvaged() {
    let (_scratch, data) = folder(5, stop);
    for round in 2..=3 {
        let server = start(&data);
        write(
            &server,
            &format!("m,t=t{} f={}i {}", round * 10, round * 10, round * 10),
        );
        server.kill();
    }
    std::fs::remove_file(segment(&data, 2)).expect("removed");
    let told = refusal(&data);
    assert!(told.contains("0000000000000002.wal is missing"), "{told}");
    let salvaged = as_told(&told);
    assert!(salvaged.contains("the file is missing"), "{salvaged}");
    let server = start(&format!("{data}-salvaged"));
    let found = export(&server);
    assert!(
        points(1..=5).iter().all(|line| found.contains(line)),
        "{found:?}"
    );
    assert!(found.len() < 8);
}

#[test]
fn a_torn_tail_and_an_empty_log_need_no_salvage_but_survive_one() {
    let (_scratch, data) = folder(10, Program::kill);
    let path = segment(&data, 1);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opens");
    let bytes = file.metadata().expect("there").len();
    file.set_len(bytes - 5).expect("cut");
    let log = inspect(&data);
    assert_eq!(
        (&log["starts"], &log["clean"]),
        (&Value::Bool(true), &Value::Bool(false))
    );
    let verdict = log["verdict"].as_str().expect("text");
    assert!(verdict.contains("torn tail"), "{verdict}");
    let out = format!("{data}-copy");
    let (output, _, stderr) = run(&["wal", "salvage", "--data-dir", &data, "--out", &out]);
    assert!(output.status.success(), "{stderr}");
    let server = start(&out);
    assert_eq!(export(&server), points(1..=9));

    let (_scratch, data) = folder(0, stop);
    let out = format!("{data}-copy");
    let (output, stdout, stderr) = run(&["wal", "salvage", "--data-dir", &data, "--out", &out]);
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("nothing was lost"), "{stdout}");
    let server = start(&out);
    write(&server, "m f=1 1");
}

#[test]
fn a_running_server_and_folders_that_are_none_are_told_and_nothing_is_made() {
    let (scratch, data) = folder(1, stop);
    // Of the folder at rest: a server that runs has files on their way in it.
    let files = names_in(&data);
    let server = start(&data);
    let nowhere = scratch.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("plain");
    let inside = format!("{data}/out");
    let out = format!("{data}-out");
    let refused = |command: &[&str], reason: &str| {
        let (output, stdout, stderr) = run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(stdout.is_empty() && stderr.contains(reason), "{stderr}");
    };
    for (folder, reason) in [
        (data.as_str(), "is in use by another tidegate process"),
        (nowhere, "is not a tidegate data folder"),
    ] {
        refused(&["wal", "inspect", "--data-dir", folder], reason);
        refused(
            &["wal", "salvage", "--data-dir", folder, "--out", &out],
            reason,
        );
        refused(&["token", "reset-operator", "--data-dir", folder], reason);
    }
    server.stop();
    let salvage = ["wal", "salvage", "--data-dir", &data, "--out"];
    refused(
        &[&salvage[..], &[&data]].concat(),
        "lies in the data folder",
    );
    refused(
        &[&salvage[..], &[&inside]].concat(),
        "lies in the data folder",
    );
    std::fs::create_dir(&out).expect("made");
    std::fs::write(format!("{out}/thesis.tex"), "x").expect("written");
    refused(
        &[&salvage[..], &[&out]].concat(),
        "is not empty (it holds `thesis.tex`)",
    );
    assert!(!Path::new(nowhere).exists());
    assert_eq!(names_in(&data), files);
    assert_eq!(names_in(&out).len(), 1);
}

#[test]
fn a_lost_operator_token_is_replaced_and_works() {
    let (_scratch, data) = folder(1, stop);
    let (output, stdout, stderr) = run(&["token", "reset-operator", "--data-dir", &data]);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let token = stdout.trim_end().strip_prefix("operator token: ");
    let token = token.expect("one line");
    assert_eq!(token.len(), 64);
    let server = start(&data);
    for (token, expected) in [(token, 200), (TOKEN, 200), ("wrong", 401)] {
        let (status, _) = server.ask_as(token, "GET", "/api/v1/export?bucket=b", "");
        assert_eq!(status, expected);
    }
}
