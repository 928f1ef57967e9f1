//! A server on a free port, and a client that sends bytes.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, InitToken, Sources};
use crate::server::{ServerError, run};

pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A time that nothing takes on a machine that is merely slow.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Running {
    pub(super) address: std::net::SocketAddr,
    pub(super) shutdown: CancellationToken,
    pub(super) ended: JoinHandle<Result<(), ServerError>>,
    _folder: tempfile::TempDir,
}

/// A server with the operator's token [`TOKEN`] and these changes to the defaults.
pub(super) async fn start(change: impl FnOnce(&mut Config)) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
    config.storage.data_dir = folder.path().join("data");
    config.init_token = Some(InitToken::new(TOKEN).expect("a valid token"));
    change(&mut config);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let shutdown = CancellationToken::new();
    let server = run(
        listener,
        Arc::new(config),
        Box::new(|_| Ok(())),
        shutdown.clone(),
    );
    let running = Running {
        address,
        shutdown,
        ended: tokio::spawn(server),
        _folder: folder,
    };
    while !running
        .ask("GET /ready HTTP/1.0\r\n\r\n")
        .await
        .starts_with("HTTP/1.0 200")
    {}
    running
}

impl Running {
    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Sends bytes on a new connection and reads until the server closes it.
    pub(super) async fn ask(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // A server that refused may have closed already.
        let _ = stream.write_all(request.as_ref()).await;
        rest(&mut stream).await
    }

    /// Sends `POST /api/v2/write` with these extra header lines, on a connection that closes
    /// afterwards.
    pub(super) async fn write(&self, query: &str, headers: &str, body: &[u8]) -> String {
        let head = format!(
            "POST /api/v2/write?{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {TOKEN}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            body.len()
        );
        self.ask([head.as_bytes(), body].concat()).await
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        let ended = timeout(PATIENCE, self.ended).await;
        ended.expect("ends").expect("no panic").expect("no error");
    }
}

/// Reads everything until the server closes.
pub(super) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("the server closes")
        .expect("without a reset");
    String::from_utf8(bytes).expect("text")
}

/// Reads one answer, without its body, from a connection that stays open.
pub(super) async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await;
        bytes.push(byte.expect("in time").expect("an answer"));
    }
    String::from_utf8(bytes).expect("text")
}

/// The bytes after the head.
pub(super) fn body_of(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
