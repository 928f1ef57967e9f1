//! Requests that two readers could understand in two ways. Each hides another one; what must not
//! happen is that it is served.

use crate::client::Request;
use crate::server::{Server, TOKEN, write};

/// The request that each of the requests below hides.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn ambiguous_requests_are_refused_like_any_other_and_nothing_after_them_is_served() {
    let server = Server::start().await;
    let auth = format!("Host: a\r\nAuthorization: Token {TOKEN}\r\n");
    let post = format!("POST /api/v2/write?bucket=b HTTP/1.1\r\n{auth}");
    for request in [
        // Two framings.
        format!("{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        format!("{post}Content-Length: 0\r\nContent-Length: 38\r\n\r\n"),
        format!("{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n"),
        format!("{post}Content-Length: 0, 0\r\n\r\n"),
        // A framing that is not quite one.
        format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: identity\r\n\r\n"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Content-Length: +0\r\n\r\n"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Content-Length: 0x0\r\n\r\n"),
        format!("{post}Content-Length: \r\n\r\n"),
        format!("{post}Content-Length: 1 2\r\n\r\n"),
        format!("{post}Content-Length: 99999999999999999999\r\n\r\n"),
        format!("{post}Content-Length: 18446744073709551615\r\n\r\n"),
        // Names and lines.
        format!("{post}Content-Length : 0\r\n\r\n"),
        format!("{post} Content-Length: 0\r\n\r\n"),
        format!("{post}X: a\r\n b\r\n\r\n"),
        format!("{post}X: a\r\n\tContent-Length: 0\r\n\r\n"),
        format!("{post}X: a\nContent-Length: 0\r\n\r\n"),
        format!("{post}X: a\rContent-Length: 0\r\n\r\n"),
        format!("{post}X: a\0b\r\n\r\n"),
        format!("{post}X: a\r\r\n\r\n"),
        format!("{post}Content-Length: 0\x0c\r\n\r\n"),
        format!("{post}Content-Length\r\n\r\n"),
        format!("{post}: x\r\n\r\n"),
        format!("{post}\r\n").replace("\r\n", "\n"),
        // Hosts and request lines.
        "GET /ping HTTP/1.1\r\n\r\n".to_owned(),
        "GET /ping HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_owned(),
        "GET  /ping HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /ping HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned(),
        "GET /ping HTTP/1.2\r\nHost: a\r\n\r\n".to_owned(),
        "GET /ping HTTP/3.0\r\nHost: a\r\n\r\n".to_owned(),
        "GET /ping\r\nHost: a\r\n\r\n".to_owned(),
        "G(T /ping HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /pi ng HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET\t/ping\tHTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ] {
        let mut client = server.connect().await;
        client.send(format!("{request}{HIDDEN}")).await;
        let answer = client.answer(false).await;
        assert_eq!(answer.status, 400, "{request:?}");
        assert!(
            answer.message().starts_with("malformed request"),
            "{request:?}: {}",
            answer.message()
        );
        assert_eq!(answer.header("connection"), Some("close"));
        client.ends().await;
    }
    let hidden = r#"tidegate_http_requests_total{route="unmatched",status="404"}"#;
    assert!(
        server.metric(hidden).await < 0.5,
        "a hidden request was served"
    );
    server.stop().await;
}

#[tokio::test]
async fn chunks_that_are_not_framed_as_they_should_be_write_nothing() {
    let server = Server::start().await;
    let mut head = write("bucket=b")
        .header("Transfer-Encoding", "chunked")
        .bytes();
    head.truncate(head.len() - b"0\r\n\r\n".len());
    for body in [
        "7\nm f=1 1\r\n0\r\n\r\n",
        "7\r\nm f=1 1\n0\r\n\r\n",
        "7\r\nm f=1 1X\r\n0\r\n\r\n",
        "8\r\nm f=1 1\r\n0\r\n\r\n",
        "0x7\r\nm f=1 1\r\n0\r\n\r\n",
        "+7\r\nm f=1 1\r\n0\r\n\r\n",
        " 7\r\nm f=1 1\r\n0\r\n\r\n",
        "7 \r\nm f=1 1\r\n0\r\n\r\n",
        "-7\r\nm f=1 1\r\n0\r\n\r\n",
        "\r\nm f=1 1\r\n0\r\n\r\n",
        "g\r\n",
        "ffffffffffffffff\r\nm f=1 1\r\n",
        "7;a\nb\r\nm f=1 1\r\n0\r\n\r\n",
        "7\r\nm f=1 1\r\n0\r\nX: y\n\r\n",
    ] {
        let mut client = server.connect().await;
        client
            .send([&head, body.as_bytes(), HIDDEN.as_bytes()].concat())
            .await;
        let told = "the body ended too early or is not framed as its headers say";
        client.answer(false).await.is_error(400, "invalid", told);
        client.ends().await;
    }
    assert!(!server.has_bucket("b").await);
    for body in [
        "7\r\nm f=1 1\r\n0\r\n\r\n",
        "007\r\nm f=1 1\r\n000\r\n\r\n",
        "7;name=\"value\"\r\nm f=1 1\r\n0;x\r\n\r\n",
        "1\r\nm\r\n6\r\n f=1 1\r\n0\r\nTrailer: ignored\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.send([&head, body.as_bytes()].concat()).await;
        client.answer(false).await.is_written();
        // And the next request begins where it should.
        assert_eq!(client.ask(&Request::get("/nowhere")).await.status, 404);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_good_request_before_a_bad_one_is_served() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let good = write("bucket=b").body("m f=1 1").bytes();
    client
        .send([&good[..], b"GET /ping HTTP/1.1\n\n", &good].concat())
        .await;
    client.answer(false).await.is_written();
    assert_eq!(client.answer(false).await.status, 400);
    client.ends().await;
    server.stop().await;
}

#[tokio::test]
async fn heads_have_a_size_and_a_number_of_headers() {
    let server = Server::with(|config| {
        config.connection.head_bytes_max = 8192;
        config.connection.headers_max = 20;
    })
    .await;
    let plain = Request::get("/ping").bytes().len();
    let filler = |bytes: usize| Request::get("/ping").header("X", &"x".repeat(bytes));
    let exact = 8192 - plain - "X: \r\n".len();
    let mut client = server.connect().await;
    assert_eq!(client.ask(&filler(exact)).await.status, 204);
    let told = "the request's head is larger than the server allows (connection.head_bytes_max)";
    client
        .ask(&filler(exact + 1))
        .await
        .is_error(431, "request too large", told);
    client.ends().await;
    let headers = |count: usize| {
        (1..count).fold(Request::get("/ping"), |request, n| {
            request.header(&format!("X{n}"), "y")
        })
    };
    let mut client = server.connect().await;
    assert_eq!(client.ask(&headers(20)).await.status, 204);
    let told = "the request has more headers than the server allows (connection.headers_max)";
    client
        .ask(&headers(21))
        .await
        .is_error(431, "request too large", told);
    // A target that never ends, and a head that never ends.
    let mut client = server.connect().await;
    client.send(format!("GET /{}", "x".repeat(9000))).await;
    assert_eq!(client.answer(false).await.status, 431);
    server.stop().await;
}

#[tokio::test]
async fn empty_lines_before_a_request_are_skipped_and_targets_may_be_absolute() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send([b"\r\n\r\n", &Request::get("/ping").bytes()[..]].concat())
        .await;
    assert_eq!(client.answer(false).await.status, 204);
    assert_eq!(
        client
            .ask(&Request::get("http://any.example/ping"))
            .await
            .status,
        204
    );
    // The stand-in for refused requests is nobody's method.
    assert_eq!(
        client
            .ask(&Request::new("TIDEGATE-REFUSED", "/ping"))
            .await
            .status,
        405
    );
    server.stop().await;
}
