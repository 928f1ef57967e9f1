//! The real program, as the tests of the command line start it: in an empty environment, on a port
//! of its own, killed with the test at the latest.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "every test uses a part of it, and waits by the real clock"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The operator's token of the servers here.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The longest wait for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments, in an empty environment.
pub fn tidegate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// A server over this folder that knows [`TOKEN`], on a free port. Its log goes nowhere.
pub fn serve(data_dir: &str) -> Command {
    serve_on("127.0.0.1:0", data_dir)
}

/// The same on this address.
pub fn serve_on(listen: &str, data_dir: &str) -> Command {
    let mut command = tidegate(&["serve", "--listen", listen, "--data-dir", data_dir]);
    command
        .env("TIDEGATE_INIT_TOKEN", TOKEN)
        .stderr(Stdio::null());
    command
}

/// A running server.
pub struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// If it was piped.
    stderr: Option<BufReader<ChildStderr>>,
    url: String,
}

impl Program {
    /// Starts `tidegate serve …` and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("runs");
        let mut program = Self {
            stdout: BufReader::new(child.stdout.take().expect("piped")),
            stderr: child.stderr.take().map(BufReader::new),
            url: String::new(),
            child,
        };
        program.url = program.line("listening on ");
        program
    }

    /// Starts it, and waits until the log is replayed or the process has ended.
    pub fn start_or_end(mut command: Command) -> Option<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("text");
        let mut program = Self {
            stdout,
            stderr: child.stderr.take().map(BufReader::new),
            url: String::new(),
            child,
        };
        let url = line.trim_end().strip_prefix("listening on ");
        program.url = url?.to_owned();
        let until = Instant::now() + PATIENCE;
        while !program.is_ready() {
            if program.child.try_wait().expect("known").is_some() {
                return None;
            }
            assert!(Instant::now() < until, "neither ready nor ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(program)
    }

    /// False where nobody answers, too.
    fn is_ready(&self) -> bool {
        let asked = || {
            let mut stream = TcpStream::connect(self.address())?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let request = "GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        asked().is_ok_and(|answer: String| answer.starts_with("HTTP/1.1 200"))
    }

    /// Starts it, and waits until the log is replayed.
    pub fn start_ready(command: Command) -> Self {
        let program = Self::start(command);
        let until = Instant::now() + PATIENCE;
        while program.ask("GET", "/ready", "", "").0 != 200 {
            assert!(Instant::now() < until, "not ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        program
    }

    /// The rest of the line of standard output that starts so.
    pub fn line(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).expect("text");
            assert!(read > 0, "no line {start}: {}", self.log());
            if let Some(rest) = line.trim_end().strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("no TLS here")
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Status and body of the answer to one request.
    pub fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status");
        (status.parse().expect("a number"), unchunked(head, body))
    }

    /// `ask` with a token.
    pub fn ask_as(&self, token: &str, method: &str, target: &str, body: &str) -> (u16, String) {
        let header = format!("Authorization: Token {token}\r\n");
        self.ask(method, target, &header, body)
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// The next line of the log with this text; the test fails at the log's end.
    pub fn logged(&mut self, text: &str) -> String {
        let stderr = self.stderr.as_mut().expect("piped");
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let length = stderr.read_line(&mut line).expect("readable");
            assert!(length > 0, "not in the log: {text}");
        }
        line
    }

    /// The log until its end, if that is piped.
    fn log(&mut self) -> String {
        let mut log = String::new();
        if let Some(stderr) = &mut self.stderr {
            stderr.read_to_string(&mut log).expect("text");
        }
        log
    }

    /// The same signal twice, as fast as it can be done.
    pub fn signal_twice(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", name, &id, &id]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Ends it with a signal; the rest of its log.
    pub fn end_with(self, signal: &str) -> String {
        self.signal(signal);
        self.log_to_the_end()
    }

    /// The rest of the log of one that ends by itself, and well.
    pub fn log_to_the_end(mut self) -> String {
        let log = self.log();
        assert!(self.child.wait().expect("ends").success(), "{log}");
        log
    }

    /// Ends it gently; the rest of its log.
    pub fn stop(self) -> String {
        self.end_with("TERM")
    }

    /// SIGKILL.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Program {
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
