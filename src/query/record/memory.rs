//! The memory of one question: a part of what all questions share, counted on its own.
//!
//! A refusal at which other questions, or writes, had what would have sufficed says so in its text
//! ([`is_crowded`]): DataFusion looks at the kind of the error, puts rows on disk after a refusal, and
//! may wrap the text or never show it. What becomes of a refusal is thus told by the error alone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::memory::Lent;

/// The end of the text of a refusal at which others had what would have sufficed.
const CROWDED: &str = "; others have it at the moment, so try again later";

/// Returns true if the text comes from a refusal of memory that others had: the same question may
/// get it later.
pub(crate) fn is_crowded(text: &str) -> bool {
    text.contains(CROWDED)
}

/// Bytes in use, and the most that ever were.
#[derive(Debug, Default)]
pub(crate) struct Use {
    now: AtomicUsize,
    max: AtomicUsize,
    /// Those of consumers that cannot spill.
    unspillable: AtomicUsize,
    /// Those of the others, and the most that these ever had at once.
    spillable: AtomicUsize,
    spillable_max: AtomicUsize,
    /// The number of consumers that can spill. They share what the others leave.
    spilling: AtomicUsize,
}

impl Use {
    pub(super) fn bytes_max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    fn add(&self, consumer: &MemoryConsumer, bytes: usize) {
        if consumer.can_spill() {
            let before = self.spillable.fetch_add(bytes, Ordering::Relaxed);
            self.spillable_max
                .fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
        } else {
            self.unspillable.fetch_add(bytes, Ordering::Relaxed);
        }
        let before = self.now.fetch_add(bytes, Ordering::Relaxed);
        self.max
            .fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
    }

    fn take_off(&self, consumer: &MemoryConsumer, bytes: usize) {
        let of_kind = match consumer.can_spill() {
            true => &self.spillable,
            false => &self.unspillable,
        };
        of_kind.fetch_sub(bytes, Ordering::Relaxed);
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The pool of all questions, with the count of one.
#[derive(Debug)]
pub(crate) struct Counted {
    shared: Arc<Lent>,
    used: Arc<Use>,
}

impl Counted {
    /// Counts in `used` what is taken from `shared`.
    pub(crate) fn new(shared: Arc<Lent>, used: Arc<Use>) -> Self {
        Self { shared, used }
    }

    /// Takes bytes from the pool, or in advance for who was refused and has nothing to put on disk.
    fn take(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let taken = self.shared.try_grow(reservation, additional);
        let has_to_spill = reservation.consumer().can_spill() && reservation.size() > 0;
        if taken.is_ok() || has_to_spill {
            return taken;
        }
        let most = self.used.spillable_max.load(Ordering::Relaxed);
        let advanced = self.shared.advance(reservation, additional, most);
        advanced.or(taken)
    }

    /// Returns true if a consumer would get this much more if no other question had anything: by the
    /// rule of [`FairSpillPool`](datafusion::execution::memory_pool::FairSpillPool), which divides it.
    fn fits_alone(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let MemoryLimit::Finite(bytes) = self.shared.memory_limit() else {
            return true;
        };
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let (has, most) = if reservation.consumer().can_spill() {
            let left = bytes.saturating_sub(of(&self.used.unspillable));
            (reservation.size(), left / of(&self.used.spilling).max(1))
        } else {
            (of(&self.used.now), bytes)
        };
        has.saturating_add(additional) <= most
    }
}

impl MemoryPool for Counted {
    fn name(&self) -> &str {
        self.shared.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
        if consumer.can_spill() {
            self.used.spilling.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
        if consumer.can_spill() {
            self.used.spilling.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.shared.grow(reservation, additional);
        self.used.add(reservation.consumer(), additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.shared.shrink(reservation, shrink);
        self.used.take_off(reservation.consumer(), shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        match self.take(reservation, additional) {
            Ok(()) => {
                self.used.add(reservation.consumer(), additional);
                Ok(())
            }
            Err(DataFusionError::ResourcesExhausted(text))
                if self.fits_alone(reservation, additional) =>
            {
                let text = format!("{text}{CROWDED}");
                Err(DataFusionError::ResourcesExhausted(text))
            }
            Err(refused) => Err(refused),
        }
    }

    fn reserved(&self) -> usize {
        self.shared.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.shared.memory_limit()
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shared)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

    use super::{Counted, is_crowded};
    use crate::FixedMemory;
    use crate::memory::Lent;

    const ALL: usize = 1024;

    fn shared() -> Arc<Lent> {
        // A 32nd is for footers.
        Arc::new(Lent::new(Arc::new(FixedMemory::new(ALL * 32 / 31))))
    }

    fn question(shared: &Arc<Lent>) -> Arc<dyn MemoryPool> {
        Arc::new(Counted::new(Arc::clone(shared), Arc::default()))
    }

    fn consumer(pool: &Arc<dyn MemoryPool>, can_spill: bool) -> MemoryReservation {
        let consumer = MemoryConsumer::new("test").with_can_spill(can_spill);
        consumer.register(pool)
    }

    fn refused_for_others(reservation: &MemoryReservation, bytes: usize) -> bool {
        let refused = reservation.try_grow(bytes).expect_err("it does not fit");
        is_crowded(&refused.to_string())
    }

    /// From a bug: a fair share that was used up was told as memory that others have.
    #[test]
    fn a_refusal_is_for_others_only_if_it_would_fit_without_them() {
        let shared = shared();
        let (mine, others) = (question(&shared), question(&shared));
        let (sort, sums) = (consumer(&mine, true), consumer(&mine, false));
        assert!(!refused_for_others(&sums, 2 * ALL), "it never fits");
        sums.try_grow(ALL / 4).expect("free");
        let second = consumer(&mine, true);
        assert!(
            !refused_for_others(&sort, ALL / 2),
            "its share is that of two, and no other question has anything"
        );
        let of_others = consumer(&others, false);
        of_others.try_grow(ALL / 2).expect("free");
        assert!(refused_for_others(&sums, ALL / 2));
        assert!(refused_for_others(&sort, ALL / 4));
        assert!(
            !refused_for_others(&sort, ALL / 2),
            "nor without the others"
        );
        assert!(!refused_for_others(&sums, ALL), "nor without the others");
        of_others.free();
        sums.try_grow(ALL / 2).expect("it is free again");
        assert!(!refused_for_others(&sums, ALL / 2), "nobody else has it");
        drop((sort, second, sums));
        assert_eq!(shared.reserved(), 0);
    }

    /// From a review: a sort had all memory when the next file was opened below it, and asked for no more
    /// before that was read, so that it put nothing on disk.
    #[test]
    fn who_cannot_spill_gets_in_advance_what_its_question_puts_on_disk() {
        let shared = shared();
        let (mine, others) = (question(&shared), question(&shared));
        let (sort, file) = (consumer(&mine, true), consumer(&mine, false));
        sort.try_grow(ALL).expect("free");
        let of_others = consumer(&others, false);
        assert!(refused_for_others(&of_others, 1), "the sort is not theirs");
        file.try_grow(ALL / 8).expect("the sort has more");
        sort.try_grow(1).expect_err("its share is less now");
        file.try_grow(ALL / 4)
            .expect_err("no more than a part of all");
        // As it is put on disk it is merged, in memory that cannot spill.
        let merge = consumer(&mine, false);
        sort.shrink(ALL / 8);
        merge.try_grow(ALL / 4).expect("on its way to the disk");
        sort.free();
        merge.free();
        assert_eq!(shared.reserved(), ALL / 8);
        file.try_grow(ALL).expect("the sort had as much");
        sort.try_grow(1).expect("it has nothing to put on disk");
        sort.try_grow(1).expect_err("it has");
        drop((sort, merge, file, of_others));
        assert_eq!(shared.reserved(), 0);
    }

    #[test]
    fn who_has_never_had_what_could_spill_gets_nothing_in_advance() {
        let shared = shared();
        let mine = question(&shared);
        let (_sort, join) = (consumer(&mine, true), consumer(&mine, false));
        join.try_grow(ALL).expect("free");
        assert!(!refused_for_others(&join, 1), "nobody else has it");
    }
}
