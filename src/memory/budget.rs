//! The count of bytes against the marks, and the rights to hold some of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::marks::Marks;
use crate::certain::Certain;
use crate::narrow;

/// The size in bytes of the pieces in which the flushes' share is counted.
const SHARE_STEP_BYTES: u64 = 1024;

/// The number of concurrent readings besides a compaction.
const READINGS_MAX: usize = 4;

/// A part of what is set aside for flushing; given back on drop.
#[derive(Debug)]
pub struct FlushShare {
    _permit: OwnedSemaphorePermit,
}

/// A reservation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{wanted_bytes} bytes of memory wanted, {used_bytes} of {hard_bytes} are in use (memory.budget_bytes)"
)]
pub struct Exhausted {
    /// The bytes requested, with those that the request already holds.
    pub wanted_bytes: u64,
    /// The bytes already taken.
    pub used_bytes: u64,
    /// The most bytes that may be taken.
    pub hard_bytes: u64,
}

impl Exhausted {
    /// Returns true if the bytes could be granted if nothing else were held. If not, retrying is
    /// useless: the request is too large, not the load too high.
    pub fn fits_when_idle(&self) -> bool {
        self.wanted_bytes <= self.hard_bytes
    }
}

/// A shared, thread-safe count of bytes against the marks.
#[derive(Clone, Debug)]
pub struct Budget {
    pub(super) shared: Arc<Shared>,
    /// The bytes that one request has taken, if this is a request's view of the budget.
    account: Option<Arc<AtomicU64>>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) marks: Marks,
    used_bytes: AtomicU64,
    /// The part held by requests in progress: it comes back when they are answered.
    in_flight_bytes: AtomicU64,
    released: Notify,
    flushing: Arc<Semaphore>,
    flush_steps: u32,
    /// The lock for reading a file in a narrow step: see [`Room::turn`].
    pub(super) turn: Mutex<()>,
    /// The permits for concurrent readings: see [`Room::enter`].
    pub(super) readings: Arc<Semaphore>,
}

impl Budget {
    /// Returns an empty budget with these marks.
    pub fn new(marks: Marks) -> Self {
        let steps = (marks.flush_bytes() / SHARE_STEP_BYTES).max(1);
        let flush_steps = narrow::capped_u32(steps);
        let shared = Shared {
            marks,
            used_bytes: AtomicU64::new(0),
            in_flight_bytes: AtomicU64::new(0),
            released: Notify::new(),
            flushing: Arc::new(Semaphore::new(flush_steps as usize)),
            flush_steps,
            turn: Mutex::new(()),
            readings: Arc::new(Semaphore::new(READINGS_MAX)),
        };
        Self {
            shared: Arc::new(shared),
            account: None,
        }
    }

    /// Returns the same budget as one request sees it. Everything that the request takes through it
    /// counts against what could ever be granted to it, because even on an idle server the request
    /// would be in its own way.
    pub fn account(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            account: Some(Arc::default()),
        }
    }

    /// The marks this budget was made with.
    pub fn marks(&self) -> Marks {
        self.shared.marks
    }

    /// Bytes reserved now.
    pub fn used_bytes(&self) -> u64 {
        self.shared.used_bytes.load(Ordering::Relaxed)
    }

    /// Returns true if there would be room for `bytes` once every request in progress is answered.
    /// If not, waiting for them does not help.
    pub fn would_fit(&self, bytes: u64) -> Result<(), Exhausted> {
        let in_flight_bytes = self.shared.in_flight_bytes.load(Ordering::Relaxed);
        let used_bytes = self.used_bytes().saturating_sub(in_flight_bytes);
        let hard_bytes = self.shared.marks.hard_bytes;
        if used_bytes.saturating_add(bytes) <= hard_bytes {
            return Ok(());
        }
        Err(Exhausted {
            wanted_bytes: bytes,
            used_bytes,
            hard_bytes,
        })
    }

    /// Ready when something is given back from now on.
    pub fn released(&self) -> Notified<'_> {
        self.shared.released.notified()
    }

    /// Takes `bytes` now, or returns why not.
    pub fn try_reserve(&self, bytes: u64) -> Result<Reservation, Exhausted> {
        let mut reservation = self.empty();
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }

    /// Takes `bytes`, waiting at most `patience` for others to release theirs. The caller must hold
    /// no reservation. A request that could never be granted fails at once.
    pub async fn reserve_within(
        &self,
        bytes: u64,
        patience: Duration,
    ) -> Result<Reservation, Exhausted> {
        let most_bytes = self.shared.marks.hard_bytes;
        self.reserve_up_to(most_bytes, bytes, patience).await
    }

    /// Takes `bytes` for reading, as [`Budget::reserve_within`], and leaves to writes what is theirs.
    pub async fn reserve_to_read(
        &self,
        bytes: u64,
        patience: Duration,
    ) -> Result<Reservation, Exhausted> {
        let most_bytes = self.shared.marks.reading_bytes_max();
        self.reserve_up_to(most_bytes, bytes, patience).await
    }

    async fn reserve_up_to(
        &self,
        most_bytes: u64,
        bytes: u64,
        patience: Duration,
    ) -> Result<Reservation, Exhausted> {
        let deadline = tokio::time::Instant::from_std(crate::clock::instant()) + patience;
        loop {
            let released = self.released();
            let mut reservation = self.empty();
            let refused = match reservation.try_grow_up_to(most_bytes, bytes) {
                Ok(()) => return Ok(reservation),
                Err(refused) => refused,
            };
            if !refused.fits_when_idle()
                || tokio::time::timeout_at(deadline, released).await.is_err()
            {
                return Err(refused);
            }
        }
    }

    /// Takes `bytes` regardless of the marks: for data that is already durable and must be held.
    pub fn force(&self, bytes: u64) -> Reservation {
        self.shared.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.charge(bytes);
        Reservation {
            budget: self.clone(),
            bytes,
        }
    }

    /// Takes `bytes` of the part set aside for flushing, or all of it if that is less. Waits for
    /// earlier flushes, however short memory is otherwise; the caller must hold nothing.
    pub async fn flush_share(&self, bytes: u64) -> FlushShare {
        let steps = narrow::capped_u32(bytes.div_ceil(SHARE_STEP_BYTES));
        let steps = steps.min(self.shared.flush_steps);
        let flushing = Arc::clone(&self.shared.flushing);
        let permit = flushing.acquire_many_owned(steps).await;
        FlushShare {
            _permit: permit.certain("the semaphore is never closed"),
        }
    }

    /// Returns an empty reservation, to be grown.
    pub fn empty(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            bytes: 0,
        }
    }

    /// Returns the pressure on memory: 0 up to the soft mark, 1 at the hard mark, linear between.
    pub fn pressure(&self) -> f64 {
        let Marks {
            soft_bytes,
            hard_bytes,
            ..
        } = self.shared.marks;
        let above = self.used_bytes().saturating_sub(soft_bytes);
        let span = hard_bytes.saturating_sub(soft_bytes).max(1);
        let permille = above.saturating_mul(1000) / span;
        f64::from(narrow::capped_u32(permille).min(1000)) / 1000.0
    }
}

/// The right to hold some bytes of a [`Budget`], given back on drop.
#[derive(Debug)]
pub struct Reservation {
    pub(super) budget: Budget,
    bytes: u64,
}

impl Reservation {
    /// Returns the number of bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the budget from which more can be taken for the same request.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Hands the bytes to a holder that outlives the request. They count as the request's as long
    /// as it lasts.
    pub fn hand_over(mut self) -> Self {
        if self.budget.account.take().is_some() {
            let in_flight_bytes = &self.budget.shared.in_flight_bytes;
            in_flight_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        }
        self
    }

    /// Takes `more` bytes at once or not at all; it never waits.
    pub fn try_grow(&mut self, more: u64) -> Result<(), Exhausted> {
        self.try_grow_up_to(self.budget.shared.marks.hard_bytes, more)
    }

    /// Takes `more` bytes for reading, as [`Reservation::try_grow`], and leaves to writes what is theirs.
    pub fn try_grow_to_read(&mut self, more: u64) -> Result<(), Exhausted> {
        self.try_grow_up_to(self.budget.shared.marks.reading_bytes_max(), more)
    }

    fn try_grow_up_to(&mut self, most_bytes: u64, more: u64) -> Result<(), Exhausted> {
        let shared = &self.budget.shared;
        let grown = shared
            .used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(more)
                    .filter(|sum| *sum <= most_bytes || more == 0)
            });
        match grown {
            Ok(_) => {
                self.bytes += more;
                self.budget.charge(more);
                Ok(())
            }
            Err(used_bytes) => Err(Exhausted {
                wanted_bytes: self.budget.own_bytes(self.bytes).saturating_add(more),
                used_bytes,
                hard_bytes: most_bytes,
            }),
        }
    }

    /// Takes `more` bytes regardless of the marks, as [`Budget::force`] does.
    pub fn force_grow(&mut self, more: u64) {
        self.merge(self.budget.force(more));
    }

    /// Gives back what exceeds `bytes`; a smaller reservation stays as it is.
    pub fn shrink_to(&mut self, bytes: u64) {
        let excess = self.bytes.saturating_sub(bytes);
        self.bytes -= excess;
        self.budget.release(excess);
    }

    /// Splits off `bytes` (or all there is) into a reservation of its own.
    pub fn split(&mut self, bytes: u64) -> Self {
        let taken = bytes.min(self.bytes);
        self.bytes -= taken;
        Self {
            budget: self.budget.clone(),
            bytes: taken,
        }
    }

    /// Takes over what `other` holds. Both must be of one budget.
    pub fn merge(&mut self, mut other: Self) {
        debug_assert!(
            Arc::ptr_eq(&self.budget.shared, &other.budget.shared),
            "one budget"
        );
        let bytes = std::mem::take(&mut other.bytes);
        other.budget.discharge(bytes);
        self.budget.charge(bytes);
        self.bytes += bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.release(self.bytes);
    }
}

impl Budget {
    /// Returns the bytes that the request holds or, without one, those of the reservation.
    fn own_bytes(&self, reserved_bytes: u64) -> u64 {
        let account = self.account.as_ref();
        account.map_or(reserved_bytes, |bytes| bytes.load(Ordering::Relaxed))
    }

    fn charge(&self, bytes: u64) {
        if let Some(account) = &self.account {
            account.fetch_add(bytes, Ordering::Relaxed);
            let in_flight_bytes = &self.shared.in_flight_bytes;
            in_flight_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn discharge(&self, bytes: u64) {
        if let Some(account) = &self.account {
            account.fetch_sub(bytes, Ordering::Relaxed);
            let in_flight_bytes = &self.shared.in_flight_bytes;
            in_flight_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    fn release(&self, bytes: u64) {
        if bytes > 0 {
            self.discharge(bytes);
            self.shared.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.released.notify_waiters();
        }
    }
}
