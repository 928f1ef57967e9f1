//! A signal to a question that takes long.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process};

use super::Server;
use crate::import::server::Run;
use crate::support::{PATIENCE, tidegate};

/// A hundred billion numbers.
pub const LONG: &str = "SELECT count(*) FROM generate_series(1, 100000000000)";

/// A server ends a question whose client is gone.
#[test]
fn a_signal_closes_the_connection_that_waits_for_the_answer() {
    for (signal, name) in [(Signal::INT, "INT"), (Signal::TERM, "TERM")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let mut command = tidegate(&["query", "-b", "home", LONG, "--url", &url]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("runs");
        let (mut connection, _) = listener.accept().expect("it asks");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("an option");
        let mut asked = Vec::new();
        while !asked.ends_with(b")\"}") {
            let mut byte = [0];
            connection.read_exact(&mut byte).expect("a request");
            asked.extend(byte);
        }
        let id = Pid::from_raw(child.id().cast_signed()).expect("not 0");
        kill_process(id, signal).expect("it runs");
        let rest = connection.read_to_end(&mut asked);
        assert!(matches!(rest, Ok(0)), "{name}: {rest:?}");
        let run = Run::of(child.wait_with_output().expect("ends"));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}");
        assert_eq!(run.stderr, "tidegate: interrupted\n", "{name}");
    }
}

/// The bytes that a pipe holds when its writer waits, almost.
const PIPE_BYTES: u64 = 60_000;

/// Waits until something is so; false if it never was.
fn comes(mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

fn ends(mut child: Child) -> bool {
    let has_ended = comes(|| child.try_wait().expect("known").is_some());
    // Nothing is left behind, however that went.
    let _ = child.kill();
    let _ = child.wait();
    has_ended
}

/// From a bug: the first signal was not heard while nobody read standard output.
#[test]
fn a_signal_is_heard_while_the_reader_sleeps() {
    let server = Server::start();
    let many = "SELECT value, 'some text' AS text FROM generate_series(1, 3000000)";
    for (signal, format) in [(Signal::INT, "csv"), (Signal::TERM, "table")] {
        let mut command = server.command(&["--format", format, many]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("runs");
        let pipe = child.stdout.take().expect("piped");
        let is_full = || ioctl_fionread(&pipe).expect("a pipe") > PIPE_BYTES;
        assert!(comes(is_full), "{format}: it writes");
        let id = Pid::from_raw(child.id().cast_signed()).expect("not 0");
        kill_process(id, signal).expect("it runs");
        assert!(ends(child), "{format}: still there");
    }
}

/// A sibling: a named pipe that nobody opens.
#[test]
fn a_signal_is_heard_while_a_named_pipe_has_no_reader() {
    let server = Server::start();
    let pipe = server.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    for command in ["query", "export"] {
        let mut command = tidegate(&[command, "--bucket", "home", "-o", &pipe]);
        if command.get_args().any(|argument| argument == "query") {
            command.arg("SELECT 1");
        }
        command
            .env("TIDEGATE_URL", server.program.url())
            .env("TIDEGATE_TOKEN", crate::support::TOKEN)
            .stderr(Stdio::null());
        let child = command.spawn().expect("runs");
        // It sleeps in the system's call that opens the pipe.
        let calls = || {
            let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("there");
            let waits = |path: std::path::PathBuf| {
                std::fs::read_to_string(path.join("wchan")).unwrap_or_default()
            };
            tasks
                .map(|task| waits(task.expect("listed").path()))
                .any(|call| call.contains("fifo") || call.contains("wait_for_partner"))
        };
        assert!(comes(calls), "it opens the pipe");
        let id = Pid::from_raw(child.id().cast_signed()).expect("not 0");
        kill_process(id, Signal::TERM).expect("it runs");
        assert!(ends(child), "still there");
    }
}
