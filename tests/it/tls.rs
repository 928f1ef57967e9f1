//! HTTPS on a real socket: the handshake, the exchange of a certificate under load, and clients
//! that do it wrong.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tidegate::config::Config;
use tidegate::server::Tls;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Client, PATIENCE, Request};
use crate::server::{Folder, Server, TOKEN, config, write};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// A certificate with its key.
struct Pair {
    der: CertificateDer<'static>,
    cert: String,
    key: String,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    Pair {
        der: made.cert.der().clone(),
        cert: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
    }
}

/// A server with a certificate.
struct Secure {
    server: Server,
    folder: PathBuf,
}

impl Secure {
    async fn start(pair: &Pair, change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        let path = folder.0.path().to_owned();
        install(&path, pair);
        let config = config(&path, |config| {
            config.tls.cert_file = Some(path.join("cert.pem"));
            config.tls.key_file = Some(path.join("key.pem"));
            change(config);
        });
        let server = Server::starting(folder, config, Box::new(|_| Ok(()))).await;
        let secure = Self {
            server,
            folder: path,
        };
        let trusting = trusting(&[pair], &VERSIONS, &[]);
        let deadline = Instant::now() + PATIENCE;
        while secure.ask(&trusting, Request::get("/ready")).await != 200 {
            assert!(Instant::now() < deadline, "not ready");
        }
        secure
    }

    async fn connect(&self, config: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.server.address)
            .await
            .expect("connects");
        handshake(stream, config).await
    }

    /// One request on a connection of its own; its status.
    async fn ask(&self, config: &Arc<ClientConfig>, request: Request) -> u16 {
        let mut client = Client::over(self.connect(config).await);
        let answer = client.ask(&request.header("Connection", "close")).await;
        answer.status
    }

    fn tls(&self) -> &Tls {
        self.server.tls.as_ref().expect("a certificate")
    }
}

fn install(folder: &Path, pair: &Pair) {
    std::fs::write(folder.join("cert.pem"), &pair.cert).expect("written");
    std::fs::write(folder.join("key.pem"), &pair.key).expect("written");
}

/// A client that trusts these, speaks these versions and offers these protocols.
fn trusting(
    pairs: &[&Pair],
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pair in pairs {
        roots.add(pair.der.clone()).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("known versions")
        .with_webpki_verifier(verifier.build().expect("roots"))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

async fn handshake(stream: TcpStream, config: &Arc<ClientConfig>) -> TlsStream<TcpStream> {
    stream.set_nodelay(true).expect("an option");
    let name = ServerName::try_from("localhost").expect("a name");
    let shaken = TlsConnector::from(Arc::clone(config)).connect(name, stream);
    let shaken = timeout(PATIENCE, shaken).await;
    shaken.expect("in time").expect("a handshake")
}

#[tokio::test]
async fn http_1_is_spoken_over_both_versions_with_and_without_being_chosen() {
    let pair = pair();
    let secure = Secure::start(&pair, |_| ()).await;
    for version in VERSIONS {
        for alpn in [&[][..], &["http/1.1"], &["http/1.1", "h2"]] {
            let config = trusting(&[&pair], &[version], alpn);
            let stream = secure.connect(&config).await;
            let chosen = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            if alpn.contains(&"h2") {
                // The server's order counts.
                assert_eq!(chosen.as_deref(), Some(&b"h2"[..]));
                continue;
            }
            assert_eq!(chosen.as_deref(), alpn.first().map(|name| name.as_bytes()));
            let mut client = Client::over(stream);
            let long: String = (0..20_000).map(|n| format!("m f={n} {n}\n")).collect();
            client
                .ask(&write("bucket=b").body(&long))
                .await
                .is_written();
            let export = Request::get("/api/v1/export?bucket=b").token(TOKEN);
            let answer = client.ask(&export).await;
            assert_eq!(answer.text().lines().count(), 20_000);
        }
    }
    secure.server.stop().await;
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_offers_it() {
    let pair = pair();
    let secure = Secure::start(&pair, |_| ()).await;
    for version in VERSIONS {
        let stream = secure
            .connect(&trusting(&[&pair], &[version], &["h2"]))
            .await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        let connection = tokio::spawn(connection);
        for n in 0..20 {
            let request = http::Request::post("https://localhost/api/v2/write?bucket=b")
                .header("authorization", format!("Token {TOKEN}"))
                .body(())
                .expect("a request");
            let (answer, mut body) = sender.send_request(request, false).expect("sent");
            let line = format!("m f={n} {n}\n");
            body.send_data(line.into(), true).expect("sent");
            let answer = timeout(PATIENCE, answer).await.expect("in time");
            assert_eq!(answer.expect("an answer").status(), 204);
        }
        drop(sender);
        let _ = timeout(PATIENCE, connection).await.expect("ends");
    }
    secure.server.stop().await;
}

/// The proof that a certificate is exchanged without anybody noticing: clients that connect again
/// for every request, and one that stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_under_load_fails_no_request_and_new_handshakes_see_the_new_pair() {
    let (old, new) = (pair(), pair());
    let secure = Arc::new(Secure::start(&old, |_| ()).await);
    let both = trusting(&[&old, &new], &VERSIONS, &["http/1.1"]);
    let mut stayed = Client::over(secure.connect(&both).await);
    let (done, written) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load = (0..4).map(|task| {
        let (secure, done, written) = (secure.clone(), done.clone(), written.clone());
        // Without sessions to resume, so that every handshake shows a certificate.
        let both = trusting(&[&old, &new], &VERSIONS, &["http/1.1"]);
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let n = written.fetch_add(1, Ordering::Relaxed);
                let request = write("bucket=b").body(format!("m,task={task} f={n} {n}\n"));
                assert_eq!(secure.ask(&both, request).await, 204);
            }
        })
    });
    let load: Vec<_> = load.collect();
    for round in 0..10 {
        install(&secure.folder, if round % 2 == 0 { &new } else { &old });
        secure.tls().reload().expect("a usable pair");
        let before = written.load(Ordering::Relaxed);
        while written.load(Ordering::Relaxed) < before + 8 {
            sleep(Duration::from_millis(1)).await;
        }
        stayed
            .ask(&write("bucket=b").body("m f=1 1"))
            .await
            .is_written();
    }
    install(&secure.folder, &new);
    secure.tls().reload().expect("a usable pair");
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.expect("no request failed");
    }
    // Also for a client that could resume a session of before.
    let stream = secure.connect(&both).await;
    let shown = stream.get_ref().1.peer_certificates().expect("shown");
    assert_eq!(shown.first(), Some(&new.der));
    drop((stream, stayed));
    let secure = Arc::into_inner(secure).expect("nobody else");
    secure.server.stop().await;
}

#[tokio::test]
async fn a_reload_of_a_broken_pair_keeps_the_one_in_use() {
    let (old, new) = (pair(), pair());
    let secure = Secure::start(&old, |_| ()).await;
    let trusts_old = trusting(&[&old], &VERSIONS, &[]);
    let cert = secure.folder.join("cert.pem");
    for broken in [new.cert.as_str(), "", "-----BEGIN CERTIFICATE-----\n!"] {
        std::fs::write(&cert, broken).expect("written");
        let refused = secure.tls().reload().expect_err("refused").to_string();
        assert!(refused.contains("tls.cert_file"), "{refused}");
        assert_eq!(secure.ask(&trusts_old, Request::get("/ping")).await, 204);
    }
    std::fs::remove_file(&cert).expect("removed");
    assert!(secure.tls().reload().is_err());
    assert_eq!(secure.ask(&trusts_old, Request::get("/ping")).await, 204);
    install(&secure.folder, &new);
    secure.tls().reload().expect("a usable pair");
    let trusts_new = trusting(&[&new], &VERSIONS, &[]);
    assert_eq!(secure.ask(&trusts_new, Request::get("/ping")).await, 204);
    secure.server.stop().await;
}

#[tokio::test]
async fn a_client_that_is_silent_before_or_within_its_handshake_is_cut() {
    let pair = pair();
    // Long enough for a handshake on a busy machine.
    let head_timeout = Duration::from_secs(3);
    let secure = Secure::start(&pair, |config| {
        config.connection.head_timeout = head_timeout
    })
    .await;
    let address = secure.server.address;
    let cut = async |sent: &[u8]| {
        let started = Instant::now();
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(sent).await.expect("sent");
        loop {
            let mut byte = [0];
            match timeout(Duration::from_millis(50), stream.read(&mut byte)).await {
                Ok(_) => break,
                Err(_) if sent.len() > 1 => drop(stream.write_all(b"\0").await),
                Err(_) => {}
            }
            assert!(started.elapsed() < PATIENCE, "never cut");
        }
        assert!(started.elapsed() >= head_timeout - Duration::from_millis(50));
    };
    // Silent after it: the guard's time.
    let config = trusting(&[&pair], &VERSIONS, &[]);
    let after = async || Client::over(secure.connect(&config).await).ends().await;
    // Nothing; the start of a record; a record that never ends, in drops.
    let (start, endless) = (b"\x16", b"\x16\x03\x01\x40\x00\x01");
    tokio::join!(cut(b""), cut(start), cut(endless), after());
    let metrics = Client::over(secure.connect(&config).await)
        .ask(&Request::get("/metrics"))
        .await;
    let counted = "tidegate_requests_refused_total{reason=\"tls\"} 3";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    secure.server.stop().await;
}

#[tokio::test]
async fn silent_handshakes_do_not_keep_others_out_nor_delay_a_stop() {
    let pair = pair();
    let secure = Secure::start(&pair, |config| {
        config.connection.head_timeout = 2 * PATIENCE;
        config.server.shutdown_grace = 2 * PATIENCE;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(secure.server.address)
            .await
            .expect("connects");
        stream.write_all(b"\x16\x03").await.expect("sent");
        silent.push(stream);
    }
    let config = trusting(&[&pair], &VERSIONS, &[]);
    assert_eq!(secure.ask(&config, Request::get("/ping")).await, 204);
    // It is not waited for as long as those have time.
    secure.server.stop().await;
    drop(silent);
}

#[tokio::test]
async fn plain_http_on_the_port_is_told_to_use_https() {
    let pair = pair();
    let secure = Secure::start(&pair, |_| ()).await;
    let told = "this port speaks HTTPS: use https:// in the client's URL instead of http://";
    let body = vec![b'x'; 300_000];
    for request in [
        Request::get("/ping"),
        write("bucket=b").body("m f=1 1"),
        write("bucket=b").body(&body),
    ] {
        let answer = secure.server.ask(request).await;
        answer.is_error(400, "invalid", told);
    }
    for sent in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"G",
        b"\r\n",
        b"~~~",
    ] {
        let mut client = secure.server.connect().await;
        client.send(sent).await;
        client.answer(false).await.is_error(400, "invalid", told);
        client.ends().await;
    }
    // What is neither is cut.
    for sent in [
        &b"\0\0\0\0"[..],
        b"\x80\x2e\x01\x03\x01",
        b"\x16\x03\x01\0\x05hello",
    ] {
        let mut client = secure.server.connect().await;
        client.send(sent).await;
        timeout(PATIENCE, client.rest_or_reset())
            .await
            .expect("cut");
    }
    secure.server.stop().await;
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_still_gets_its_answer() {
    let pair = pair();
    let secure = Secure::start(&pair, |_| ()).await;
    for version in VERSIONS {
        let config = trusting(&[&pair], &[version], &[]);
        let mut client = Client::over(secure.connect(&config).await);
        client.send(write("bucket=b").body("m f=1 1").bytes()).await;
        client.stream.shutdown().await.expect("half-closed");
        client.answer(false).await.is_written();
        client.ends().await;
    }
    secure.server.stop().await;
}

#[tokio::test]
async fn a_refusal_can_be_read_by_who_is_still_sending() {
    let pair = pair();
    let secure = Secure::start(&pair, |config| config.limits.wire_bytes_max = 1024).await;
    for version in VERSIONS {
        let config = trusting(&[&pair], &[version], &[]);
        for length in [900_000, 9_000_000] {
            let mut client = Client::over(secure.connect(&config).await);
            let head = write("bucket=b").header("Content-Length", &length.to_string());
            client.send(head.bytes()).await;
            for _ in 0..9 {
                client.send([b'x'; 100_000]).await;
            }
            assert_eq!(client.answer(false).await.status, 413);
        }
    }
    secure.server.stop().await;
}

/// A goodbye that lies unread in the socket when it is closed makes the system reset the
/// connection, and discard what was not sent yet.
#[tokio::test]
async fn an_answer_comes_whole_to_a_slow_client_that_said_goodbye_meanwhile() {
    let pair = pair();
    let secure = Secure::start(&pair, |_| ()).await;
    let config = trusting(&[&pair], &VERSIONS, &[]);
    let text = "x".repeat(200);
    let lines: String = (0..3000).map(|n| format!("m s=\"{text}\" {n}\n")).collect();
    let mut writer = Client::over(secure.connect(&config).await);
    writer
        .ask(&write("bucket=b").body(&lines))
        .await
        .is_written();
    // A client that takes little at once: most of the answer waits on the server's side.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option");
    let stream = socket.connect(secure.server.address).await;
    let mut client = Client::over(handshake(stream.expect("connects"), &config).await);
    let export = Request::get("/api/v1/export?bucket=b").token(TOKEN);
    let request = export.header("Connection", "close").bytes();
    client.send(request).await;
    sleep(Duration::from_millis(20)).await;
    client.stream.shutdown().await.expect("said");
    sleep(Duration::from_millis(500)).await;
    let answer = client.answer(false).await;
    assert_eq!(answer.text().lines().count(), 3000);
    secure.server.stop().await;
}
