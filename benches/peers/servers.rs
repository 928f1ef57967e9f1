//! The servers, as processes.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::{Connection, TOKEN};

/// The time in which a server must answer after its start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ticks of a second in which the kernel counts processor time for programs.
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tidegate,
    Victoria,
    Influx,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Tidegate, Self::Victoria, Self::Influx];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tidegate => "tidegate",
            Self::Victoria => "victoria-metrics",
            Self::Influx => "influxdb",
        }
    }

    /// Returns whether there is a program, and says so if not.
    pub fn is_there(&self) -> bool {
        let program = self.program();
        let is_there = program.is_some();
        if !is_there {
            println!("SKIPPED: there is no {}", self.name());
        }
        is_there
    }

    fn program(self) -> Option<PathBuf> {
        let (variable, name) = match self {
            Self::Tidegate => {
                let given = std::env::var_os("TIDEGATE_BIN").map(PathBuf::from);
                return Some(given.unwrap_or_else(|| env!("CARGO_BIN_EXE_tidegate").into()));
            }
            Self::Victoria => ("TIDEGATE_VICTORIA", "victoria-metrics"),
            Self::Influx => ("TIDEGATE_INFLUXD", "influxd"),
        };
        if let Some(program) = std::env::var_os(variable) {
            return Some(program.into());
        }
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    }

    /// A write of this body.
    pub fn request(self, body: &[u8], is_gzip: bool) -> Vec<u8> {
        let path = match self {
            Self::Tidegate | Self::Victoria => "/api/v2/write?org=bench&bucket=bench",
            Self::Influx => "/write?db=bench",
        };
        let encoding = if is_gzip {
            "Content-Encoding: gzip\r\n"
        } else {
            ""
        };
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {TOKEN}\r\n\
             Content-Type: text/plain; charset=utf-8\r\n{encoding}Content-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        request
    }

    /// Starts it over an empty folder, and waits until it takes writes.
    pub fn start(self) -> Server {
        self.start_with(&[])
    }

    /// The same with these variables in its environment.
    pub fn start_with(self, environment: &[(&str, &str)]) -> Server {
        let folder = TempDir::new().expect("a folder");
        let mut server = self.start_in(&folder, environment);
        server._folder = Some(folder);
        server
    }

    /// The same over a folder, which may hold the data of a server before.
    pub fn start_in(self, folder: &TempDir, environment: &[(&str, &str)]) -> Server {
        let address = free();
        let mut command = Command::new(self.program().expect("it is there"));
        let data = folder.path().join("data");
        match self {
            Self::Tidegate => command
                .arg("serve")
                .arg("--listen")
                .arg(address.to_string())
                .arg("--data-dir")
                .arg(&data)
                .env("TIDEGATE_INIT_TOKEN", TOKEN),
            // It drops points that are older than a month.
            Self::Victoria => command
                .arg(format!("-httpListenAddr={address}"))
                .arg(format!("-storageDataPath={}", data.display()))
                .arg("-retentionPeriod=100y"),
            Self::Influx => command
                .env("INFLUXDB_DATA_DIR", data.join("data"))
                .env("INFLUXDB_DATA_WAL_DIR", data.join("wal"))
                .env("INFLUXDB_META_DIR", data.join("meta"))
                .env("INFLUXDB_HTTP_BIND_ADDRESS", address.to_string())
                .env("INFLUXDB_BIND_ADDRESS", free().to_string())
                .env("INFLUXDB_REPORTING_DISABLED", "true"),
        };
        command.envs(environment.iter().copied());
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let server = Server {
            child,
            address,
            _folder: None,
        };
        server.wait(self);
        server
    }
}

/// An address that nothing listens on.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound")
}

/// A process, which ends with this.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    _folder: Option<TempDir>,
}

impl Server {
    fn wait(&self, kind: Kind) {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "{} does not start", kind.name());
            std::thread::sleep(Duration::from_millis(50));
            if TcpStream::connect(self.address).is_err() {
                continue;
            }
            if kind == Kind::Influx {
                let make = "POST /query?q=CREATE+DATABASE+bench HTTP/1.1\r\nHost: localhost\r\n\
                            Content-Length: 0\r\n\r\n";
                Connection::open(self.address).ask(make.as_bytes());
            }
            let write = kind.request(b"ready v=1 1451606400000000000\n", false);
            if Connection::open(self.address).ask(&write).0 == 204 {
                return;
            }
        }
    }

    /// Stops it as an operator would, and returns the processor time that it took in all, in seconds.
    pub fn stop(mut self) -> f64 {
        // Of the processes that this one has waited for.
        let before = ticks("/proc/self/stat", 13);
        let stop = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(stop.expect("it runs").success(), "it is told");
        let told = ticks("/proc/self/stat", 13) - before;
        self.child.wait().expect("it is ours");
        (ticks("/proc/self/stat", 13) - before - told) / TICKS
    }

    /// The processor time that it took so far, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        ticks(&format!("/proc/{}/stat", self.child.id()), 11) / TICKS
    }
}

/// The sum of two fields of a process: the one that has so many others between it and the name, and the next.
/// After 11 come the times in user mode and in the kernel, after 13 those of its children.
fn ticks(path: &str, others: usize) -> f64 {
    let stat = fs::read_to_string(path).expect("it runs");
    let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields = fields.split(' ').skip(others).take(2);
    let ticks = fields.map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().expect("it is ours").is_none() {
            self.child.kill().expect("it is ours");
            self.child.wait().expect("it is ours");
        }
    }
}
