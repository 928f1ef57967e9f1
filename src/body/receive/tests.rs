use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tokio::time::{Sleep, sleep, timeout};

use super::{BodyError, Limits, Receiver};
use crate::memory::{Budget, Marks};

const LIMITS: Limits = Limits {
    wire_bytes_max: 100_000,
    decoded_bytes_max: 300_000,
    wait_max: Duration::from_millis(50),
    idle_timeout: Duration::from_millis(100),
    rate_bytes_min: 1000,
    rate_window: Duration::from_millis(300),
};

fn budget() -> Budget {
    Budget::new(Marks {
        budget_bytes: 1_000_000,
        soft_bytes: 1,
        hard_bytes: 1_000_000,
    })
}

fn receiver(budget: &Budget) -> Receiver {
    Receiver::new(LIMITS, budget.clone(), 1)
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            name.parse().expect("a name"),
            value.parse().expect("a value"),
        )
    });
    pairs.collect()
}

fn gzip(text: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("to memory");
    Bytes::from(encoder.finish().expect("to memory"))
}

/// A body of unknown length whose pieces arrive after pauses.
struct Trickle {
    pieces: VecDeque<(Duration, Result<Frame<Bytes>, &'static str>)>,
    pause: Option<Pin<Box<Sleep>>>,
}

fn trickle(pieces: impl IntoIterator<Item = (u64, &'static [u8])>) -> Trickle {
    let pieces = pieces.into_iter().map(|(millis, bytes)| {
        (
            Duration::from_millis(millis),
            Ok(Frame::data(Bytes::from_static(bytes))),
        )
    });
    Trickle {
        pieces: pieces.collect(),
        pause: None,
    }
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        let Some((wait, _)) = self.pieces.front() else {
            return Poll::Ready(None);
        };
        let wait = *wait;
        let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(wait)));
        std::task::ready!(pause.as_mut().poll(cx));
        self.pause = None;
        Poll::Ready(self.pieces.pop_front().map(|(_, piece)| piece))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test]
async fn a_body_of_known_length_takes_exactly_its_memory() {
    let budget = budget();
    let body = Full::new(Bytes::from_static(b"m f=1\n"));
    let received = receiver(&budget)
        .receive(None, &headers(&[]), body)
        .await
        .expect("taken");
    assert_eq!(
        (received.bytes.as_ref(), received.wire_bytes),
        (&b"m f=1\n"[..], 6)
    );
    assert_eq!(budget.used_bytes(), 6);
    drop(received);
    assert_eq!(budget.used_bytes(), 0);
}

#[tokio::test]
async fn an_empty_body_takes_nothing_whatever_its_encoding() {
    let budget = budget();
    let gzip = headers(&[("content-encoding", "gzip")]);
    let receiver = receiver(&budget);
    let empty = receiver
        .receive(None, &gzip, Full::new(Bytes::new()))
        .await
        .expect("taken");
    assert!(empty.bytes.is_empty());
    let chunked = receiver
        .receive(None, &gzip, trickle([]))
        .await
        .expect("taken");
    assert!(chunked.bytes.is_empty());
}

#[tokio::test]
async fn a_body_of_unknown_length_grows_up_to_the_limit() {
    let budget = budget();
    let pieces = || (0..4).map(|_| (0, &[b'x'; 24_000][..]));
    let received = receiver(&budget)
        .receive(None, &headers(&[]), trickle(pieces()))
        .await;
    assert_eq!(received.expect("taken").bytes.len(), 96_000);
    let more = pieces().chain([(0, &[b'x'; 5000][..])]);
    let refused = receiver(&budget)
        .receive(None, &headers(&[]), trickle(more))
        .await;
    assert_eq!(
        refused.expect_err("refused"),
        BodyError::TooLarge { bytes_max: 100_000 }
    );
    assert_eq!(budget.used_bytes(), 0);
}

#[tokio::test]
async fn what_is_too_long_is_refused_by_its_length_alone() {
    let budget = budget();
    let announced = headers(&[("content-length", "100001")]);
    let never = trickle([(60_000, &b"x"[..])]);
    let refused = receiver(&budget).receive(None, &announced, never).await;
    assert_eq!(
        refused.expect_err("refused"),
        BodyError::TooLarge { bytes_max: 100_000 }
    );
    let unknown = headers(&[("content-encoding", "br"), ("content-length", "100001")]);
    let refused = receiver(&budget)
        .receive(None, &unknown, trickle([(60_000, &b"x"[..])]))
        .await;
    assert!(
        matches!(refused, Err(BodyError::UnknownEncoding { .. })),
        "told before the size"
    );
}

#[tokio::test]
async fn gzip_is_decoded_and_only_what_came_out_stays_reserved() {
    let budget = budget();
    let text = b"m f=1\n".repeat(10_000);
    let wire = gzip(&text);
    let sent = wire.len();
    let encoding = headers(&[("content-encoding", "GZIP")]);
    let received = receiver(&budget)
        .receive(None, &encoding, Full::new(wire))
        .await
        .expect("taken");
    assert_eq!(received.bytes, text);
    assert_eq!(received.wire_bytes, u64::try_from(sent).expect("small"));
    assert_eq!(budget.used_bytes(), 60_000);
}

#[tokio::test]
async fn memory_is_waited_for_and_then_refused() {
    let budget = budget();
    let held = budget.try_reserve(999_999).expect("fits");
    let receive = || async {
        let body = Full::new(Bytes::from_static(b"m f=1\n"));
        receiver(&budget).receive(None, &headers(&[]), body).await
    };
    let refused = receive().await.expect_err("refused");
    assert!(matches!(refused, BodyError::Overloaded(_)), "{refused}");
    // It waits for a minute, but no real time passes here.
    let patient = Limits {
        wait_max: Duration::from_secs(60),
        ..LIMITS
    };
    let receiver = Receiver::new(patient, budget.clone(), 1);
    let (empty, body) = (headers(&[]), Full::new(Bytes::from_static(b"m f=1\n")));
    let receiving = receiver.receive(None, &empty, body);
    tokio::pin!(receiving);
    let begun = timeout(Duration::from_millis(1), &mut receiving).await;
    assert!(begun.is_err(), "it waits");
    drop(held);
    assert!(receiving.await.is_ok());
}

#[tokio::test]
async fn a_body_that_pauses_too_long_or_comes_too_slowly_is_cut() {
    let budget = budget();
    let receive = async |limits, body: Trickle| {
        let receiver = Receiver::new(limits, budget.clone(), 1);
        receiver.receive(None, &headers(&[]), body).await
    };
    // Each rule is tested without the other: on a busy machine a pause may be long enough for both.
    let any_rate = Limits {
        rate_bytes_min: 0,
        ..LIMITS
    };
    let paused = trickle([(0, &b"m f"[..]), (60_000, b"=1\n")]);
    let cut = receive(any_rate, paused).await.expect_err("cut");
    assert_eq!(cut, BodyError::Idle(LIMITS.idle_timeout));
    let any_pause = Limits {
        idle_timeout: Duration::from_secs(60),
        ..LIMITS
    };
    let slow = trickle((0..100).map(|_| (20, &b"x"[..])));
    let cut = receive(any_pause, slow).await.expect_err("cut");
    assert!(
        matches!(
            cut,
            BodyError::TooSlow {
                bytes: 1..,
                rate_bytes_min: 1000,
                ..
            }
        ),
        "{cut}"
    );
    assert!(
        cut.to_string().contains("at least 1000 per second"),
        "{cut}"
    );
    // Longer than a window in total, and fast enough even if each pause lasted a hundred times as
    // long.
    let steady = trickle((0..20).map(|_| (20, &[b'x'; 4000][..])));
    let steady = receive(any_pause, steady).await;
    assert_eq!(steady.expect("taken").bytes.len(), 80_000);
    assert_eq!(budget.used_bytes(), 0);
}

#[tokio::test]
async fn a_body_that_breaks_is_an_error_and_trailers_are_skipped() {
    let budget = budget();
    let mut broken = trickle([(0, &b"m f"[..])]);
    broken.pieces.push_back((Duration::ZERO, Err("reset")));
    let refused = receiver(&budget).receive(None, &headers(&[]), broken).await;
    assert_eq!(refused.expect_err("refused"), BodyError::Broken);
    let mut trailed = trickle([(0, &b"m f=1"[..])]);
    trailed
        .pieces
        .push_back((Duration::ZERO, Ok(Frame::trailers(HeaderMap::new()))));
    let received = receiver(&budget)
        .receive(None, &headers(&[]), trailed)
        .await;
    assert_eq!(received.expect("taken").bytes.as_ref(), b"m f=1");
}
