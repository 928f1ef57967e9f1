use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::guard::{HTTP2_PREFACE, stand_in};
use super::head::Refusal::{
    Folded, HeaderLine, Host, Length, LineEnd, RequestLine, TransferEncoding,
};
use super::head::{Framing, Refusal, Verdict, check};
use super::remains::Unread;
use super::{Goodbye, Guard, Limits, Refusals, Returned};
use crate::pace::Pace;
use crate::server::drain::Drain;

/// A time that nothing takes on a machine that is merely slow.
const PATIENCE: Duration = Duration::from_secs(60);

const LIMITS: Limits = Limits {
    head_timeout: PATIENCE,
    head_bytes_max: 400,
    headers_max: 5,
    pace: pace(PATIENCE),
};

type Pieces = (
    Guard<DuplexStream>,
    Refusals,
    Returned<DuplexStream>,
    DuplexStream,
);

fn guarded() -> Pieces {
    guarded_with(LIMITS)
}

/// The pace of a peer that needs no time but this.
const fn pace(grace: Duration) -> Pace {
    Pace {
        rate_bytes_min: u64::MAX,
        grace,
    }
}

/// A guard that soon gives up slow peers.
fn impatient() -> Pieces {
    let soon = Duration::from_millis(100);
    guarded_with(Limits {
        head_timeout: soon,
        pace: pace(soon),
        ..LIMITS
    })
}

fn guarded_with(limits: Limits) -> Pieces {
    let (client, server) = duplex(64 * 1024);
    let (guard, refusals, returned) = Guard::new(server, limits);
    (guard, refusals, returned, client)
}

/// The bytes of `sent` that a guard passes on, read in pieces of any size.
async fn passed(sent: &[u8], piece_bytes: usize) -> (Vec<u8>, Option<Refusal>) {
    let (mut guard, refusals, _returned, mut client) = guarded();
    let mut seen = Vec::new();
    for piece in sent.chunks(piece_bytes) {
        client.write_all(piece).await.expect("room");
        let mut buffer = [0; 7];
        while let Ok(Ok(length @ 1..)) =
            timeout(Duration::from_millis(2), guard.read(&mut buffer)).await
        {
            seen.extend_from_slice(&buffer[..length]);
        }
    }
    (seen, refusals.take())
}

#[tokio::test]
async fn sound_requests_pass_unchanged_however_they_are_cut() {
    let requests: &[&[u8]] = &[
        b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /w HTTP/1.1\r\nhost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /w?x=%20 HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /w HTTP/1.1\r\nhost:a\r\ncontent-length:\t 0 \r\n\r\n",
    ];
    let all = requests.concat();
    for piece_bytes in [1, 2, 3, 10, 64, all.len()] {
        let (seen, refusal) = passed(&all, piece_bytes).await;
        assert_eq!(refusal, None, "in pieces of {piece_bytes}");
        assert_eq!(
            String::from_utf8_lossy(&seen),
            String::from_utf8_lossy(&all)
        );
    }
}

/// Heads that two readers could read differently.
const AMBIGUOUS: &[(&str, Refusal)] = &[
    ("GET / HTTP/1.1\nHost: a\n\n", LineEnd),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", LineEnd),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", LineEnd),
    ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", LineEnd),
    ("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", LineEnd),
    ("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", LineEnd),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", RequestLine),
    ("GET /\r\nHost: a\r\n\r\n", RequestLine),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", RequestLine),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", RequestLine),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
    ("GET \u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", LineEnd),
    ("GET <> HTTP/1.1\r\nHost: a\r\n\r\n", RequestLine),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", Folded),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Folded),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", HeaderLine),
    ("GET / HTTP/1.1\r\nHost\r\n\r\n", HeaderLine),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", HeaderLine),
    ("GET / HTTP/1.1\r\nHost: a\r\nX y: a\r\n\r\n", HeaderLine),
    ("GET / HTTP/1.1\r\n\r\n", Host),
    ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", Host),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
        Length,
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\r\n\r\n", LineEnd),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\x0c5\r\n\r\n",
        LineEnd,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        Length,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        TransferEncoding,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        TransferEncoding,
    ),
    (
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        TransferEncoding,
    ),
];

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    for (head, refusal) in AMBIGUOUS {
        assert_eq!(
            check(head.as_bytes(), &LIMITS),
            Verdict::Refused(*refusal),
            "{head:?}"
        );
    }
}

/// From a bug: HTTP/1.0 ends a body without a length with the connection, which looks the same as a
/// body that was cut off: such a write used to get 204 and stored nothing.
#[test]
fn a_body_of_http_1_0_needs_a_length_and_one_of_http_1_1_without_any_is_empty() {
    let framing = |head: &str| match check(head.as_bytes(), &LIMITS) {
        Verdict::Good { framing, .. } => Ok(framing),
        Verdict::Refused(refusal) => Err(refusal),
        Verdict::Incomplete => panic!("whole"),
    };
    for method in ["POST", "PUT", "PATCH"] {
        let old = framing(&format!("{method} /w HTTP/1.0\r\n\r\n"));
        assert_eq!(old, Err(Refusal::LengthRequired), "{method}");
        let named = framing(&format!(
            "{method} /w HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(named, Ok(Framing::Length(0)), "{method}");
        let new = framing(&format!("{method} /w HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(new, Ok(Framing::Length(0)), "{method}");
    }
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let without = framing(&format!("{method} /w HTTP/1.0\r\n\r\n"));
        assert_eq!(without, Ok(Framing::Length(0)), "{method}");
    }
}

#[test]
fn a_target_is_text_to_its_last_byte() {
    let head = b"GET /ping#\xff HTTP/1.1\r\nHost: a\r\n\r\n";
    let refused = Verdict::Refused(Refusal::RequestLine);
    assert_eq!(check(head, &LIMITS), refused);
}

#[test]
fn heads_have_limits() {
    let head = |filler: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{filler}\r\n");
    let good = check(head("").as_bytes(), &LIMITS);
    assert_eq!(
        good,
        Verdict::Good {
            head_bytes: 27,
            framing: Framing::Length(0)
        }
    );
    let many = check(head(&"X: y\r\n".repeat(5)).as_bytes(), &LIMITS);
    assert_eq!(many, Verdict::Refused(Refusal::TooManyHeaders));
    let long = format!("X: {}", "y".repeat(500));
    for sent in [head(&long), head(&format!("{long}\r\n"))] {
        assert_eq!(
            check(sent.as_bytes(), &LIMITS),
            Verdict::Refused(Refusal::TooLarge)
        );
    }
    assert_eq!(
        check(b"GET / HTTP/1.1\r\nHos", &LIMITS),
        Verdict::Incomplete
    );
}

/// From a bug: where the limit on heads was raised, it was told that the request line is malformed.
#[test]
fn an_address_has_a_limit_of_its_own() {
    let limits = Limits {
        head_bytes_max: 1 << 20,
        ..LIMITS
    };
    let head = |bytes: usize| {
        let query = "x".repeat(bytes - 2);
        format!("GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n")
    };
    let longest = check(head(65_534).as_bytes(), &limits);
    assert!(matches!(longest, Verdict::Good { .. }), "{longest:?}");
    let refused = Verdict::Refused(Refusal::TooLongTarget);
    assert_eq!(check(head(65_535).as_bytes(), &limits), refused);
}

#[tokio::test]
async fn a_refused_head_is_replaced_and_nothing_after_it_is_passed() {
    let sent =
        b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\nHost: a\n\nGET /x HTTP/1.1\r\n";
    let (seen, refusal) = passed(sent, sent.len()).await;
    assert_eq!(refusal, Some(Refusal::LineEnd));
    let good = &sent[..31];
    assert_eq!(
        String::from_utf8_lossy(&seen),
        String::from_utf8_lossy(&[good, &stand_in(&sent[31..])].concat())
    );
}

#[test]
fn the_path_of_a_refused_head_is_told_only_where_it_is_plain() {
    for (head, path) in [
        (
            "POST /write?db=b&p=secret HTTP/1.1\r\nBad Name: x\r\n\r\n",
            Some("/write"),
        ),
        (
            "POST /influx/api/v3/write_lp HTTP/9\r\n",
            Some("/influx/api/v3/write_lp"),
        ),
        ("GET /query HTTP/1.1\n", Some("/query")),
        ("GET /a%2fb HTTP/1.1\r\n", None),
        ("GET http://h/write HTTP/1.1\r\n", None),
        ("GET /a\u{1}b HTTP/1.1\r\n", None),
        ("GET /x\nHost: a\r\n", None),
        ("nonsense\r\n", None),
        ("", None),
    ] {
        assert_eq!(super::head::path(head.as_bytes()), path, "{head:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(256));
    assert_eq!(super::head::path(long.as_bytes()), None);
    let stand_in = stand_in(b"POST /write?db=b HTTP/1.1\r\n x: y\r\n");
    let expected = "TIDEGATE-REFUSED /write HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&stand_in), expected);
}

#[tokio::test]
async fn empty_lines_before_a_request_are_skipped() {
    let (seen, refusal) = passed(b"\r\n\r\nGET / HTTP/1.0\r\n\r\n", 1).await;
    assert_eq!(
        (seen.as_slice(), refusal),
        (&b"GET / HTTP/1.0\r\n\r\n"[..], None)
    );
}

#[tokio::test]
async fn http2_passes_by_its_preface_and_only_at_the_start() {
    let sent = [HTTP2_PREFACE, b"\0\0\0\x04anything\n\n\n"].concat();
    for piece_bytes in [1, 5, 100] {
        assert_eq!(passed(&sent, piece_bytes).await, (sent.clone(), None));
    }
    let late = [&b"GET / HTTP/1.0\r\n\r\n"[..], HTTP2_PREFACE].concat();
    assert_eq!(passed(&late, 100).await.1, Some(Refusal::RequestLine));
}

#[tokio::test]
async fn broken_chunks_are_an_error_of_the_body() {
    let (mut guard, refusals, _returned, mut client) = guarded();
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    client
        .write_all(&[&head[..], b"5\nhello"].concat())
        .await
        .expect("room");
    let mut buffer = vec![0; 1000];
    let length = guard.read(&mut buffer).await.expect("the head");
    assert_eq!(length, head.len());
    assert!(guard.read(&mut buffer).await.is_err());
    assert_eq!(refusals.take(), None);
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection_in_silence() {
    for sent in [&b""[..], b"GET / HTT", b"PRI * HT"] {
        let (mut guard, _refusals, _returned, mut client) = impatient();
        client.write_all(sent).await.expect("room");
        let read = timeout(PATIENCE, guard.read(&mut [0; 10])).await;
        assert_eq!(read.expect("in time").expect("no error"), 0, "{sent:?}");
    }
    // Between requests the time of a head does not run.
    let (mut guard, _refusals, _returned, mut client) = impatient();
    client
        .write_all(b"GET / HTTP/1.0\r\n\r\n")
        .await
        .expect("room");
    assert_eq!(guard.read(&mut [0; 100]).await.expect("the head"), 18);
    assert!(
        timeout(Duration::from_millis(300), guard.read(&mut [0; 10]))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_given_up() {
    let (mut guard, _refusals, _returned, _client) = impatient();
    let write = guard.write_all(&[0; 100_000]);
    let error = timeout(PATIENCE, write).await.expect("in time");
    assert_eq!(
        error.expect_err("nobody reads").kind(),
        std::io::ErrorKind::TimedOut
    );
}

#[tokio::test]
async fn a_connection_comes_back_and_is_closed_after_what_still_came() {
    let (mut guard, _refusals, returned, mut client) = guarded();
    client
        .write_all(b"POST / HTTP/1.0\r\nContent-Length: 9\r\n\r\nab")
        .await
        .expect("room");
    assert!(guard.read(&mut [0; 100]).await.expect("the head") > 0);
    guard.write_all(b"answer").await.expect("room");
    guard.shutdown().await.expect("flushes");
    drop(guard);
    let remains = returned.remains().await.expect("given back");
    assert_eq!(remains.unread, Unread::Bytes(7));
    let drain = Drain::new(0, CancellationToken::new());
    let closing = tokio::spawn(async move { remains.close(Goodbye::Silent, &drain).await });
    client
        .write_all(&[0; 30_000])
        .await
        .expect("taken, to be thrown away");
    let mut answer = [0; 6];
    client
        .read_exact(&mut answer)
        .await
        .expect("the answer is still readable");
    assert_eq!(&answer, b"answer");
    client.shutdown().await.expect("closes");
    closing.await.expect("closed");
}

#[tokio::test]
async fn nothing_is_waited_for_after_a_request_that_was_read_whole() {
    let (mut guard, _refusals, returned, mut client) = guarded();
    client
        .write_all(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nab")
        .await
        .expect("room");
    assert!(guard.read(&mut [0; 100]).await.expect("the head") > 0);
    assert!(guard.read(&mut [0; 100]).await.expect("the body") > 0);
    drop(guard);
    let remains = returned.remains().await.expect("given back");
    assert_eq!(remains.unread, Unread::Nothing);
}
