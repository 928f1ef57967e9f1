//! The pace at which a client must take an answer, and the handing over at that pace.
//!
//! ```text
//! work ─ Giver ─ a few items ahead ─ Taker ─ client
//! ```
//!
//! Promises: the work is at most a few items ahead of the client; a client that takes nothing for longer
//! than the slowest tolerated one would need is cut off, and from then on nothing is held for it,
//! however long its connection stays; a client that goes away ends the giving.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::narrow;

/// The pace at which a client must take what is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Bytes per second.
    pub rate_bytes_min: u64,
    /// The time that it has beyond what the rate allows, for scheduling and small pieces.
    pub grace: Duration,
}

impl Pace {
    /// The time that the slowest tolerated client needs for so many bytes.
    pub fn patience(self, bytes: usize) -> Duration {
        let seconds = narrow::to_u64(bytes) / self.rate_bytes_min.max(1);
        self.grace.saturating_add(Duration::from_secs(seconds))
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
    /// The items that may still wait.
    waiting: VecDeque<Slot<T>>,
    pace: Pace,
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
        pace,
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
        match tokio::time::timeout(self.pace.patience(bytes), sent).await {
            Ok(Ok(())) => {
                if self.waiting.len() == self.sender.max_capacity() {
                    self.waiting.pop_front();
                }
                self.waiting.push_back(slot);
                Ok(())
            }
            Ok(Err(_)) => Err(Untaken::Gone),
            Err(_) => {
                self.waiting.drain(..).for_each(|slot| drop(take(&slot)));
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

    use super::{Pace, Untaken, channel};

    const PACE: Pace = Pace {
        rate_bytes_min: 1000,
        grace: Duration::from_millis(20),
    };

    #[test]
    fn a_large_item_may_take_as_long_as_the_rate_says() {
        assert_eq!(PACE.patience(0), PACE.grace);
        assert_eq!(PACE.patience(5000), Duration::from_millis(5020));
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
