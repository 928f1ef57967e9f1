//! Bounds on reading and discarding the rest of requests that were answered before they were read
//! (contract section 1.2).
//!
//! A client that is still sending its body reads the refusal late: many clients read only once
//! everything is sent, and report a broken connection if it ends before that. So the rest of the
//! body is read without keeping it, within these bounds: as many bytes as a body may have, at least
//! 64 MiB; [`TIME_MAX`] in total; [`PLACES`] requests at once. Beyond that, little is read
//! ([`Share::small`]), so that flooding the server with bodies that it refuses does not occupy it
//! for longer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::narrow;

/// The most requests whose bodies are discarded at the same time, over all connections.
const PLACES: usize = 64;
/// The most bytes of one request, unless a body may have more.
const BYTES_MAX: u64 = 64 << 20;
/// The most time, from the answer on.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The most bytes of one request if every place is taken or the server stops.
const SMALL_BYTES_MAX: u64 = 1 << 20;
const SMALL_TIME_MAX: Duration = Duration::from_secs(2);

/// The most bytes that are discarded of a connection without a request, until its goodbye.
const GOODBYE_BYTES_MAX: u64 = 64 * 1024;

/// The places for discarding, shared by all connections.
#[derive(Clone, Debug)]
pub(super) struct Drain {
    places: Arc<Semaphore>,
    bytes_max: u64,
    stopping: CancellationToken,
}

/// The bytes and time for discarding one request.
#[derive(Debug)]
pub(super) struct Share {
    bytes_left: u64,
    deadline: Instant,
    /// Absent once a stop has moved the deadline.
    stopping: Option<CancellationToken>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Drain {
    /// Makes the places. `wire_bytes_max` is the largest body; `stopping` is cancelled when the
    /// server stops.
    pub(super) fn new(wire_bytes_max: u64, stopping: CancellationToken) -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            bytes_max: wire_bytes_max.max(BYTES_MAX),
            stopping,
        }
    }

    /// A request's share, whose time begins now.
    pub(super) fn share(&self) -> Share {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        let Some(place) = place else {
            return Share::small();
        };
        Share {
            bytes_left: self.bytes_max,
            deadline: now() + TIME_MAX,
            stopping: Some(self.stopping.clone()),
            _place: Some(place),
        }
    }
}

impl Share {
    /// The share of a request for which there is no place.
    fn small() -> Self {
        Self::without_a_place(SMALL_BYTES_MAX)
    }

    /// The share of a connection on which there is no request.
    pub(super) fn of_goodbye() -> Self {
        Self::without_a_place(GOODBYE_BYTES_MAX)
    }

    fn without_a_place(bytes_left: u64) -> Self {
        Self {
            bytes_left,
            deadline: now() + SMALL_TIME_MAX,
            stopping: None,
            _place: None,
        }
    }

    /// The bytes that may still be discarded.
    pub(super) fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    /// Counts bytes that were discarded.
    pub(super) fn spend(&mut self, length: usize) {
        let length = narrow::to_u64(length);
        self.bytes_left = self.bytes_left.saturating_sub(length);
    }

    /// The result of `next`; `None` if it takes longer than `quiet`, or the time is over.
    pub(super) async fn within<T>(
        &mut self,
        quiet: Duration,
        next: impl Future<Output = T>,
    ) -> Option<T> {
        let mut next = pin!(next);
        let quiet = now() + quiet;
        loop {
            let stopping = self.stopping.clone().unwrap_or_default();
            tokio::select! {
                brought = &mut next => return Some(brought),
                () = sleep_until(quiet.min(self.deadline)) => return None,
                () = stopping.cancelled(), if self.stopping.is_some() => {
                    self.stopping = None;
                    self.deadline = self.deadline.min(now() + SMALL_TIME_MAX);
                }
            }
        }
    }
}

fn now() -> Instant {
    Instant::from_std(clock::instant())
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::{BYTES_MAX, Drain, PLACES, SMALL_BYTES_MAX, now};

    #[tokio::test]
    async fn a_share_is_large_while_there_is_a_place_and_small_beyond() {
        let drain = Drain::new(100, CancellationToken::new());
        let mut shares: Vec<_> = (0..PLACES).map(|_| drain.share()).collect();
        assert!(shares.iter().all(|share| share.bytes_left() == BYTES_MAX));
        assert_eq!(drain.share().bytes_left(), SMALL_BYTES_MAX);
        drop(shares.pop());
        let mut share = drain.share();
        assert_eq!(share.bytes_left(), BYTES_MAX, "the place is given back");
        share.spend(1000);
        assert_eq!(share.bytes_left(), BYTES_MAX - 1000);
        let more = Drain::new(BYTES_MAX * 3, CancellationToken::new());
        assert_eq!(more.share().bytes_left(), BYTES_MAX * 3);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_past_the_quiet_the_time_and_a_stop() {
        let (moment, long) = (Duration::from_millis(20), Duration::from_secs(600));
        let stopping = CancellationToken::new();
        let drain = Drain::new(100, stopping.clone());
        let mut share = drain.share();
        assert_eq!(share.within(long, async { 7 }).await, Some(7));
        assert_eq!(share.within(moment, pending::<()>()).await, None, "quiet");
        share.deadline = now() + moment;
        assert_eq!(share.within(long, pending::<()>()).await, None, "time");
        let mut share = drain.share();
        let before = share.deadline;
        stopping.cancel();
        assert_eq!(share.within(long, pending::<()>()).await, None, "stop");
        assert!(share.deadline < before, "the stop moved it");
    }
}
