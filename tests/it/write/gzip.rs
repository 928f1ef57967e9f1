//! Contract section 1.2: gzip, broken and whole, and bombs.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{Answer, Request};
use crate::server::{Server, write};

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("to memory");
    encoder.finish().expect("to memory")
}

fn request(body: impl AsRef<[u8]>) -> Request {
    write("bucket=b")
        .header("Content-Encoding", "gzip")
        .body(body)
}

async fn send(server: &Server, body: impl AsRef<[u8]>) -> Answer {
    server.ask(request(body)).await
}

#[tokio::test]
async fn every_member_of_a_stream_is_read() {
    let server = Server::start().await;
    let members = [
        gzip(b"m f=1 1\nm f="),
        gzip(b""),
        gzip(b"2 2\n"),
        gzip(b"m f=3 3"),
    ]
    .concat();
    send(&server, &members).await.is_written();
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\nm f=2.0 2\nm f=3.0 3\n"
    );
    // Nothing at all, and nothing in a member, is an empty body.
    send(&server, b"").await.is_written();
    send(&server, gzip(b"")).await.is_written();
    let chunked = request(&members).header("Transfer-Encoding", "chunked");
    server.ask(chunked).await.is_written();
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_cut_broken_or_followed_by_something_writes_nothing() {
    let server = Server::start().await;
    let whole = gzip(b"m f=1 1\nm f=2 2\n");
    for end in 1..whole.len() {
        let answer = send(&server, &whole[..end]).await;
        assert_eq!(answer.status, 400, "cut at {end}");
        assert!(
            answer.message().starts_with("error decoding gzip stream: "),
            "{}",
            answer.message()
        );
    }
    for at in [0, 1, 2, 12, whole.len() - 8, whole.len() - 1] {
        let mut broken = whole.clone();
        broken[at] ^= 0x55;
        assert_eq!(send(&server, &broken).await.status, 400, "flipped at {at}");
    }
    for garbage in [
        &b"\n"[..],
        b"\0",
        b"\0\0\0\0",
        b"\x1f",
        b"\x1f\x8b",
        b"m f=3 3\n",
    ] {
        let answer = send(&server, [&whole[..], garbage].concat()).await;
        assert_eq!(answer.status, 400, "{garbage:?}");
        assert!(
            answer.message().starts_with("error decoding gzip stream: "),
            "{}",
            answer.message()
        );
    }
    let trailing = send(&server, [&whole[..], b"more"].concat()).await;
    trailing.is_error(
        400,
        "invalid",
        "error decoding gzip stream: 4 bytes follow the last member",
    );
    let cut = send(&server, &whole[..12]).await;
    cut.is_error(
        400,
        "invalid",
        "error decoding gzip stream: it ends too early",
    );
    assert_eq!(
        send(&server, b"m f=1 1\n").await.status,
        400,
        "not gzip at all"
    );
    assert!(!server.has_bucket("b").await);
    server.stop().await;
}

#[tokio::test]
async fn a_bomb_is_too_large_whatever_it_says_of_itself() {
    let server = Server::with(|config| config.limits.decoded_bytes_max = 100_000).await;
    let told = r#"{"code":"request too large","message":"unable to read data: points batch is too large","maxLength":100000}"#;
    let bomb = gzip(&vec![b'\n'; 50_000_000]);
    assert!(bomb.len() < 100_000);
    send(&server, &bomb).await.is(413, told);
    // The length at the end of the last member lies, or belongs to a small member only.
    let mut lying = gzip(&vec![b'\n'; 200_000]);
    let end = lying.len();
    lying[end - 4..].copy_from_slice(&1_u32.to_le_bytes());
    send(&server, &lying).await.is(413, told);
    send(&server, [gzip(&vec![b'\n'; 200_000]), gzip(b"\n")].concat())
        .await
        .is(413, told);
    let many: Vec<u8> = (0..2000).flat_map(|_| gzip(&[b'\n'; 60])).collect();
    send(&server, &many).await.is(413, told);
    // At the limit it is taken; a byte more is not.
    send(&server, gzip(&vec![b'\n'; 100_000]))
        .await
        .is_written();
    send(&server, gzip(&vec![b'\n'; 100_001]))
        .await
        .is(413, told);
    assert!(
        server.metric("tidegate_memory_used_bytes").await < 1000.0,
        "nothing stays reserved"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_claim_of_gigabytes_takes_no_memory() {
    let server = Server::with(|config| config.memory.budget_bytes = 20_000_000).await;
    for claim in [u32::MAX, 1 << 31, 19_000_000] {
        let mut lying = gzip(b"m f=1 1\n");
        let end = lying.len();
        lying[end - 4..].copy_from_slice(&claim.to_le_bytes());
        let answer = send(&server, &lying).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
    send(&server, gzip(b"m f=1 1\n")).await.is_written();
    server.stop().await;
}
