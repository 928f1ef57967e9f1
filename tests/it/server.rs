//! A real server on a free port, over a data folder that may have been prepared.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate::catalog::{Catalog, Limits, NewToken, Permissions, Scope};
use tidegate::clock::Clock;
use tidegate::config::{Config, InitToken, Sources};
use tidegate::server::{Announcement, Listener, ServerError, Tls, run};
use tidegate::storage::DiskStorage;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{Answer, Client, PATIENCE, Request};

/// The operator's token.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The defaults with these changes, over this data folder.
pub fn config(folder: &Path, change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
    config.storage.data_dir = folder.join("data");
    config.init_token = Some(InitToken::new(TOKEN).expect("a valid token"));
    change(&mut config);
    config
}

/// A running server. It ends when it is stopped, or with the test.
pub struct Server {
    pub address: SocketAddr,
    /// The certificate, if the settings name one.
    pub tls: Option<Tls>,
    shutdown: CancellationToken,
    ended: JoinHandle<Result<(), ServerError>>,
    pub folder: Arc<TempDir>,
}

impl Server {
    /// With the defaults.
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// With these changes to the defaults.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(Folder::new(), change).await
    }

    /// Over a prepared folder.
    pub async fn over(folder: Folder, change: impl FnOnce(&mut Config)) -> Self {
        let config = config(folder.0.path(), change);
        let server = Self::starting(folder, config, Box::new(|_| Ok(()))).await;
        server.ready().await;
        server
    }

    /// One that may still be starting.
    pub async fn starting(
        folder: Folder,
        config: Config,
        on_token: tidegate::server::Announce,
    ) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let tls = Tls::load(&config.tls).expect("a usable pair");
        let listener = Listener::new(socket, tls.clone());
        let shutdown = CancellationToken::new();
        let server = run(listener, Arc::new(config), on_token, shutdown.clone());
        Self {
            address,
            tls,
            shutdown,
            ended: tokio::spawn(server),
            folder: folder.0,
        }
    }

    /// One that is held while it starts, until the sender sends or goes.
    pub async fn held() -> (Self, Sender<()>) {
        let folder = Folder::new();
        let settings = config(folder.0.path(), |config| config.init_token = None);
        let (go_on, hold) = channel::<()>();
        let show = Box::new(move |told: Announcement<'_>| {
            if let Announcement::OperatorToken(_) = told {
                let _ = hold.recv();
            }
            Ok(())
        });
        (Self::starting(folder, settings, show).await, go_on)
    }

    /// Waits until it is ready.
    pub async fn ready(&self) {
        until("ready", || async {
            self.ask(Request::get("/ready")).await.status == 200
        })
        .await;
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, request: Request) -> Answer {
        let mut client = self.connect().await;
        client.ask(&request.header("Connection", "close")).await
    }

    /// `POST /api/v2/write` by the operator.
    pub async fn write(&self, query: &str, body: impl AsRef<[u8]>) -> Answer {
        self.ask(write(query).body(body)).await
    }

    /// The points of a bucket, as line protocol.
    pub async fn export(&self, bucket: &str) -> String {
        let answer = self.ask(export(&format!("bucket={bucket}"))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }

    /// Returns true if the bucket exists.
    pub async fn has_bucket(&self, bucket: &str) -> bool {
        let answer = self.ask(export(&format!("bucket={bucket}"))).await;
        assert!(matches!(answer.status, 200 | 404), "{}", answer.text());
        answer.status == 200
    }

    /// The value of a metric, 0 if it does not stand there.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.ask(Request::get("/metrics")).await;
        let line = text
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Waits until a metric is below this.
    pub async fn falls_below(&self, name: &str, limit: f64) {
        let falls = || async { self.metric(name).await < limit };
        until(name, falls).await;
    }

    /// Ends it gently; its folder can be served again.
    pub async fn stop(self) -> Folder {
        self.shutdown.cancel();
        let ended = timeout(PATIENCE, self.ended).await;
        ended.expect("ends").expect("no panic").expect("no error");
        Folder(self.folder)
    }
}

/// Waits until something is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// `POST /api/v2/write` by the operator, to be filled.
pub fn write(query: &str) -> Request {
    Request::post(format!("/api/v2/write?{query}")).token(TOKEN)
}

/// `GET /api/v1/export` by the operator.
pub fn export(query: &str) -> Request {
    Request::get(format!("/api/v1/export?{query}")).token(TOKEN)
}

/// A folder that a server keeps its data in.
pub struct Folder(pub Arc<TempDir>);

impl Folder {
    pub fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().expect("a folder")))
    }

    /// One with the operator's token, buckets (name, retention in nanoseconds) and tokens.
    pub fn prepared(prepare: impl FnOnce(&Catalog)) -> Self {
        let folder = Self::new();
        let storage = DiskStorage::open(folder.0.path().join("data")).expect("a data folder");
        let limits = Limits {
            buckets_max: 1000,
            tokens_max: 1000,
        };
        let catalog = Catalog::open(Arc::new(storage), Clock::system(), limits).expect("opens");
        catalog.ensure_operator(Some(TOKEN)).expect("made");
        prepare(&catalog);
        folder
    }

    /// One with these buckets.
    pub fn with_buckets(names: &[&str]) -> Self {
        Self::prepared(|catalog| {
            for name in names {
                catalog.create_bucket(name, None).expect("created");
            }
        })
    }
}

/// A new token that may read and write these buckets.
pub fn token(catalog: &Catalog, read: &[&str], write: &[&str], expires_ns: Option<i64>) -> String {
    let permissions = Permissions {
        operator: false,
        read: Scope::of(read.iter().copied()),
        write: Scope::of(write.iter().copied()),
    };
    let new = NewToken {
        description: "of a test".to_owned(),
        permissions,
        expires_ns,
    };
    let (secret, _) = catalog.create_token(new).expect("made");
    secret.reveal().to_owned()
}
