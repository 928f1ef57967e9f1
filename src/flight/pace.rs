//! Messages between the work that makes them and the client that takes them.
//!
//! A task makes them, a little ahead of the client. A client that takes its time makes the answer
//! wait; one that takes almost nothing, or goes away, ends it, and with it what the answer holds.

use std::time::Duration;

use arrow_flight::FlightData;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use prost::Message;
use tokio::sync::mpsc;
use tonic::Status;

use crate::narrow;

/// Messages for a client.
pub(super) type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// The number of messages that are made ahead.
const AHEAD: usize = 2;

/// The pace at which a client must take messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bytes per second.
    pub(super) rate_bytes_min: u64,
    /// The time that it has beyond what the rate allows.
    pub(super) grace: Duration,
}

/// The pace of every client: that of answers over HTTP. The grace is longer, since a program that
/// works on a batch reads nothing meanwhile, not even the signs of life.
pub(super) const PACE: Pace = Pace {
    rate_bytes_min: 1024,
    grace: Duration::from_secs(60),
};

/// Hands messages over, to their end or until the client is too slow.
pub(super) fn paced(
    messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    pace: Pace,
) -> Messages {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {}
            () = hand_over(messages, &sender, pace) => {}
        }
    });
    let taken = stream::unfold(
        (receiver, false),
        move |(mut receiver, is_over)| async move {
            if is_over {
                return None;
            }
            let message = receiver.recv().await.unwrap_or_else(|| Err(cut(pace)));
            let is_over = !matches!(message, Ok(Some(_)));
            let message = message.transpose()?;
            Some((message, (receiver, is_over)))
        },
    );
    taken.boxed()
}

/// A message; `None` is the end. Without it, the rest is missing.
type Next = Result<Option<FlightData>, Status>;

async fn hand_over(
    messages: impl Stream<Item = Result<FlightData, Status>>,
    to: &mpsc::Sender<Next>,
    pace: Pace,
) {
    let mut messages = std::pin::pin!(messages);
    loop {
        let next = messages.next().await.transpose();
        let is_last = !matches!(next, Ok(Some(_)));
        let bytes = match &next {
            Ok(Some(message)) => message.encoded_len(),
            Ok(None) | Err(_) => 0,
        };
        let patience = pace.patience(bytes);
        match tokio::time::timeout(patience, to.send(next)).await {
            Ok(Ok(())) if !is_last => {}
            Ok(_) => return,
            Err(_) => {
                tracing::warn!(
                    rate_bytes_min = pace.rate_bytes_min,
                    "an answer over Flight was cut off: its reader is too slow"
                );
                return;
            }
        }
    }
}

impl Pace {
    /// The time that the slowest tolerated client needs for so many bytes.
    fn patience(self, bytes: usize) -> Duration {
        let seconds = narrow::to_u64(bytes) / self.rate_bytes_min.max(1);
        self.grace.saturating_add(Duration::from_secs(seconds))
    }
}

fn cut(pace: Pace) -> Status {
    Status::deadline_exceeded(format!(
        "the answer was cut off: its reader took less than {} bytes per second",
        pace.rate_bytes_min
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use arrow_flight::FlightData;
    use futures_util::stream::{self, StreamExt};
    use tokio::sync::oneshot;
    use tonic::{Code, Status};

    use super::{AHEAD, PACE, Pace, paced};

    fn message(number: usize) -> FlightData {
        FlightData::new().with_app_metadata(number.to_string())
    }

    /// Tells when it is dropped.
    struct Told(Option<oneshot::Sender<()>>);

    impl Drop for Told {
        fn drop(&mut self) {
            let told = self.0.take().expect("dropped once").send(());
            told.expect("somebody waits");
        }
    }

    /// Messages without an end, and what tells that nobody makes them any more.
    fn endless() -> (
        impl futures_util::Stream<Item = Result<FlightData, Status>>,
        oneshot::Receiver<()>,
    ) {
        let (told, dropped) = oneshot::channel();
        let made = stream::unfold((0, Told(Some(told))), |(number, told)| async move {
            Some((Ok(message(number)), (number + 1, told)))
        });
        (made, dropped)
    }

    #[tokio::test]
    async fn messages_arrive_in_order_and_an_error_is_the_last() {
        let all = [Ok(message(0)), Ok(message(1)), Ok(message(2))];
        let taken: Vec<_> = paced(stream::iter(all.clone()), PACE).collect().await;
        let taken: Result<Vec<_>, _> = taken.into_iter().collect();
        assert_eq!(taken.expect("whole"), [message(0), message(1), message(2)]);
        let failing = [Ok(message(0)), Err(Status::not_found("x")), Ok(message(1))];
        let taken: Vec<_> = paced(stream::iter(failing), PACE).collect().await;
        let codes: Vec<_> = taken
            .iter()
            .map(|one| one.as_ref().err().map(Status::code))
            .collect();
        assert_eq!(codes, [None, Some(Code::NotFound)]);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_cut_off_and_nothing_is_held_for_it() {
        let (made, dropped) = endless();
        let pace = Pace {
            rate_bytes_min: 1_000_000_000,
            grace: Duration::from_millis(20),
        };
        let mut taken = paced(made, pace);
        assert!(taken.next().await.expect("a message").is_ok());
        dropped
            .await
            .expect("the work ended, though the stream is there");
        let rest: Vec<_> = taken.collect().await;
        let (last, held) = rest.split_last().expect("an end");
        assert_eq!(held.len(), AHEAD);
        let last = last.as_ref().expect_err("no clean end");
        assert_eq!(last.code(), Code::DeadlineExceeded);
        assert!(last.message().contains("1000000000 bytes"), "{last}");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_ends_the_work() {
        let (made, dropped) = endless();
        let mut taken = paced(made, PACE);
        assert!(taken.next().await.expect("a message").is_ok());
        drop(taken);
        dropped.await.expect("the work ended");
    }

    #[test]
    fn a_large_message_may_take_as_long_as_the_rate_says() {
        assert_eq!(PACE.patience(0), Duration::from_secs(60));
        assert_eq!(PACE.patience(2 << 20), Duration::from_secs(60 + 2048));
    }
}
