//! HTTP/2 with prior knowledge: the same answers, and streams that cannot starve each other.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::{Answer, PATIENCE, Request};
use crate::server::{Folder, Server, TOKEN, export, token, write};

/// A connection of HTTP/2.
pub struct Connection {
    sender: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    async fn open(server: &Server) -> Self {
        Self::to(server.address).await
    }

    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("connects");
        let (sender, connection) = h2::client::handshake(stream).await.expect("speaks HTTP/2");
        Self {
            sender,
            driver: tokio::spawn(connection),
        }
    }

    /// Sends a head; its body follows unless it is done.
    async fn begin(
        &mut self,
        request: &Request,
        done: bool,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let mut builder = http::Request::builder();
        builder = builder
            .method(request.method)
            .uri(format!("http://localhost{}", request.target));
        for (name, value) in &request.headers {
            builder = builder.header(name.to_ascii_lowercase(), value);
        }
        let request = builder.body(()).expect("a request");
        let mut sender = self.sender.clone().ready().await.expect("ready");
        sender.send_request(request, done).expect("sent")
    }

    pub async fn ask(&mut self, request: &Request) -> Answer {
        let (response, mut body) = self.begin(request, request.body.is_empty()).await;
        if !request.body.is_empty() {
            send_all(&mut body, &request.body).await;
        }
        answer(response).await
    }
}

/// Sends a body as far as the server's window lets it; stops when the stream is reset.
async fn send_all(stream: &mut SendStream<Bytes>, mut body: &[u8]) {
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let capacity = std::future::poll_fn(|cx| stream.poll_capacity(cx));
        let Some(Ok(capacity)) = timeout(PATIENCE, capacity).await.expect("room in time") else {
            return;
        };
        let (now, later) = body.split_at(capacity.min(body.len()));
        if stream
            .send_data(Bytes::copy_from_slice(now), later.is_empty())
            .is_err()
        {
            return;
        }
        body = later;
    }
}

async fn answer(response: ResponseFuture) -> Answer {
    let response = timeout(PATIENCE, response)
        .await
        .expect("in time")
        .expect("an answer");
    let (head, mut body) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            value.to_str().expect("text").to_owned(),
        )
    });
    let mut answer = Answer {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("in time") {
        let data = data.expect("data");
        answer.body.extend_from_slice(&data);
        body.flow_control()
            .release_capacity(data.len())
            .expect("released");
    }
    answer.check(false);
    answer
}

#[tokio::test]
async fn the_same_requests_get_the_same_answers() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    for (request, status) in [
        (write("bucket=b").body("m f=1 1\n"), 204),
        (
            write("bucket=b").header("Content-Encoding", "br").body("x"),
            415,
        ),
        (write("bucket=b").body("m f=\"x\" 1\nbad\n"), 400),
        (write("bucket=").body("m f=1 1\n"), 400),
        (
            Request::post("/api/v2/write?bucket=b").body("m f=1 1\n"),
            401,
        ),
        (export("bucket=b"), 200),
        (export("bucket=none"), 404),
        (Request::get("/nowhere"), 404),
        (Request::get("/api/v2/write"), 405),
        (Request::new("OPTIONS", "/api/v2/write"), 204),
        (Request::get("/ping"), 204),
    ] {
        let ours = connection.ask(&request).await;
        let plain = server.ask(request.clone()).await;
        assert_eq!(
            (ours.status, &ours.body),
            (plain.status, &plain.body),
            "{}",
            request.target
        );
        assert_eq!(ours.status, status, "{}", request.target);
        assert_eq!(
            ours.header("x-influxdb-error"),
            plain.header("x-influxdb-error")
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn large_bodies_and_many_streams_at_once() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    let lines: String = (0..50_000)
        .map(|n| format!("m,t=t{} f={n} {n}\n", n % 7))
        .collect();
    connection
        .ask(&write("bucket=b").body(&lines))
        .await
        .is_written();
    assert_eq!(
        connection
            .ask(&export("bucket=b"))
            .await
            .text()
            .lines()
            .count(),
        50_000
    );
    let mut responses = Vec::new();
    for n in 0..200 {
        let request = write("bucket=many").body(format!("m f={n} {n}"));
        let (response, mut body) = connection.begin(&request, false).await;
        body.send_data(Bytes::from(request.body), true)
            .expect("sent");
        responses.push(response);
        if responses.len() == 60 {
            for response in responses.drain(..) {
                answer(response).await.is_written();
            }
        }
    }
    for response in responses {
        answer(response).await.is_written();
    }
    assert_eq!(server.export("many").await.lines().count(), 200);
    server.stop().await;
}

#[tokio::test]
async fn streams_are_limited_and_one_that_waits_starves_nobody() {
    let server = Server::with(|config| config.connection.http2_streams_max = 4).await;
    let mut connection = Connection::open(&server).await;
    assert_eq!(connection.ask(&Request::get("/ping")).await.status, 204);
    assert_eq!(connection.sender.current_max_send_streams(), 4);
    // Three that send as much as their windows take of something that is refused or never ends.
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let request = write("bucket=b").header("Content-Length", "1000000");
        let (response, mut body) = connection.begin(&request, false).await;
        body.send_data(Bytes::from(vec![b'\n'; 60_000]), false)
            .expect("sent");
        waiting.push((response, body));
    }
    for n in 0..5 {
        let lines = format!("m f={n} {n}\n").repeat(10_000);
        connection
            .ask(&write("bucket=b").body(lines))
            .await
            .is_written();
    }
    drop(waiting);
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_does_not_end_the_connection() {
    let server = Server::with(|config| config.limits.wire_bytes_max = 1000).await;
    let mut connection = Connection::open(&server).await;
    for _ in 0..10 {
        let large = write("bucket=b").body("\n".repeat(300_000));
        assert_eq!(connection.ask(&large).await.status, 413);
        let stranger = Request::post("/api/v2/write?bucket=b").body("\n".repeat(300_000));
        assert_eq!(connection.ask(&stranger).await.status, 401);
        connection
            .ask(&write("bucket=b").body("m f=1 1"))
            .await
            .is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection_and_not_the_server() {
    let server = Server::start().await;
    let connection = Connection::open(&server).await;
    let mut refused = false;
    for _ in 0..5000 {
        let request = http::Request::builder()
            .method("POST")
            .uri("http://localhost/api/v2/write?bucket=b");
        let request = request
            .header("authorization", format!("Token {TOKEN}"))
            .body(())
            .expect("a request");
        let Ok(mut sender) = connection.sender.clone().ready().await else {
            refused = true;
            break;
        };
        let Ok((response, mut body)) = sender.send_request(request, false) else {
            refused = true;
            break;
        };
        body.send_reset(Reason::CANCEL);
        drop(response);
        tokio::task::yield_now().await;
    }
    let ended = timeout(PATIENCE, connection.driver).await;
    assert!(
        refused || ended.is_ok(),
        "five thousand resets were taken in silence"
    );
    server.write("bucket=b", "m f=1 1").await.is_written();
    server.falls_below("tidegate_connections", 1.5).await;
    server.stop().await;
}

#[tokio::test]
async fn heads_are_limited_here_too() {
    let server = Server::with(|config| config.connection.headers_max = 20).await;
    let mut connection = Connection::open(&server).await;
    let many = (0..30).fold(Request::get("/ping"), |request, n| {
        request.header(&format!("x{n}"), "y")
    });
    let told = "the request has more headers than the server allows (connection.headers_max)";
    connection
        .ask(&many)
        .await
        .is_error(431, "request too large", told);
    assert_eq!(connection.ask(&Request::get("/ping")).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn what_is_revoked_or_deleted_is_so_for_the_next_request_of_an_open_connection() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        agent = token(catalog, &[], &["b"], None);
    });
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    let mut connection = Connection::open(&server).await;
    let write = Request::post("/api/v2/write?bucket=b").token(&agent);
    let write = write.body("m f=1 1\n");
    let manage = |method, target: &str| Request::new(method, target).token(TOKEN);
    let retention = manage("PATCH", "/api/v1/buckets/b").body(r#"{"retention_seconds":3600}"#);
    assert_eq!(connection.ask(&write).await.status, 204);
    assert_eq!(connection.ask(&retention).await.status, 200);
    assert_eq!(connection.ask(&write).await.status, 400, "too old now");
    let delete = manage("DELETE", "/api/v1/buckets/b");
    assert_eq!(connection.ask(&delete).await.status, 204);
    assert_eq!(connection.ask(&write).await.status, 404);
    let revoke = manage("DELETE", "/api/v1/tokens/2");
    assert_eq!(connection.ask(&revoke).await.status, 204);
    assert_eq!(connection.ask(&write).await.status, 401);
    server.stop().await;
}
