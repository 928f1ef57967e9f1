//! Calls of Arrow Flight as a page in a browser makes them, over HTTP/1.1: they arrive in time and are
//! not large, and end with whoever made them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::client::{PATIENCE, Running, TOKEN};
use super::start;

async fn server() -> Running {
    let server = start(|config| {
        config.query.grpc_web = true;
        config.connection.body_idle_timeout = Duration::from_millis(50);
    });
    let server = server.await;
    let written = server.write("bucket=b", "", b"m v=1 1").await;
    assert!(written.starts_with("HTTP/1.1 204"), "{written}");
    server
}

/// A call whose body has this many bytes, of which these are sent.
async fn call(server: &Running, length: usize, body: &[u8]) -> TcpStream {
    call_of("application/grpc-web+proto", server, length, body).await
}

async fn call_of(kind: &str, server: &Running, length: usize, body: &[u8]) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!(
        "POST /arrow.flight.protocol.FlightService/DoGet HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: {kind}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    let sent = stream.write_all(&[head.as_bytes(), body].concat()).await;
    sent.expect("sent");
    stream
}

/// The message of `SELECT 1` as gRPC-Web has it in texts.
const BASE64: &str =
    "AAAAADwKOnsiZGF0YWJhc2UiOiJiIiwic3FsX3F1ZXJ5IjoiU0VMRUNUIDEiLCJxdWVyeV90eXBlIjoic3FsIn0=";

/// A message with a ticket for this question.
fn message(text: &str) -> Vec<u8> {
    message_in("sql", text)
}

fn message_in(language: &str, text: &str) -> Vec<u8> {
    let ticket = format!(r#"{{"database":"b","sql_query":"{text}","query_type":"{language}"}}"#);
    let length = |bytes: usize| u8::try_from(bytes).expect("short");
    // Field 1, of bytes.
    let fields = [&[10, length(ticket.len())], ticket.as_bytes()].concat();
    [&[0, 0, 0, 0, length(fields.len())], fields.as_slice()].concat()
}

async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    read.expect("the server closes").expect("without a reset");
    String::from_utf8_lossy(&bytes).replace("grpc-status: ", "grpc-status:")
}

/// Waits until so many questions run.
async fn run(server: &Running, count: &str) {
    let line = format!("tidegate_queries_running {count}");
    let runs = async {
        loop {
            let metrics = server
                .ask(format!(
                    "GET /metrics HTTP/1.0\r\nAuthorization: Token {TOKEN}\r\n\r\n"
                ))
                .await;
            if metrics.lines().any(|one| one.starts_with(&line)) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, runs).await.expect(&line);
}

/// From a bug: a client could hold a message open for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_arrive_ends_its_call() {
    let server = server().await;
    let whole = message("SELECT 1");
    let told = answer(call(&server, whole.len(), &whole).await).await;
    assert!(told.contains("grpc-status:0"), "{told}");
    let told = answer(call(&server, whole.len(), &whole[..9]).await).await;
    assert!(told.contains("grpc-status:4"), "{told}");
    server.stop().await;
}

/// From a bug: it was called late.
#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_base64_is_called_so() {
    let server = server().await;
    for (text, status) in [
        (BASE64, "grpc-status:0"),
        ("!!!!!!!!", "grpc-status:3"),
        (&BASE64[..BASE64.len() - 1], "grpc-status:3"),
    ] {
        let kind = "application/grpc-web-text";
        let asked = call_of(kind, &server, text.len(), text.as_bytes()).await;
        let told = answer(asked).await;
        assert!(told.contains(status), "{text}: {told}");
        assert_eq!(told.contains("base64"), status.ends_with('3'), "{told}");
    }
    server.stop().await;
}

/// From a bug: each could have 16 MiB, in the memory of nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_more_than_two_mebibytes_is_refused_before_it_is_sent() {
    let server = server().await;
    let claimed = u32::try_from(3 << 20).expect("fits").to_be_bytes();
    let begun = [&[0], claimed.as_slice()].concat();
    let told = answer(call(&server, begun.len() + (3 << 20), &begun).await).await;
    assert!(told.contains("grpc-status:11"), "{told}");
    server.stop().await;
}

/// From a bug: nothing looked whether the page was still there until the first rows were.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_goes_away_ends_its_question() {
    let server = server().await;
    let endless = message("SELECT count(*) FROM generate_series(1, 1000000000000)");
    let asking = call(&server, endless.len(), &endless).await;
    run(&server, "1").await;
    drop(asking);
    run(&server, "0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_reads_points_ends_with_what_it_has_cost() {
    let server = server().await;
    for (language, text, is_told) in [
        ("sql", "SELECT v FROM m", true),
        ("influxql", "SELECT v FROM m", true),
        ("influxql", "SHOW FIELD KEYS", true),
        ("influxql", "SELECT v FROM nothing", true),
        ("influxql", "SHOW DATABASES", false),
    ] {
        let whole = message_in(language, text);
        let told = answer(call(&server, whole.len(), &whole).await).await;
        assert!(told.contains("grpc-status:0"), "{text}: {told}");
        for name in [
            "queue-duration-seconds",
            "planning-duration-seconds",
            "execution-duration-seconds",
            "max-memory-bytes",
        ] {
            let name = format!("x-influxdata-{name}");
            assert_eq!(told.contains(&name), is_told, "{language} {text}: {told}");
        }
    }
    server.stop().await;
}
