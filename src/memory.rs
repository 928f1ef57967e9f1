//! The one budget of bytes (design decision D8): bodies in flight, queued batches, buffered
//! columns and what readers copy all take their memory from here, so that it never grows with
//! load.
//!
//! A [`Reservation`] is the right to hold that many bytes; dropping it gives them back. Requests
//! may reserve up to the hard mark; only replay, which restores what was accepted before, may
//! pass it ([`Budget::force`]). Nobody waits while holding a reservation that another waiter
//! needs: waiting is done with empty hands ([`Budget::reserve_within`]), growing never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Notify;

/// How much memory there is, and from where on it is short. All in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The whole budget.
    pub budget_bytes: u64,
    /// From here on acknowledgements slow down.
    pub soft_bytes: u64,
    /// Past this, reservations are refused.
    pub hard_bytes: u64,
}

/// A reservation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "{wanted_bytes} bytes of memory wanted, {used_bytes} of {hard_bytes} are in use (memory.budget_bytes)"
)]
pub struct Exhausted {
    /// What was asked for, with what the request holds already.
    pub wanted_bytes: u64,
    /// What was taken already.
    pub used_bytes: u64,
    /// What may be taken at most.
    pub hard_bytes: u64,
}

impl Exhausted {
    /// Whether the wish could be granted if nothing else were held. If not, retrying is in vain:
    /// the request is too large, not the load too high.
    pub fn fits_when_idle(&self) -> bool {
        self.wanted_bytes <= self.hard_bytes
    }
}

/// A shared, thread-safe count of bytes against the marks.
#[derive(Clone, Debug)]
pub struct Budget {
    shared: Arc<Shared>,
    /// What one request has taken, if this is a request's view of the budget.
    account: Option<Arc<AtomicU64>>,
}

#[derive(Debug)]
struct Shared {
    marks: Marks,
    used_bytes: AtomicU64,
    released: Notify,
}

impl Budget {
    /// An empty budget with these marks.
    pub fn new(marks: Marks) -> Self {
        let shared = Shared {
            marks,
            used_bytes: AtomicU64::new(0),
            released: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            account: None,
        }
    }

    /// The same budget as one request sees it: everything that is taken through it counts when it
    /// is judged whether a further wish could ever be granted, because on an idle server the
    /// request would be in its own way all the same.
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

    /// Takes `bytes` now, or says why not.
    pub fn try_reserve(&self, bytes: u64) -> Result<Reservation, Exhausted> {
        let mut reservation = self.empty();
        reservation.try_grow(bytes)?;
        Ok(reservation)
    }

    /// Takes `bytes`, waiting at most `patience` for others to release theirs. Call it with empty
    /// hands only. A wish that could never be granted fails at once.
    pub async fn reserve_within(
        &self,
        bytes: u64,
        patience: Duration,
    ) -> Result<Reservation, Exhausted> {
        let deadline = tokio::time::Instant::from_std(crate::clock::instant()) + patience;
        loop {
            let released = self.shared.released.notified();
            let refused = match self.try_reserve(bytes) {
                Ok(reservation) => return Ok(reservation),
                Err(refused) => refused,
            };
            if !refused.fits_when_idle()
                || tokio::time::timeout_at(deadline, released).await.is_err()
            {
                return Err(refused);
            }
        }
    }

    /// Takes `bytes` whatever the marks say: for what is already durable and must be held.
    pub fn force(&self, bytes: u64) -> Reservation {
        self.shared.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.charge(bytes);
        Reservation {
            budget: self.clone(),
            bytes,
        }
    }

    /// A reservation of nothing, to be grown.
    pub fn empty(&self) -> Reservation {
        Reservation {
            budget: self.clone(),
            bytes: 0,
        }
    }

    /// How short memory is: 0 up to the soft mark, 1 at the hard mark, linear between.
    pub fn pressure(&self) -> f64 {
        let Marks {
            soft_bytes,
            hard_bytes,
            ..
        } = self.shared.marks;
        let above = self.used_bytes().saturating_sub(soft_bytes);
        let span = hard_bytes.saturating_sub(soft_bytes).max(1);
        let permille = above.saturating_mul(1000) / span;
        f64::from(u32::try_from(permille).unwrap_or(u32::MAX).min(1000)) / 1000.0
    }
}

/// The right to hold some bytes of a [`Budget`], given back on drop.
#[derive(Debug)]
pub struct Reservation {
    budget: Budget,
    bytes: u64,
}

impl Reservation {
    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where more can be taken for the same request.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Hands the bytes to somebody who holds them beyond the request's end. They still count as
    /// the request's as long as it lasts.
    pub fn hand_over(mut self) -> Self {
        self.budget.account = None;
        self
    }

    /// Takes `more` bytes at once or not at all; it never waits.
    pub fn try_grow(&mut self, more: u64) -> Result<(), Exhausted> {
        let shared = &self.budget.shared;
        let hard_bytes = shared.marks.hard_bytes;
        let grown = shared
            .used_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(more)
                    .filter(|sum| *sum <= hard_bytes || more == 0)
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
                hard_bytes,
            }),
        }
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
    /// What the request holds, or, without one, the reservation alone.
    fn own_bytes(&self, reserved_bytes: u64) -> u64 {
        let account = self.account.as_ref();
        account.map_or(reserved_bytes, |bytes| bytes.load(Ordering::Relaxed))
    }

    fn charge(&self, bytes: u64) {
        if let Some(account) = &self.account {
            account.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn discharge(&self, bytes: u64) {
        if let Some(account) = &self.account {
            account.fetch_sub(bytes, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, Marks};

    fn budget() -> Budget {
        Budget::new(Marks {
            budget_bytes: 100,
            soft_bytes: 50,
            hard_bytes: 90,
        })
    }

    #[test]
    fn what_is_dropped_can_be_taken_again_and_never_more_than_the_hard_mark() {
        let budget = budget();
        let first = budget.try_reserve(60).expect("fits");
        let refused = budget.try_reserve(40).expect_err("60 + 40 > 90");
        assert!(refused.fits_when_idle());
        drop(first);
        assert_eq!(budget.used_bytes(), 0);
        assert!(
            !budget
                .try_reserve(91)
                .expect_err("never fits")
                .fits_when_idle()
        );
    }

    #[test]
    fn reservations_split_merge_and_shrink_without_losing_a_byte() {
        let budget = budget();
        let mut whole = budget.try_reserve(80).expect("fits");
        let part = whole.split(30);
        assert_eq!(
            (whole.bytes(), part.bytes(), budget.used_bytes()),
            (50, 30, 80)
        );
        whole.merge(part);
        whole.shrink_to(10);
        assert_eq!((whole.bytes(), budget.used_bytes()), (10, 10));
        let forced = budget.force(200);
        assert!(whole.try_grow(1).is_err());
        drop((whole, forced));
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn what_a_request_holds_itself_does_not_make_it_an_overload() {
        let budget = budget();
        let request = budget.account();
        let _body = request.try_reserve(60).expect("fits");
        let refused = request.try_reserve(50).expect_err("too much");
        assert_eq!(
            (refused.wanted_bytes, refused.fits_when_idle()),
            (110, false)
        );
        let of_another = budget.account().try_reserve(50).expect_err("too much");
        assert_eq!(
            (of_another.wanted_bytes, of_another.fits_when_idle()),
            (50, true)
        );
        // What has gone into the buffer still counts, what was given back does not.
        let _buffered = request.try_reserve(20).expect("fits").hand_over();
        drop(request.try_reserve(5).expect("fits"));
        let refused = request.try_reserve(25).expect_err("too much");
        assert_eq!(refused.wanted_bytes, 105);
    }

    #[test]
    fn pressure_rises_between_the_marks() {
        let budget = budget();
        assert!(budget.pressure() < f64::EPSILON);
        let _held = budget.force(70);
        assert!((budget.pressure() - 0.5).abs() < 0.01);
        let _more = budget.force(1000);
        assert!((budget.pressure() - 1.0).abs() < f64::EPSILON);
    }

    #[tokio::test]
    async fn a_waiter_is_served_when_memory_is_released_and_refused_when_it_is_not() {
        let budget = budget();
        let held = budget.try_reserve(90).expect("fits");
        assert!(
            budget
                .reserve_within(1, Duration::from_millis(5))
                .await
                .is_err()
        );
        let waiter = tokio::spawn({
            let budget = budget.clone();
            async move {
                budget
                    .reserve_within(50, Duration::from_secs(5))
                    .await
                    .map(|_| ())
            }
        });
        tokio::task::yield_now().await;
        drop(held);
        assert!(waiter.await.expect("no panic").is_ok());
    }
}
