//! The program as a shell sees it: exit codes, what goes to standard output and what to standard
//! error, signals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};

/// The program with these arguments, in an empty environment.
fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> (Output, String) {
    let output = tidegate(arguments).output().expect("runs");
    let stderr = String::from_utf8(output.stderr.clone()).expect("text");
    (output, stderr)
}

/// A running server and the first line of its standard output.
struct Server {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    _data_dir: tempfile::TempDir,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let data_dir = tempfile::tempdir().expect("a folder");
        let folder = data_dir.path().to_str().expect("plain");
        let mut child = tidegate(&["serve", "--listen", "127.0.0.1:0", "--data-dir", folder])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        Self {
            child,
            stdout,
            _data_dir: data_dir,
        }
    }

    /// The line of standard output that starts so.
    fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert!(
                self.stdout.read_line(&mut line).expect("readable") > 0,
                "no line {start}"
            );
        }
        line.trim_end().to_owned()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", name, &id])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for the end: exit code and standard error.
    fn end(mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        let from = self.child.stderr.as_mut().expect("piped");
        from.read_to_string(&mut stderr).expect("text");
        (self.child.wait().expect("ends").code(), stderr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_says_where_it_listens_and_a_signal_stops_it_with_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        let line = server.line("listening on ");
        let port = line
            .strip_prefix("listening on http://127.0.0.1:")
            .expect("an address");
        assert_ne!(port.parse::<u16>().expect("a port"), 0);
        server.signal(signal);
        let (code, stderr) = server.end();
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.contains("stopped"), "{stderr}");
    }
}

#[test]
fn a_second_server_on_the_port_fails_with_one_line_that_says_what_to_do() {
    let mut server = Server::start(&[]);
    let line = server.line("listening on ");
    let address = line.rsplit('/').next().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["serve", "--log-level", "off", "--listen", address];
    let mut second = tidegate(&arguments);
    let output = second
        .args(["--data-dir".as_ref(), folder.path().as_os_str()])
        .output();
    let output = output.expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(
        stderr.starts_with(&format!("tidegate: cannot listen on {address}: ")),
        "{stderr}"
    );
    assert!(
        stderr.contains("--listen") && output.stdout.is_empty(),
        "{stderr}"
    );
}

#[test]
fn a_setting_that_does_not_exist_fails_before_anything_is_opened() {
    let output = tidegate(&["serve"])
        .env("TIDEGATE_SERVER__LISEN", "x")
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).expect("text"),
        "tidegate: configuration: unknown environment variable TIDEGATE_SERVER__LISEN: \
         did you mean TIDEGATE_SERVER__LISTEN?\n"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn help_and_version_go_to_standard_output_and_mistakes_to_standard_error_with_exit_code_2() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["help", "serve"],
        &["--version"],
    ] {
        let (output, stderr) = output(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            !output.stdout.is_empty() && stderr.is_empty(),
            "{arguments:?}"
        );
    }
    for arguments in [&["serv"][..], &["serve", "--lisen"], &[]] {
        let (output, stderr) = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            output.stdout.is_empty() && stderr.contains("Usage"),
            "{arguments:?}: {stderr}"
        );
    }
}

#[test]
fn json_logs_are_one_object_a_line_and_name_the_danger() {
    let mut server = Server::start(&["--without-auth", "--log-format", "json"]);
    server.line("listening on ");
    server.signal("TERM");
    let (_, stderr) = server.end();
    for line in stderr.lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("one object a line");
        assert!(
            object["message"].is_string() && object["level"].is_string(),
            "{line}"
        );
    }
    let warning = stderr
        .lines()
        .find(|line| line.contains("NO AUTHENTICATION"));
    assert!(
        warning.is_some_and(|line| line.contains("\"WARN\"")),
        "{stderr}"
    );
}
