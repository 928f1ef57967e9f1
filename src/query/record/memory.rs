//! The memory of one question: a part of what all questions share, counted on its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Bytes in use, and the most that ever were.
#[derive(Debug, Default)]
pub(super) struct Use {
    now: AtomicUsize,
    max: AtomicUsize,
    /// Whether others had what was last refused.
    is_crowded: AtomicBool,
}

impl Use {
    pub(super) fn bytes_max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    /// Returns true if the last refusal was for want of memory that others had.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        let before = self.now.fetch_add(bytes, Ordering::Relaxed);
        self.max
            .fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
    }

    fn take_off(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The pool of all questions, with the count of one.
#[derive(Debug)]
pub(crate) struct Counted {
    shared: Arc<dyn MemoryPool>,
    used: Arc<Use>,
}

impl Counted {
    pub(super) fn new(shared: Arc<dyn MemoryPool>, used: Arc<Use>) -> Self {
        Self { shared, used }
    }
}

impl Counted {
    /// Returns true if other questions have memory, or the program has what this pool would give.
    fn is_crowded(&self, additional: usize) -> bool {
        let reserved = self.shared.reserved();
        let is_free = match self.shared.memory_limit() {
            MemoryLimit::Finite(bytes) => reserved.saturating_add(additional) <= bytes,
            MemoryLimit::Infinite | MemoryLimit::Unknown => true,
        };
        is_free || reserved > self.used.now.load(Ordering::Relaxed)
    }
}

impl MemoryPool for Counted {
    fn name(&self) -> &str {
        self.shared.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.shared.grow(reservation, additional);
        self.used.add(additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.shared.shrink(reservation, shrink);
        self.used.take_off(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let grown = self.shared.try_grow(reservation, additional);
        if grown.is_ok() {
            self.used.add(additional);
        } else {
            let is_crowded = self.is_crowded(additional);
            self.used.is_crowded.store(is_crowded, Ordering::Relaxed);
        }
        grown
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
