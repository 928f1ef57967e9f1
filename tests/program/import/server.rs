//! A real server that can be killed and started again on the same port and folder, and the
//! commands that talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{self, Program, TOKEN};

pub const PATIENCE: Duration = Duration::from_secs(300);

pub struct Server {
    folder: tempfile::TempDir,
    url: String,
    /// Absent while it is down.
    program: Option<Program>,
}

/// The program in an empty environment, but for where the server is.
pub fn tidegate(url: &str, arguments: &[&str]) -> Command {
    let mut command = support::tidegate(arguments);
    command
        .env("TIDEGATE_URL", url)
        .env("TIDEGATE_TOKEN", format!("{TOKEN}\n"));
    command
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("http://127.0.0.1:{}", free_port());
        let program = Some(serve(&url, &folder));
        Self {
            folder,
            url,
            program,
        }
    }

    /// SIGKILL, and then a start on the same port and folder.
    pub fn kill_and_restart(&mut self, pause: Duration) {
        self.program.take();
        std::thread::sleep(pause);
        self.program = Some(serve(&self.url, &self.folder));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        tidegate(&self.url, arguments)
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().expect("runs"))
    }

    /// The bytes of bodies that came in.
    pub fn received_bytes(&self) -> usize {
        let program = self.program.as_ref().expect("it runs");
        let (_, metrics) = program.ask("GET", "/metrics", "", "");
        let name = "tidegate_body_wire_bytes_total ";
        let value = metrics.lines().find_map(|line| line.strip_prefix(name));
        value.expect("counted").parse().expect("a number")
    }

    pub fn export(&self, bucket: &str) -> String {
        let run = self.run(&["export", "--bucket", bucket]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        run.stdout
    }
}

/// A port that stays free while the server is away: below those that the system hands out by
/// itself, to servers that ask for any and to every connection that a client makes.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let of_process = u16::try_from(std::process::id() % 500).expect("small") * 20;
    for _ in 0..1000 {
        let port = 20_000 + of_process + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

fn serve(url: &str, folder: &tempfile::TempDir) -> Program {
    let data_dir = folder.path().join("data");
    let listen = url.trim_start_matches("http://");
    let data_dir = data_dir.to_str().expect("plain");
    Program::start_ready(support::serve_on(listen, data_dir))
}

/// A command that has ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// A command that reads what the test writes.
pub struct Fed {
    child: Child,
    stdin: Option<ChildStdin>,
    stderr: BufReader<ChildStderr>,
    /// Its output so far.
    said: String,
}

impl Fed {
    pub fn new(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        Self {
            stdin: child.stdin.take(),
            stderr: BufReader::new(child.stderr.take().expect("piped")),
            said: String::new(),
            child,
        }
    }

    /// Waits until it has said so on standard error.
    pub fn says(&mut self, text: &str) {
        while !self.said.contains(text) {
            let read = self.stderr.read_line(&mut self.said).expect("text");
            assert!(read > 0, "it never says {text}: {}", self.said);
        }
    }

    pub fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("open");
        stdin.write_all(text.as_bytes()).expect("it reads");
    }

    pub fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().cast_signed()).expect("not 0");
        kill_process(id, signal).expect("it runs");
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Ends the input and waits.
    pub fn end(mut self) -> Run {
        drop(self.stdin.take());
        self.end_by_itself()
    }

    /// Waits for the end although the input continues.
    pub fn end_by_itself(mut self) -> Run {
        self.wait();
        self.stderr.read_to_string(&mut self.said).expect("text");
        let run = Run::of(self.child.wait_with_output().expect("ends"));
        Run {
            stderr: self.said,
            ..run
        }
    }

    fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            if Instant::now() > until {
                let _ = self.child.kill();
                panic!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
