//! The real program, for what can be seen only from outside of it: its log.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use crate::client::{Answer, Client, Request};
use crate::server::{Folder, until};

/// A running program. It is killed with the test at the latest.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Reads along, or a program that logs much would wait for us.
    log: Option<JoinHandle<String>>,
}

impl Program {
    /// `tidegate serve` over this folder with these further arguments.
    pub async fn start(folder: &Folder, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[]).await
    }

    /// The same with these variables.
    pub async fn start_with(
        folder: &Folder,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.0.path().join("data"))
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("readable");
        let address = line.trim_end().strip_prefix("listening on http://");
        let mut stderr = child.stderr.take().expect("piped");
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).expect("text");
            log
        });
        let program = Self {
            address: address.expect("an address").parse().expect("an address"),
            child,
            _stdout: stdout,
            log: Some(log),
        };
        until("ready", || async {
            program.ask(Request::get("/ready")).await.status == 200
        })
        .await;
        program
    }

    pub async fn ask(&self, request: Request) -> Answer {
        let mut client = Client::connect(self.address).await;
        client.ask(&request.header("Connection", "close")).await
    }

    /// Ends it gently; what it logged.
    pub fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(kill.expect("kill runs").success());
        let log = self.log.take().expect("taken once");
        let log = log.join().expect("read");
        assert!(self.child.wait().expect("ends").success(), "{log}");
        log
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
