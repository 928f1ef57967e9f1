//! The speed at which a compressed body is taken in, from the bytes as they were sent to its text in
//! memory that is paid for, beside a streaming decoder into a buffer of the right size.
//!
//! `cargo bench --no-default-features --bench body`: Telegraf's lines, 2 to 5,000 in a body, gzip at its
//! default level. Both take turns.
#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints its result and reads its own data"
)]

#[allow(dead_code, reason = "other benches use the rest")]
mod support;

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};
use tidegate::body::{Limits, Receiver};
use tidegate::clock::instant;
use tidegate::memory::{Budget, Marks};
use tokio::runtime;

use support::shapes;

const LINES: &[u64] = &[2, 50, 1_000, 5_000];
const ROUNDS: usize = 101;

fn main() {
    let serving = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for lines in LINES {
        compare(&serving, &shapes::telegraf(*lines));
    }
}

fn compare(serving: &runtime::Runtime, text: &str) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory");
    let wire = Bytes::from(encoder.finish().expect("memory"));
    let receiver = receiver();
    let headers = HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static("gzip"))]);
    let (mut received, mut decoded) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let started = instant();
        let body = receiver.receive(None, &headers, Body::from(wire.clone()));
        let body = serving.block_on(body).expect("a good body");
        received.push(started.elapsed().as_secs_f64());
        assert_eq!(body.bytes.len(), text.len());
        drop(black_box(body));
        let started = instant();
        let mut out = Vec::with_capacity(text.len());
        let read = GzDecoder::new(&wire[..]).read_to_end(&mut out);
        assert_eq!(read.expect("good"), text.len());
        decoded.push(started.elapsed().as_secs_f64());
        black_box(out);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let shown = |seconds: f64| {
        let rate = text.len() as f64 / 1e6 / seconds;
        format!("{:.1} us, {rate:.0} MB/s", seconds * 1e6)
    };
    println!(
        "gunzip, {} to {} bytes: {} of text; a streaming decoder alone {} (medians of {ROUNDS})",
        wire.len(),
        text.len(),
        shown(median(&mut received)),
        shown(median(&mut decoded))
    );
}

fn receiver() -> Receiver {
    let limits = Limits {
        wire_bytes_max: 1 << 26,
        decoded_bytes_max: 1 << 26,
        wait_max: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(10),
        rate_bytes_min: 0,
        rate_window: Duration::from_secs(10),
    };
    let budget = Budget::new(Marks {
        budget_bytes: 1 << 30,
        soft_bytes: 1 << 29,
        hard_bytes: 1 << 30,
    });
    Receiver::new(limits, budget, 1)
}
