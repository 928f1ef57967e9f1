//! The commands for the folder of a stopped server, as a shell sees them: a log is damaged, the
//! server refuses it, what it says to do is done, and a server starts with everything else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "tests"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(30);

/// The program with these arguments, in an environment that only has a token for a first start.
fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.env("TIDEGATE_INIT_TOKEN", TOKEN);
    command
}

fn run(arguments: &[&str]) -> (Output, String, String) {
    let output = tidegate(arguments).output().expect("runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    (output, stdout, stderr)
}

fn inspect(folder: &str) -> Value {
    let (output, stdout, stderr) =
        run(&["wal", "inspect", "--data-dir", folder, "--frames", "--json"]);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

/// A server over a folder.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &str) -> Self {
        let mut child = tidegate(&["serve", "--listen", "127.0.0.1:0", "--data-dir", folder])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let address = line.trim_end().strip_prefix("listening on http://");
        let server = Self {
            address: address.expect("an address").to_owned(),
            child,
        };
        let started = Instant::now();
        while server.ask("GET", "/ready", "", TOKEN).0 != 200 {
            assert!(started.elapsed() < PATIENCE, "not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Status and body of an answer.
    fn ask(&self, method: &str, path: &str, body: &str, token: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token {token}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status");
        (status.parse().expect("a number"), unchunked(head, body))
    }

    /// Writes one point, which becomes one frame.
    fn write(&self, line: &str) {
        let (status, body) = self.ask("POST", "/api/v2/write?bucket=b", line, TOKEN);
        assert_eq!(status, 204, "{body}");
    }

    fn export(&self) -> Vec<String> {
        let (status, body) = self.ask("GET", "/api/v1/export?bucket=b", "", TOKEN);
        assert_eq!(status, 200, "{body}");
        body.lines().map(str::to_owned).collect()
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    fn stop(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(sent.expect("kill runs").success());
        assert!(self.child.wait().expect("ends").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unchunked(head: &str, body: &str) -> String {
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return body.to_owned();
    }
    let (mut rest, mut whole) = (body, String::new());
    while let Some((length, more)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).expect("a length");
        whole += &more[..length];
        rest = &more[length + 2..];
        if length == 0 {
            break;
        }
    }
    whole
}

/// A folder with `points` points in bucket `b`, after `end` of its server.
fn folder(points: u64, end: impl FnOnce(Server)) -> (tempfile::TempDir, String) {
    let scratch = tempfile::tempdir().expect("a folder");
    let data = scratch
        .path()
        .join("data")
        .to_str()
        .expect("plain")
        .to_owned();
    let server = Server::start(&data);
    for n in 1..=points {
        server.write(&format!("m,t=t{n} f={n}i {n}"));
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

/// Runs the command that stands between backquotes in a refusal.
fn as_told(refusal: &str) -> String {
    let command = refusal.split('`').nth(1).expect("a command");
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["tidegate", "wal", "salvage"]);
    let (output, stdout, stderr) = run(&words[1..]);
    assert!(output.status.success(), "{stderr}");
    stdout
}

#[test]
fn a_damaged_frame_is_refused_and_costs_only_itself_in_the_salvaged_folder() {
    for end in [Server::kill, Server::stop] {
        let (_scratch, data) = folder(20, end);
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
        let server = Server::start(&format!("{data}-salvaged"));
        assert_eq!(server.export(), points((1..=20).filter(|n| *n != 7)));
        server.write("m,t=t21 f=21i 21");
        server.stop();
        let server = Server::start(&format!("{data}-salvaged"));
        assert_eq!(server.export(), points((1..=21).filter(|n| *n != 7)));
    }
}

#[test]
fn a_missing_segment_is_refused_and_the_others_are_salvaged() {
    let (_scratch, data) = folder(5, Server::stop);
    for round in 2..=3 {
        let server = Server::start(&data);
        server.write(&format!(
            "m,t=t{} f={}i {}",
            round * 10,
            round * 10,
            round * 10
        ));
        server.kill();
    }
    std::fs::remove_file(segment(&data, 2)).expect("removed");
    let told = refusal(&data);
    assert!(told.contains("0000000000000002.wal is missing"), "{told}");
    let salvaged = as_told(&told);
    assert!(salvaged.contains("the file is missing"), "{salvaged}");
    let server = Server::start(&format!("{data}-salvaged"));
    let found = server.export();
    assert!(
        points(1..=5).iter().all(|line| found.contains(line)),
        "{found:?}"
    );
    assert!(found.len() < 8);
}

#[test]
fn a_torn_tail_and_an_empty_log_need_no_salvage_but_survive_one() {
    let (_scratch, data) = folder(10, Server::kill);
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
    let server = Server::start(&out);
    assert_eq!(server.export(), points(1..=9));

    let (_scratch, data) = folder(0, Server::stop);
    let out = format!("{data}-copy");
    let (output, stdout, stderr) = run(&["wal", "salvage", "--data-dir", &data, "--out", &out]);
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.starts_with("nothing was lost"), "{stdout}");
    let server = Server::start(&out);
    server.write("m f=1 1");
}

#[test]
fn a_running_server_and_folders_that_are_none_are_told_and_nothing_is_made() {
    let (scratch, data) = folder(1, Server::stop);
    let server = Server::start(&data);
    let nowhere = scratch.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("plain");
    let inside = format!("{data}/out");
    let files = std::fs::read_dir(&data).expect("a folder").count();
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
    assert_eq!(std::fs::read_dir(&data).expect("a folder").count(), files);
    assert_eq!(std::fs::read_dir(&out).expect("a folder").count(), 1);
}

#[test]
fn a_lost_operator_token_is_replaced_and_works() {
    let (_scratch, data) = folder(1, Server::stop);
    let (output, stdout, stderr) = run(&["token", "reset-operator", "--data-dir", &data]);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let token = stdout.trim_end().strip_prefix("operator token: ");
    let token = token.expect("one line");
    assert_eq!(token.len(), 64);
    let server = Server::start(&data);
    for (token, expected) in [(token, 200), (TOKEN, 200), ("wrong", 401)] {
        let (status, _) = server.ask("GET", "/api/v1/export?bucket=b", "", token);
        assert_eq!(status, expected);
    }
}
