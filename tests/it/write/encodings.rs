//! Contract sections 1.2 and 1.4: `Content-Encoding`; zstd and deflate by the same rules as gzip,
//! which has a module of its own.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use super::gzip::gzip;
use crate::client::Answer;
use crate::server::{Server, write};

const TOO_LARGE: &str = r#"{"code":"request too large","message":"unable to read data: points batch is too large","maxLength":100000}"#;

/// One frame that says how long it is.
fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(text, 3).expect("to memory")
}

/// One frame with a checksum and without its length, as a stream makes it.
fn zstd_streamed(text: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).expect("made");
    encoder.include_checksum(true).expect("set");
    encoder.window_log(window_log).expect("set");
    encoder.write_all(text).expect("to memory");
    encoder.finish().expect("to memory")
}

/// A frame to be skipped.
fn zstd_skippable(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    [&b"\x50\x2a\x4d\x18"[..], &length, content].concat()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("to memory");
    encoder.finish().expect("to memory")
}

fn raw_deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("to memory");
    encoder.finish().expect("to memory")
}

async fn encoded(server: &Server, encoding: &str, body: &[u8]) -> Answer {
    let request = write("bucket=b").header("Content-Encoding", encoding);
    server.ask(request.body(body)).await
}

#[tokio::test]
async fn names_of_encodings_have_no_case_and_gzip_has_two() {
    let server = Server::start().await;
    for (n, name) in ["gzip", "GZIP", "GZip", "x-gzip", "X-GZIP", "  gzip  "]
        .iter()
        .enumerate()
    {
        let body = gzip(format!("m f={n} 1\n").as_bytes());
        encoded(&server, name, &body).await.is_written();
        assert_eq!(server.export("b").await, format!("m f={n}.0 1\n"));
    }
    for (n, name) in ["zstd", "ZSTD", "Zstd", " zstd "].iter().enumerate() {
        let body = zstd(format!("m f={n} 2\n").as_bytes());
        encoded(&server, name, &body).await.is_written();
        assert!(
            server
                .export("b")
                .await
                .ends_with(&format!("m f={n}.0 2\n"))
        );
    }
    for (n, name) in ["deflate", "DEFLATE", "Deflate"].iter().enumerate() {
        for (body, timestamp) in [(zlib as fn(&[u8]) -> Vec<u8>, 3), (raw_deflate, 4)] {
            let line = format!("m f={n}.0 {timestamp}\n");
            encoded(&server, name, &body(line.as_bytes()))
                .await
                .is_written();
            assert!(server.export("b").await.contains(&line));
        }
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
    for name in [
        "snappy",
        "x-zstd",
        "zstd, gzip",
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

#[tokio::test]
async fn every_frame_of_a_zstd_stream_is_read_and_those_to_be_skipped_are_skipped() {
    let server = Server::start().await;
    let frames = [
        zstd_skippable(b"m f=9 9\n"),
        zstd(b"m f=1 1\nm f="),
        zstd_streamed(b"", 20),
        zstd_streamed(b"2 2\n", 23),
        zstd_skippable(b""),
        zstd(b"m f=3 3"),
    ];
    encoded(&server, "zstd", &frames.concat())
        .await
        .is_written();
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\nm f=2.0 2\nm f=3.0 3\n"
    );
    encoded(&server, "zstd", &zstd_skippable(b"all of it"))
        .await
        .is_written();
    let many: String = (0..100_000).map(|n| format!("m f={n} {n}\n")).collect();
    for (bucket, body) in [
        ("c", zstd(many.as_bytes())),
        ("d", zstd_streamed(many.as_bytes(), 23)),
    ] {
        let request = write(&format!("bucket={bucket}")).header("Content-Encoding", "zstd");
        server.ask(request.body(body)).await.is_written();
        assert_eq!(server.export(bucket).await.lines().count(), 100_000);
    }
    server.stop().await;
}

/// Cut at every byte, broken, or followed by something: nothing is written, and it is said what is
/// wrong.
#[tokio::test]
async fn a_stream_that_does_not_end_where_it_should_writes_nothing() {
    let server = Server::start().await;
    let text = b"m f=1 1\nm f=2 2\n";
    for (name, whole, end_told) in [
        ("zstd", zstd(text), "the last frame"),
        ("zstd", zstd_streamed(text, 20), "the last frame"),
        ("deflate", zlib(text), "its end"),
        ("deflate", raw_deflate(text), "its end"),
    ] {
        let told = |reason: String| format!("error decoding {name} stream: {reason}");
        // Of a single byte it is not known yet which of the two formats it is.
        for end in 2..whole.len() {
            let answer = encoded(&server, name, &whole[..end]).await;
            assert_eq!(answer.status, 400, "{name} cut at {end}");
            let early = told("it ends too early".to_owned());
            assert!(answer.message().starts_with(&early), "{}", answer.message());
        }
        assert_eq!(encoded(&server, name, &whole[..1]).await.status, 400);
        for garbage in [&b"\n"[..], b"\0\0\0\0", b"m f=3 3\n"] {
            let answer = encoded(&server, name, &[&whole[..], garbage].concat()).await;
            let reason = format!("{} bytes follow {end_told}", garbage.len());
            answer.is_error(400, "invalid", &told(reason));
        }
        let mut broken = whole.clone();
        let end = broken.len();
        broken[end - 1] ^= 0x55;
        let answer = encoded(&server, name, &broken).await;
        // Neither raw deflate nor a frame without a checksum can tell always.
        let checked = whole == zstd_streamed(text, 20) || whole == zlib(text);
        assert!(answer.status == 400 || !checked, "{name}: flipped");
    }
    let cut_frame = [zstd(text), zstd(text)].concat();
    let cut_frame = &cut_frame[..cut_frame.len() - 3];
    let answer = encoded(&server, "zstd", cut_frame).await;
    answer.is_error(
        400,
        "invalid",
        "error decoding zstd stream: it ends too early",
    );
    server.stop().await;
}

#[tokio::test]
async fn a_zstd_window_beyond_what_is_recommended_is_refused_in_words() {
    let server = Server::start().await;
    encoded(&server, "zstd", &zstd_streamed(b"m f=1 1\n", 23))
        .await
        .is_written();
    let answer = encoded(&server, "zstd", &zstd_streamed(b"m f=1 1\n", 24)).await;
    let told = "error decoding zstd stream: it needs a window of 16777216 bytes, at most 8388608 \
                are supported: compress with a lower level, or with a window log of 23 at most";
    answer.is_error(400, "invalid", told);
    server.stop().await;
}

#[tokio::test]
async fn a_bomb_is_too_large_in_every_encoding_whatever_it_says_of_itself() {
    let server = Server::with(|config| config.limits.decoded_bytes_max = 100_000).await;
    let blank = |length: usize| vec![b'\n'; length];
    let frames: Vec<u8> = (0..2000).flat_map(|_| zstd(&blank(60))).collect();
    // The length in the first frame's header lies.
    let mut lying = zstd(&blank(200_000));
    let size = lying
        .windows(4)
        .position(|four| four == 200_000_u32.to_le_bytes());
    let size = size.expect("a length in the header");
    lying[size..size + 4].copy_from_slice(&1000_u32.to_le_bytes());
    for (name, bomb, told) in [
        ("zstd", zstd(&blank(50_000_000)), 413),
        ("zstd", zstd_streamed(&blank(50_000_000), 23), 413),
        ("zstd", zstd_streamed(&blank(100_001), 17), 413),
        ("zstd", [zstd(&blank(200_000)), zstd(b"\n")].concat(), 413),
        ("zstd", frames, 413),
        ("zstd", lying, 400),
        ("zstd", zstd(&blank(100_000)), 204),
        ("deflate", zlib(&blank(50_000_000)), 413),
        ("deflate", raw_deflate(&blank(50_000_000)), 413),
        ("deflate", zlib(&blank(100_001)), 413),
        ("deflate", zlib(&blank(100_000)), 204),
        ("deflate", raw_deflate(&blank(100_000)), 204),
    ] {
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        let answer = encoded(&server, name, &bomb).await;
        assert_eq!(answer.status, told, "{name}: {}", answer.text());
        if told == 413 {
            answer.is(413, TOO_LARGE);
        }
    }
    let used = server.metric("tidegate_memory_used_bytes").await;
    assert!(used < 1000.0, "nothing stays reserved, but {used}");
    server.stop().await;
}

/// A decoder's own memory is asked for, and never waited for.
#[tokio::test]
async fn a_window_that_does_not_fit_the_memory_is_too_large_and_a_claim_takes_none() {
    let server = Server::with(|config| config.memory.budget_bytes = 4_000_000).await;
    let text = b"# comment\n".repeat(300_000);
    assert_eq!(
        encoded(&server, "zstd", &zstd_streamed(&text, 23))
            .await
            .status,
        413
    );
    encoded(&server, "zstd", &zstd_streamed(b"m f=1 1", 23))
        .await
        .is_written();
    let mut boasting = vec![0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x58];
    boasting.extend(3_000_000_u32.to_le_bytes());
    for _ in 0..10 {
        assert_eq!(encoded(&server, "zstd", &boasting).await.status, 400);
    }
    encoded(&server, "zstd", &zstd(b"m f=2 2"))
        .await
        .is_written();
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_or_missing_header_is_named() {
    let server = Server::start().await;
    let line = b"m f=1 1\n";
    for (body, encoding) in [(gzip(line), "gzip"), (zstd(line), "zstd")] {
        let told = format!(
            "the body is {encoding}, but the request does not say so: the header \
             `Content-Encoding: {encoding}` is missing"
        );
        server
            .write("bucket=b", &body)
            .await
            .is_error(400, "invalid", &told);
        encoded(&server, "identity", &body)
            .await
            .is_error(400, "invalid", &told);
    }
    for (declared, body, hint) in [
        (
            "gzip",
            line.to_vec(),
            "looks like plain text: compress it, or leave Content-Encoding away",
        ),
        (
            "zstd",
            line.to_vec(),
            "looks like plain text: compress it, or leave Content-Encoding away",
        ),
        (
            "deflate",
            line.to_vec(),
            "looks like plain text: compress it, or leave Content-Encoding away",
        ),
        (
            "gzip",
            zstd(line),
            "looks like zstd: send `Content-Encoding: zstd`",
        ),
        (
            "gzip",
            zlib(line),
            "looks like deflate: send `Content-Encoding: deflate`",
        ),
        (
            "zstd",
            gzip(line),
            "looks like gzip: send `Content-Encoding: gzip`",
        ),
        (
            "deflate",
            gzip(line),
            "looks like gzip: send `Content-Encoding: gzip`",
        ),
    ] {
        let answer = encoded(&server, declared, &body).await;
        assert_eq!(answer.status, 400);
        let start = format!("error decoding {declared} stream: ");
        let message = answer.message();
        assert!(
            message.starts_with(&start) && message.ends_with(hint),
            "{message}"
        );
    }
    assert!(!server.has_bucket("b").await);
    server.stop().await;
}
