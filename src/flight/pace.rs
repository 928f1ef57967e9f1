//! Messages between the work that makes them and the client that takes them.
//!
//! A task on the threads of questions makes them, a little ahead of the client. A client that takes its time makes the answer
//! wait; one that takes almost nothing, or goes away, ends it, and with it what the answer holds
//! ([`crate::pace`]).

use std::mem;
use std::time::Duration;

use arrow_flight::FlightData;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use prost::Message;
use tidegate_query::Holding;
use tokio::runtime::Handle;
use tonic::Status;

use crate::pace::{Giver, Pace, Untaken, channel};

/// Messages for a client.
pub(super) type Messages = BoxStream<'static, Result<FlightData, Status>>;

/// The number of messages that are made ahead.
const AHEAD: usize = 2;

/// The pace of every client: that of answers over HTTP. The grace is longer, since a program that
/// works on a batch reads nothing meanwhile, not even the signs of life.
pub(super) const PACE: Pace = Pace {
    rate_bytes_min: 1024,
    grace: Duration::from_secs(60),
};

/// What makes messages.
#[derive(Debug)]
pub(super) struct Maker {
    /// The threads that do.
    pub(super) threads: Handle,
    /// The memory in which messages wait for their client; they are not counted if it is absent.
    pub(super) memory: Option<Holding>,
}

/// Hands messages over, to their end or until the client is too slow.
pub(super) fn paced(
    messages: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
    pace: Pace,
    maker: Maker,
) -> Messages {
    let (mut giver, taker) = channel(AHEAD, pace);
    let Maker { threads, memory } = maker;
    let messages = messages.map_ok(move |message| match &memory {
        Some(memory) => counted(message, memory),
        None => message,
    });
    threads.spawn(async move {
        let gone = giver.gone();
        tokio::select! {
            () = gone => {}
            () = hand_over(messages, &mut giver) => {}
        }
    });
    let taken = stream::unfold((taker, false), move |(mut taker, is_over)| async move {
        if is_over {
            return None;
        }
        let message = taker.take().await.unwrap_or_else(|| Err(cut(pace)));
        let is_over = !matches!(message, Ok(Some(_)));
        let message = message.transpose()?;
        Some((message, (taker, is_over)))
    });
    taken.boxed()
}

/// A message; `None` is the end. Without it, the rest is missing.
type Next = Result<Option<FlightData>, Status>;

async fn hand_over(
    messages: impl Stream<Item = Result<FlightData, Status>>,
    giver: &mut Giver<Next>,
) {
    let mut messages = std::pin::pin!(messages);
    loop {
        let next = messages.next().await.transpose();
        let is_last = !matches!(next, Ok(Some(_)));
        let bytes = match &next {
            Ok(Some(message)) => message.encoded_len(),
            Ok(None) | Err(_) => 0,
        };
        match giver.give(next, bytes).await {
            Ok(()) if !is_last => {}
            Ok(()) | Err(Untaken::Gone) => return,
            Err(Untaken::Slow) => {
                tracing::warn!("an answer over Flight was cut off: its reader is too slow");
                return;
            }
        }
    }
}

/// A message that counts in this memory until its rows are copied to where the connection sends from.
fn counted(mut message: FlightData, memory: &Holding) -> FlightData {
    let in_use = memory.in_use(message.encoded_len());
    let bytes = mem::take(&mut message.data_body);
    message.data_body = Bytes::from_owner(Counted {
        bytes,
        _in_use: in_use,
    });
    message
}

/// Bytes that are counted until they are dropped.
struct Counted {
    bytes: Bytes,
    _in_use: Holding,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
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

    use super::{Maker, PACE, Pace, paced};
    use crate::flight::tests::{engine, maker};

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
        let taken: Vec<_> = paced(stream::iter(all.clone()), PACE, maker())
            .collect()
            .await;
        let taken: Result<Vec<_>, _> = taken.into_iter().collect();
        assert_eq!(taken.expect("whole"), [message(0), message(1), message(2)]);
        let failing = [Ok(message(0)), Err(Status::not_found("x")), Ok(message(1))];
        let taken: Vec<_> = paced(stream::iter(failing), PACE, maker()).collect().await;
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
        let mut taken = paced(made, pace, maker());
        assert!(taken.next().await.expect("a message").is_ok());
        dropped
            .await
            .expect("the work ended, though the stream is there");
        let rest: Vec<_> = taken.collect().await;
        let (last, held) = rest.split_last().expect("an end");
        assert!(held.is_empty(), "{} messages were held", held.len());
        let last = last.as_ref().expect_err("no clean end");
        assert_eq!(last.code(), Code::DeadlineExceeded);
        assert!(last.message().contains("1000000000 bytes"), "{last}");
    }

    #[tokio::test]
    async fn a_client_that_goes_away_ends_the_work() {
        let (made, dropped) = endless();
        let mut taken = paced(made, PACE, maker());
        assert!(taken.next().await.expect("a message").is_ok());
        drop(taken);
        dropped.await.expect("the work ended");
    }

    #[tokio::test]
    async fn what_waits_for_a_client_counts_in_the_memory_of_questions() {
        let engine = engine();
        let maker = Maker {
            memory: Some(engine.holding()),
            ..maker()
        };
        let rows = FlightData::new().with_data_body(vec![7; 1 << 20]);
        let all = stream::iter((0..9).map(move |_| Ok(rows.clone())));
        let mut taken = paced(all, PACE, maker);
        let first = taken.next().await.expect("a message").expect("sent");
        assert_eq!(first.data_body, vec![7; 1 << 20]);
        let used = || engine.memory_used_bytes() >> 20;
        while used() < 3 {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert!((2..=4).contains(&used()), "{} MiB", used());
        drop(taken);
        while engine.memory_used_bytes() > 0 {
            tokio::task::yield_now().await;
        }
    }
}
