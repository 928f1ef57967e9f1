//! The real program as a process: start it, wait until it is ready, kill it, stop it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http::Client;
use crate::record::{Check, Record};

pub const BUCKET: &str = "crash";

/// The settings of a server that is started, again and again, over one data folder.
#[derive(Debug)]
pub struct Setup {
    /// The folder of the data folder and of the logs.
    home: PathBuf,
    data_dir: PathBuf,
    settings: Vec<(&'static str, String)>,
    /// A program that runs the server, with its arguments.
    wrapper: Vec<String>,
    /// The operator's token; without one, the server asks for none.
    token: Option<&'static str>,
    starts: u32,
}

impl Setup {
    /// Settings are environment variables without their prefix: `WAL__SEGMENT_BYTES_MAX`.
    pub fn new(home: &Path, settings: &[(&'static str, &str)]) -> Self {
        let mut setup = Self {
            home: home.to_owned(),
            data_dir: home.join("data"),
            settings: Vec::new(),
            wrapper: Vec::new(),
            token: None,
            starts: 0,
        };
        for (key, value) in settings {
            setup.set(key, value);
        }
        setup
    }

    pub fn set(&mut self, key: &'static str, value: &str) {
        self.settings.retain(|(known, _)| *known != key);
        self.settings.push((key, value.to_owned()));
    }

    /// The command that the next starts run under; none for the server alone.
    pub fn wrap(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Asks for tokens from now on; this is the operator's.
    pub fn authenticate(&mut self, token: &'static str) {
        self.token = Some(token);
    }

    /// The data folder, if it is not to be beside the logs.
    pub fn data_in(&mut self, folder: &Path) {
        self.data_dir = folder.join("data");
    }

    /// Starts a server; it may not be ready yet.
    pub fn start(&mut self) -> Server {
        self.try_start()
            .unwrap_or_else(|log| panic!("the server did not start:\n{log}"))
    }

    /// Returns the server, or its log if it ended before it listened.
    pub fn try_start(&mut self) -> Result<Server, String> {
        self.starts += 1;
        let log = self.home.join(format!("log.{}", self.starts));
        let program = env!("CARGO_BIN_EXE_tidegate").to_owned();
        let words: Vec<&String> = self.wrapper.iter().chain([&program]).collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["serve", "--listen", "127.0.0.1:0"]);
        match self.token {
            Some(token) => command.env("TIDEGATE_INIT_TOKEN", token),
            None => command.arg("--without-auth"),
        };
        command
            .arg("--data-dir")
            .arg(&self.data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
            .stderr(File::create(&log).expect("a log file"))
            .current_dir(&self.home);
        for (key, value) in &self.settings {
            command.env(format!("TIDEGATE_{key}"), value);
        }
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().expect("piped");
        let mut server = Server {
            child,
            stdout: BufReader::new(stdout),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            pid: None,
            log,
        };
        let mut line = String::new();
        while server.stdout.read_line(&mut line).expect("text") > 0 {
            if let Some(address) = line.strip_prefix("listening on http://") {
                server.address = address.trim().parse().expect("an address");
                server.pid = Some(server.find_pid(!self.wrapper.is_empty()));
                return Ok(server);
            }
            line.clear();
        }
        server.wait(Duration::from_secs(60));
        Err(server.log())
    }
}

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Kept open: what the server prints must go somewhere.
    stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
    /// The server's own process, which with a wrapper may be a child of ours.
    pid: Option<Pid>,
    log: PathBuf,
}

impl Server {
    /// The wrapper may have become the server (a shell's `exec`) or be its parent (strace).
    fn find_pid(&self, wrapped: bool) -> Pid {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
        let child = children.ok().filter(|_| wrapped);
        let child = child.and_then(|list| list.split(' ').next()?.parse().ok());
        Pid::from_raw(child.unwrap_or(own.cast_signed())).expect("not 0")
    }

    /// The most memory the process has had resident, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let pid = self.pid.expect("it listens").as_raw_nonzero();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .expect("a peak");
        let kilobytes: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        kilobytes * 1024
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Waits until the log is replayed.
    pub fn until_ready(&mut self) {
        let mut client = self.client();
        let told = self.until(Duration::from_secs(120), || {
            client
                .get("/ready")
                .is_ok_and(|answer| answer.status == 200)
        });
        assert!(told.is_some(), "not ready:\n{}", self.log());
    }

    /// Returns true if it reports that it accepts writes.
    pub fn is_healthy(&self) -> bool {
        let answer = self.client().get("/health").expect("an answer");
        let status = format!(
            "\"status\":\"{}\"",
            if answer.status == 200 { "pass" } else { "fail" }
        );
        assert!(
            matches!(answer.status, 200 | 503) && answer.text().contains(&status),
            "{answer:?}"
        );
        answer.status == 200
    }

    /// Asks every few milliseconds until it is so; how long that took. The server must live.
    pub fn until(
        &mut self,
        patience: Duration,
        mut is_so: impl FnMut() -> bool,
    ) -> Option<Duration> {
        let started = Instant::now();
        while !is_so() {
            if started.elapsed() > patience || self.has_ended() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Some(started.elapsed())
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    pub fn signal(&self, signal: Signal) {
        // One that has ended already needs none.
        let _ = kill_process(self.pid.expect("it listens"), signal);
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait(Duration::from_secs(60));
    }

    /// SIGTERM; the exit status and how long it took.
    pub fn terminate(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal(Signal::TERM);
        let status = self.wait(Duration::from_secs(60));
        (status, started.elapsed())
    }

    /// Stops it as a supervisor would; nothing else than exit code 0 will do.
    pub fn stop(self) {
        let log = self.log.clone();
        let (status, _) = self.terminate();
        assert!(
            status.success(),
            "{status}:\n{}",
            fs::read_to_string(log).expect("a log")
        );
    }

    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(
                started.elapsed() < patience,
                "it does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// Exports everything and checks it against the records: how many lines there are, and how
    /// many of them had not been acknowledged.
    pub fn check(&self, records: &[Record]) -> (u64, u64) {
        let mut check = Check::new(records);
        let mut client = self.client();
        let path = format!("/api/v1/export?bucket={BUCKET}");
        let answer = client.get_into(&path, &mut |bytes| check.bytes(bytes));
        let answer = answer.unwrap_or_else(|error| panic!("no export: {error}\n{}", self.log()));
        let nothing = records.iter().all(|record| record.acknowledged.is_empty());
        if answer.status == 404 && nothing {
            return (0, 0);
        }
        assert_eq!(answer.status, 200, "{}", self.log());
        let lines = check.lines;
        match check.finish() {
            Ok(surplus) => (lines, surplus),
            Err(wrong) => panic!("{wrong}\nthe server's log:\n{}", self.log()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended() {
            if let Some(pid) = self.pid {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
