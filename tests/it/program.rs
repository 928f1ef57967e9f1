//! The real program, for what can be seen only from outside of it: its log.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::client::{Answer, Client, Request};
use crate::server::{Folder, until};

/// A running program. It is killed with the test at the latest.
pub struct Program {
    pub address: SocketAddr,
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Reads along, or a program that logs much would wait for us.
    log: Option<JoinHandle<()>>,
    logged: Arc<Mutex<String>>,
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
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let logged = Arc::<Mutex<String>>::default();
        let all = Arc::clone(&logged);
        let log = std::thread::spawn(move || {
            for line in stderr.lines() {
                let line = line.expect("text");
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        let program = Self {
            address: address.expect("an address").parse().expect("an address"),
            child,
            _stdout: stdout,
            log: Some(log),
            logged,
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

    /// Waits until it has logged this text.
    pub async fn until_logged(&self, text: &str) {
        until(text, || async { self.log().contains(text) }).await;
    }

    fn log(&self) -> String {
        let logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        logged.clone()
    }

    /// Ends it gently, and returns its log.
    pub fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(kill.expect("kill runs").success());
        let log = self.log.take().expect("taken once");
        log.join().expect("read");
        let log = self.log();
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
