//! Contract sections 1.2 and 1.4: `Content-Encoding`.

use super::gzip::gzip;
use crate::client::Answer;
use crate::server::{Server, write};

async fn encoded(server: &Server, encoding: &str, body: &[u8]) -> Answer {
    let request = write("bucket=b").header("Content-Encoding", encoding);
    server.ask(request.body(body)).await
}

#[tokio::test]
async fn names_of_encodings_have_no_case_and_two_names_for_gzip() {
    let server = Server::start().await;
    for (n, name) in ["gzip", "GZIP", "GZip", "x-gzip", "X-GZIP", "  gzip  "]
        .iter()
        .enumerate()
    {
        let body = gzip(format!("m f={n} 1\n").as_bytes());
        encoded(&server, name, &body).await.is_written();
        assert_eq!(server.export("b").await, format!("m f={n}.0 1\n"));
    }
    for name in ["identity", "Identity", "IDENTITY", ""] {
        encoded(&server, name, b"m f=1 1").await.is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn what_there_is_no_decoder_for_is_refused_and_repeated() {
    let server = Server::start().await;
    let page = r#"{"code":"unsupported media type","message":"unacceptable content-encoding: br"}"#;
    encoded(&server, "br", b"m f=1 1").await.is(415, page);
    // `zstd` and `deflate` are still to come.
    for name in [
        "zstd",
        "deflate",
        "snappy",
        "gzip, gzip",
        "gzip, identity",
        "*",
        "gzip;q=1",
        "chunked",
    ] {
        let told = format!("unacceptable content-encoding: {name}");
        let answer = encoded(&server, name, b"m f=1 1").await;
        answer.is_error(415, "unsupported media type", &told);
    }
    let long = encoded(&server, &"x".repeat(300), b"m f=1 1").await;
    assert_eq!(
        long.message(),
        format!("unacceptable content-encoding: {}", "x".repeat(64))
    );
    let twice = write("bucket=b")
        .header("Content-Encoding", "gzip")
        .header("Content-Encoding", "gzip");
    let answer = server.ask(twice.body("x")).await;
    answer.is_error(
        415,
        "unsupported media type",
        "unacceptable content-encoding: gzip, gzip",
    );
    assert!(!server.has_bucket("b").await);
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_encoding_is_refused_before_the_body_is_read() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    let request = write("bucket=b")
        .header("Content-Encoding", "br")
        .header("Content-Length", "5000000");
    client.send(request.bytes()).await;
    assert_eq!(client.answer(false).await.status, 415);
    client.ends().await;
    server.stop().await;
}
