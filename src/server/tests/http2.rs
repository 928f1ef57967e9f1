use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::{SendRequest, handshake};
use http::Request;
use tokio::time::timeout;

use super::client::{PATIENCE, Running, TOKEN};
use super::start;
use super::uploads::{holds, upload};

/// A connection with prior knowledge, and the result of its end.
async fn connect(
    server: &Running,
) -> (
    SendRequest<Bytes>,
    tokio::task::JoinHandle<Result<(), h2::Error>>,
) {
    let stream = server.connect().await;
    // As clients do: otherwise each window waits for the last one's acknowledgement.
    stream.set_nodelay(true).expect("a socket");
    let (send, connection) = handshake(stream).await.expect("a preface");
    (send, tokio::spawn(connection))
}

fn write(length: usize) -> Request<()> {
    Request::post("http://localhost/api/v2/write?bucket=b")
        .header("authorization", format!("Token {TOKEN}"))
        .header("content-length", length)
        .body(())
        .expect("a request")
}

async fn status(answer: h2::client::ResponseFuture) -> u16 {
    let answer = timeout(PATIENCE, answer).await.expect("in time");
    answer.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn http2_is_spoken_on_the_same_port() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let (send, _connection) = connect(&server).await;
    let mut send = send.ready().await.expect("open");
    let (answer, mut body) = send.send_request(write(5), false).expect("sent");
    body.send_data(Bytes::from_static(b"m f=1"), true)
        .expect("sent");
    assert_eq!(status(answer).await, 204);
    let (answer, _unsent) = send.send_request(write(5000), false).expect("sent");
    assert_eq!(status(answer).await, 413, "before a byte of it is sent");
    let (answer, _) = send.send_request(write(0), true).expect("sent");
    assert_eq!(status(answer).await, 204, "the connection lives");
    let mut many = write(0);
    for number in 0..100 {
        let name = http::HeaderName::try_from(format!("x-{number}")).expect("a name");
        many.headers_mut()
            .insert(name, http::HeaderValue::from_static("y"));
    }
    let (answer, _) = send.send_request(many, true).expect("sent");
    assert_eq!(status(answer).await, 431);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_waits_for_memory_starves_nobody() {
    let server = start(|config| {
        config.memory.budget_bytes = 1 << 20;
        // A time longer than any wait in these tests.
        config.memory.wait_max = 2 * PATIENCE;
        config.connection.body_idle_timeout = 2 * PATIENCE;
        config.connection.body_rate_bytes_min = 0;
    })
    .await;
    let (send, _connection) = connect(&server).await;
    let mut send = send.ready().await.expect("open");
    // One holds most of the memory and stalls; the others wait for it, and have sent more than the
    // connection would accept if its window were not the sum of theirs.
    let _holding = upload(&server, 840_000, 839_000).await;
    holds(&server, 839_000).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let (answer, mut body) = send.send_request(write(65_535), false).expect("sent");
        body.send_data(Bytes::from_static(&[b'x'; 65_535]), true)
            .expect("sent");
        waiting.push((answer, body));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (answer, mut body) = send.send_request(write(10), false).expect("sent");
    body.send_data(Bytes::from_static(b"# comment\n"), true)
        .expect("sent");
    assert_eq!(status(answer).await, 204);
}

/// Sends a whole body, as far as the server accepts it.
async fn send(body: &mut h2::SendStream<Bytes>, length: usize) -> Result<(), h2::Error> {
    let mut left = length;
    while left > 0 {
        body.reserve_capacity(left);
        let room = poll_fn(|cx| body.poll_capacity(cx)).await;
        let Some(room) = room else {
            return Err(poll_fn(|cx| body.poll_reset(cx)).await?.into());
        };
        let piece = Bytes::from(vec![b'x'; room?.min(left)]);
        left -= piece.len();
        body.send_data(piece, left == 0)?;
    }
    Ok(())
}

/// From a bug: curl reported `Stream error in the HTTP/2 framing layer`, and httpx waited for ever.
#[tokio::test]
async fn a_refused_body_is_taken_in_to_its_end() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let (client, _connection) = connect(&server).await;
    let mut client = client.ready().await.expect("open");
    let mut unauthorized = write(3_000_000);
    unauthorized.headers_mut().remove("authorization");
    for (request, refused) in [(write(3_000_000), 413), (unauthorized, 401)] {
        let (answer, mut body) = client.send_request(request, false).expect("sent");
        let sent = timeout(Duration::from_secs(30), send(&mut body, 3_000_000));
        sent.await.expect("in time").expect("no reset");
        assert_eq!(status(answer).await, refused);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_body_without_end_is_reset_after_its_answer() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let (client, _connection) = connect(&server).await;
    let mut client = client.ready().await.expect("open");
    let (answer, mut body) = client.send_request(write(80 << 20), false).expect("sent");
    let sent = timeout(Duration::from_secs(60), send(&mut body, 80 << 20)).await;
    let error = sent
        .expect("in time")
        .expect_err("more than is thrown away");
    assert_eq!(error.reason(), Some(Reason::NO_ERROR));
    assert_eq!(status(answer).await, 413, "the answer is whole");
    let (answer, _) = client.send_request(write(0), true).expect("sent");
    assert_eq!(status(answer).await, 204, "the connection lives");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_resets_what_it_asks_for_is_cut_off() {
    let server = start(|_| ()).await;
    let (mut send, mut connection) = connect(&server).await;
    for _ in 0..2000 {
        let Ok(ready) = send.clone().ready().await else {
            break;
        };
        send = ready;
        for _ in 0..50 {
            let Ok((_, mut body)) = send.send_request(write(5), false) else {
                break;
            };
            body.send_reset(Reason::CANCEL);
        }
        tokio::task::yield_now().await;
    }
    let ended = timeout(PATIENCE, &mut connection).await.expect("cut off");
    let error = ended.expect("no panic").expect_err("by an error");
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    let answer = server.ask("GET /ping HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 204 "), "others are served");
    server.stop().await;
}
