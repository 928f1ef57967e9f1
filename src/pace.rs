//! The pace at which a client must take an answer, and the handing over at that pace.
//!
//! ```text
//! work ─ Giver ─ a few items ahead ─ Taker ─ client
//! ```
//!
//! Promises: the work is at most a few items ahead of the client; a client that takes nothing for longer
//! than the slowest tolerated one would need is cut off, and from then on nothing is held for it,
//! however long its connection stays; a client that goes away ends the giving.
//!
//! What a client takes is not seen, only that its system made room, and it says so in steps: on one
//! machine from 64 KiB to about 470 KiB, the more the faster the client was before. So whoever took some
//! bytes has the time to read them before it must take more ([`Taking`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::clock;
use crate::narrow;

/// The pace at which a client must take what is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes per second.
    pub rate_bytes_min: u64,
    /// The time that it has beyond what the rate allows, for scheduling and small pieces.
    pub grace: Duration,
}

/// The most bytes that the systems of both sides are taken to hold for a client that reads slowly. What is
/// beyond that was read.
const UNREAD_BYTES_MAX: usize = 512 << 10;

impl Pace {
    /// The time that the slowest tolerated client needs for so many bytes.
    pub fn patience(self, bytes: usize) -> Duration {
        self.grace.saturating_add(self.reading(bytes))
    }

    /// As [`Pace::patience`], without the grace.
    fn reading(self, bytes: usize) -> Duration {
        let rate = self.rate_bytes_min.max(1);
        Duration::from_millis(narrow::to_u64(bytes).saturating_mul(1000) / rate)
    }
}

/// What a client has taken, as the time that it may need to read it.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    pace: Pace,
    /// When even the slowest tolerated client has read all of it.
    read_by: Instant,
}

impl Taking {
    /// Nothing taken yet.
    pub fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, read_by: now }
    }

    /// Notes that the client's side took this many bytes now, and that up to `held` bytes beside them may
    /// wait on our side.
    pub fn took(&mut self, bytes: usize, held: usize, now: Instant) {
        let unread_max = UNREAD_BYTES_MAX.saturating_add(held);
        let read_by = self.read_by.max(now) + self.pace.reading(bytes);
        self.read_by = read_by.min(now + self.pace.reading(unread_max));
    }

    /// The time that the client has from now on until it must take more, of which this many bytes are
    /// offered.
    pub fn patience(&self, bytes: usize, now: Instant) -> Duration {
        let reading = self.read_by.saturating_duration_since(now);
        self.pace.patience(bytes).saturating_add(reading)
    }
}

/// The reason for which an item was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    /// The client is gone.
    Gone,
    /// The client is too slow, and was cut off.
    Slow,
}

/// An item on its way; none once it was taken, or the client was cut off.
type Slot<T> = Arc<Mutex<Option<T>>>;

/// The end that hands items over.
#[derive(Debug)]
pub struct Giver<T> {
    sender: mpsc::Sender<Slot<T>>,
    /// The items that may still wait, with their bytes.
    waiting: VecDeque<(Slot<T>, usize)>,
    taking: Taking,
}

/// The end that takes them.
#[derive(Debug)]
pub struct Taker<T>(mpsc::Receiver<Slot<T>>);

/// Both ends, between which so many items may wait.
pub fn channel<T>(ahead: usize, pace: Pace) -> (Giver<T>, Taker<T>) {
    let (sender, receiver) = mpsc::channel(ahead);
    let giver = Giver {
        sender,
        waiting: VecDeque::with_capacity(ahead),
        taking: Taking::new(pace, clock::instant()),
    };
    (giver, Taker(receiver))
}

impl<T> Giver<T> {
    /// Hands over an item of so many bytes.
    ///
    /// # Errors
    /// [`Untaken`] if there is nobody to take it. There is no use in giving more.
    pub async fn give(&mut self, item: T, bytes: usize) -> Result<(), Untaken> {
        let slot = Arc::new(Mutex::new(Some(item)));
        let sent = self.sender.send(Arc::clone(&slot));
        let patience = self.taking.patience(bytes, clock::instant());
        match tokio::time::timeout(patience, sent).await {
            Ok(Ok(())) => {
                if self.waiting.len() == self.sender.max_capacity() {
                    self.waiting.pop_front();
                }
                let held = self.waiting.iter().map(|(_, bytes)| bytes).sum();
                self.taking.took(bytes, held, clock::instant());
                self.waiting.push_back((slot, bytes));
                Ok(())
            }
            Ok(Err(_)) => Err(Untaken::Gone),
            Err(_) => {
                self.waiting
                    .drain(..)
                    .for_each(|(slot, _)| drop(take(&slot)));
                Err(Untaken::Slow)
            }
        }
    }

    /// Waits until the client is gone.
    pub fn gone(&self) -> impl Future<Output = ()> + Send + use<T>
    where
        T: Send,
    {
        let sender = self.sender.clone();
        async move { sender.closed().await }
    }
}

impl<T> Taker<T> {
    /// The next item; none if nothing is handed over any more. The giver says by an item that it was the
    /// last: without one, the rest is missing.
    pub async fn take(&mut self) -> Option<T> {
        std::future::poll_fn(|cx| self.poll_take(cx)).await
    }

    /// As [`Taker::take`].
    pub fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let slot = ready!(self.0.poll_recv(cx));
        Poll::Ready(slot.and_then(|slot| take(&slot)))
    }
}

fn take<T>(slot: &Slot<T>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Pace, Taking, Untaken, channel, narrow};

    const PACE: Pace = Pace {
        rate_bytes_min: 1000,
        grace: Duration::from_millis(20),
    };

    #[test]
    fn a_large_item_may_take_as_long_as_the_rate_says() {
        assert_eq!(PACE.patience(0), PACE.grace);
        assert_eq!(PACE.patience(5000), Duration::from_millis(5020));
    }

    /// The system of a client takes a step of bytes, and says nothing until the client has read as much.
    /// Returns how many seconds a client is kept that reads this many bytes per second.
    fn kept(first: usize, step: usize, rate: usize) -> u64 {
        let pace = Pace {
            rate_bytes_min: 1024,
            grace: Duration::from_secs(10),
        };
        let start = crate::clock::instant();
        let mut taking = Taking::new(pace, start);
        taking.took(first, 0, start);
        let mut now = start;
        loop {
            let wait = match rate {
                0 => Duration::MAX,
                rate => Duration::from_millis(narrow::to_u64(step * 1000 / rate)),
            };
            let patience = taking.patience(0, now);
            let lasted = now - start;
            if wait > patience || lasted > Duration::from_secs(3600) {
                return (lasted + patience.min(wait)).as_secs();
            }
            now += wait;
            taking.took(step, 0, now);
        }
    }

    /// From a bug: clients below 8 KiB per second on the server's own machine were cut off after 70 s.
    #[test]
    fn who_reads_fast_enough_is_kept_though_its_system_speaks_seldom() {
        for (first, step, rate) in [
            (64 << 10, 64 << 10, 1024),
            (200 << 10, 128 << 10, 1100),
            (20 << 20, 470 << 10, 1024),
            (20 << 20, 200 << 10, 2048),
            (0, 1500, 1100),
        ] {
            let kept = kept(first, step, rate);
            assert!(kept >= 3600, "{first} {step} {rate}: {kept}");
        }
    }

    #[test]
    fn who_stops_is_cut_off_once_it_could_have_read_what_it_took() {
        assert_eq!(kept(0, 1, 0), 10);
        assert_eq!(kept(64 << 10, 1, 0), 10 + 64);
        assert_eq!(kept(20 << 20, 1, 0), 10 + 512, "most was read");
        assert_eq!(kept(64 << 10, 5000, 100), 78, "too little each time");
    }

    #[tokio::test]
    async fn items_arrive_in_order_and_then_their_end() {
        let (mut giver, mut taker) = channel(2, PACE);
        let given = tokio::spawn(async move {
            for item in 0..9 {
                giver.give(item, 0).await.expect("taken");
            }
        });
        let mut taken = Vec::new();
        while let Some(item) = taker.take().await {
            taken.push(item);
        }
        given.await.expect("no panic");
        assert_eq!(taken, (0..9).collect::<Vec<_>>());
    }

    /// From a bug: what waited for a client that was cut off stayed in memory with its connection.
    #[tokio::test]
    async fn nothing_is_held_for_a_client_that_was_cut_off() {
        let (mut giver, mut taker) = channel(2, PACE);
        let item = Arc::new(());
        for _ in 0..2 {
            giver.give(Arc::clone(&item), 0).await.expect("it may wait");
        }
        assert_eq!(Arc::strong_count(&item), 3);
        let given = giver.give(Arc::clone(&item), 0).await;
        assert_eq!(given, Err(Untaken::Slow));
        assert_eq!(Arc::strong_count(&item), 1, "the taker is still there");
        drop(giver);
        assert_eq!(taker.take().await, None);
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_known() {
        let (mut giver, taker) = channel(1, PACE);
        let gone = giver.gone();
        drop(taker);
        gone.await;
        assert_eq!(giver.give(1, 0).await, Err(Untaken::Gone));
    }
}
