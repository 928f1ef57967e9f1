//! The memory of one question: a part of what all questions share, counted on its own.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Bytes in use, and the most that ever were.
#[derive(Debug, Default)]
pub(super) struct Use {
    now: AtomicUsize,
    max: AtomicUsize,
}

impl Use {
    pub(super) fn bytes_max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
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
        self.shared.try_grow(reservation, additional)?;
        self.used.add(additional);
        Ok(())
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
