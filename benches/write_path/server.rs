//! A server in this process, on a runtime of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::config::{Config, InitToken, Sources};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::{Connection, TOKEN};

/// Of its runtime's threads.
pub const THREADS: &str = "tidegate";

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    pub address: SocketAddr,
    runtime: Runtime,
    shutdown: CancellationToken,
    ended: JoinHandle<Result<(), tidegate::server::ServerError>>,
}

/// The defaults, but for a budget that never slows a benchmark down.
pub fn config(folder: &Path) -> Config {
    let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
    config.storage.data_dir = folder.to_owned();
    config.init_token = Some(InitToken::new(TOKEN).expect("a valid token"));
    config.memory.budget_bytes = 4 << 30;
    config
}

impl Server {
    /// Returns when it serves.
    pub fn start(folder: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name(THREADS)
            .enable_all()
            .build()
            .expect("threads");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shutdown = CancellationToken::new();
        let ended = runtime.spawn(tidegate::server::run(
            listener,
            Arc::new(config(folder)),
            Box::new(|_| Ok(())),
            shutdown.clone(),
        ));
        let server = Self {
            address,
            runtime,
            shutdown,
            ended,
        };
        let started = Instant::now();
        while server.connect().get("/ready").0 != 200 {
            assert!(started.elapsed() < PATIENCE, "the server gets ready");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// The value of a metric without labels, now.
    pub fn metric(&self, name: &str) -> f64 {
        let (status, text) = self.connect().get("/metrics");
        assert_eq!(status, 200);
        let line = text.lines().find_map(|line| {
            line.strip_prefix("tidegate_")?
                .strip_prefix(name)?
                .strip_prefix(' ')
        });
        line.unwrap_or_else(|| panic!("no metric {name}"))
            .parse()
            .expect("a number")
    }

    pub fn stop(self) {
        self.shutdown.cancel();
        let ended = self
            .runtime
            .block_on(async { tokio::time::timeout(PATIENCE, self.ended).await });
        ended.expect("ends").expect("no panic").expect("no error");
        self.runtime.shutdown_timeout(PATIENCE);
    }
}
