//! The program as a shell sees it: exit codes, what goes to standard output and what to standard
//! error, signals.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Output, Stdio};

use crate::support::{self, Program, TOKEN, tidegate};

fn output(arguments: &[&str]) -> (Output, String) {
    let output = tidegate(arguments).output().expect("runs");
    let stderr = String::from_utf8(output.stderr.clone()).expect("text");
    (output, stderr)
}

/// A server with these further arguments, and the folder that it must not outlive.
fn start(arguments: &[&str]) -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = support::serve(folder.path().to_str().expect("plain"));
    command.args(arguments).stderr(Stdio::piped());
    (Program::start(command), folder)
}

#[test]
fn a_server_says_where_it_listens_and_a_signal_stops_it_with_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let (server, _folder) = start(&[]);
        let port = server.url().strip_prefix("http://127.0.0.1:");
        let port = port.expect("an address").parse::<u16>();
        assert_ne!(port.expect("a port"), 0);
        let stderr = server.end_with(signal);
        assert!(stderr.contains("stopped"), "{stderr}");
    }
}

#[test]
fn a_second_server_on_the_port_fails_with_one_line_that_says_what_to_do() {
    let (server, _folder) = start(&[]);
    let address = server.address();
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

/// Scripts take the line for a server that is there.
#[test]
fn a_server_that_does_not_get_its_folder_does_not_say_that_it_listens() {
    let (_server, folder) = start(&[]);
    let mut second = tidegate(&["serve", "--log-level", "off", "--listen", "127.0.0.1:0"]);
    let output = second
        .args(["--data-dir".as_ref(), folder.path().as_os_str()])
        .output();
    let output = output.expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).expect("text");
    assert_eq!(stdout, "");
}

/// Sends a signal as supervisors and terminals do: to the process, and to its group.
#[test]
fn two_signals_at_once_are_one() {
    let (server, _folder) = start(&[]);
    let mut held = TcpStream::connect(server.address()).expect("connects");
    held.write_all(b"POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        .expect("sent");
    server.signal_twice("TERM");
    drop(held);
    let stderr = server.log_to_the_end();
    assert!(stderr.contains("stopped"), "{stderr}");
    assert!(!stderr.contains("again"), "{stderr}");
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
    let (server, _folder) = start(&["--without-auth", "--log-format", "json"]);
    let stderr = server.stop();
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

/// From a bug: `tidegate check … | head` ended with a complaint about the pipe.
#[test]
fn a_reader_that_has_seen_enough_is_not_complained_about() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = "no line protocol\n".repeat(50_000);
    std::fs::write(file.path(), text).expect("writable");
    let mut check = tidegate(&["check", file.path().to_str().expect("plain")]);
    check.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().expect("runs");
    drop(check.stdout.take());
    let output = check.wait_with_output().expect("ends");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!((output.status.code(), stderr.as_str()), (Some(1), ""));
}

/// A sibling of issue 9, B8: seconds for `--start` exported everything, and for `--end` nothing,
/// without a word.
#[test]
fn numbers_that_are_probably_seconds_are_told_as_the_times_they_are() {
    let (server, _folder) = start_with_points();
    let export = ["export", "--bucket", "home"];
    for (flag, number, time) in [
        (
            "--start",
            "1721548800",
            Some("1970-01-01T00:00:01.721548800Z"),
        ),
        (
            "--end",
            "1721548800000",
            Some("1970-01-01T00:28:41.548800Z"),
        ),
        ("--start", "1721548800000000000", None),
        ("--start", "1970-01-02", None),
        ("--start", "0", None),
        ("--end", "now-1h", None),
    ] {
        let (code, _, stderr) = said(&server, &[&export[..], &[flag, number]].concat());
        assert_eq!(code, Some(0), "{stderr}");
        let told = time
            .map(|time| format!("{flag} {number} is {time}: numbers are nanoseconds since 1970\n"));
        assert_eq!(stderr, told.unwrap_or_default());
    }
    server.stop();
}

/// From a bug: if lines were rejected as well, the summary and the remark were one line.
#[test]
fn a_check_tells_of_odd_times_in_a_line_of_their_own() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let odd = "points in January 1970: 1; is the precision right?";
    for (rejected, code) in [(0, 0), (1, 1)] {
        let text = format!("m f=1 1721548800\n{}", "m f=x\n".repeat(rejected));
        std::fs::write(file.path(), text).expect("writable");
        let mut check = tidegate(&["check", file.path().to_str().expect("plain")]);
        let output = check.output().expect("runs");
        assert_eq!(output.status.code(), Some(code));
        let told = String::from_utf8(output.stderr).expect("text");
        let mut lines: Vec<&str> = told.lines().collect();
        lines.sort_unstable();
        let counts =
            format!("tidegate: points ok: 1, lines rejected: {rejected}, fields dropped: 0");
        assert_eq!(lines, [format!("tidegate: {odd}"), counts]);
    }
}

/// The output of a command that talks to a server, with its exit code.
fn said(server: &Program, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = tidegate(arguments)
        .env("TIDEGATE_URL", server.url())
        .env("TIDEGATE_TOKEN", TOKEN)
        .output()
        .expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A server that is ready, with an old point and a new one in the bucket `home`.
fn start_with_points() -> (Program, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Program::start_ready(support::serve(folder.path().to_str().expect("plain")));
    for line in ["m f=1 1600000000000000000", "m f=2"] {
        let (status, body) = server.ask_as(TOKEN, "POST", "/api/v2/write?bucket=home", line);
        assert_eq!(status, 204, "{body}");
    }
    (server, folder)
}

#[test]
fn a_retention_that_hides_points_is_asked_about_and_without_a_terminal_refused() {
    let (server, _folder) = start_with_points();
    let points = || {
        server
            .ask_as(TOKEN, "GET", "/api/v1/export?bucket=home", "")
            .1
            .lines()
            .count()
    };
    let update = ["bucket", "update", "home", "--retention", "30d"];
    let (code, stdout, stderr) = said(&server, &update);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let told = "a row at 2020-09-13T12:26:40Z of bucket \"home\" away, from readers at once";
    assert!(
        stderr.contains(told) && stderr.contains("--yes"),
        "{stderr}"
    );
    assert_eq!(points(), 2, "nothing was changed");
    // What hides nothing is not asked about.
    for kept in ["36500d", "forever"] {
        let (code, _, stderr) = said(&server, &["bucket", "update", "home", "--retention", kept]);
        assert_eq!(code, Some(0), "{stderr}");
    }
    let (code, _, stderr) = said(&server, &[&update[..], &["--yes"]].concat());
    assert_eq!((code, points()), (Some(0), 1), "{stderr}");
    // Hidden is hidden.
    let (code, _, stderr) = said(&server, &update);
    assert_eq!(code, Some(0), "{stderr}");
    let (code, _, stderr) = said(&server, &["bucket", "update", "hoem", "--retention", "1d"]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("bucket \"hoem\" not found"), "{stderr}");
}

#[test]
fn a_token_that_revokes_itself_is_asked_about_and_without_a_terminal_refused() {
    let (server, _folder) = start_with_points();
    let (code, second, _) = said(&server, &["token", "create", "--operator"]);
    assert_eq!(code, Some(0));
    for id in ["1", "01"] {
        let (code, _, stderr) = said(&server, &["token", "revoke", id]);
        assert_eq!(code, Some(2), "{stderr}");
        let told = format!("token {id} is the one that this command uses");
        assert!(
            stderr.contains(&told) && stderr.contains("--yes"),
            "{stderr}"
        );
    }
    let (code, _, _) = said(&server, &["token", "create", "--read", "home"]);
    assert_eq!(code, Some(0), "it still works");
    let (code, stdout, stderr) = said(&server, &["token", "revoke", "3"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "token 3 revoked\n"));
    assert_eq!(stderr, "", "another one is no matter");
    let (code, stdout, stderr) = said(&server, &["token", "revoke", "1", "--yes"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "token 1 revoked\n"));
    assert!(stderr.contains("the one of this command"), "{stderr}");
    let (status, _) = server.ask_as(TOKEN, "GET", "/api/v1/tokens", "");
    assert_eq!(status, 401);
    let (status, _) = server.ask_as(second.trim(), "GET", "/api/v1/tokens", "");
    assert_eq!(status, 200);
}
