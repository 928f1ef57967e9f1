//! The write path's progress: the last frame that was applied, and the last checkpoint of the
//! schemas.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::Sequence;

/// The last frame that was applied; all before it were applied too, or have failed.
#[derive(Debug)]
pub(super) struct Applied(AtomicU64);

impl Applied {
    pub(super) fn new(replayed: Sequence) -> Self {
        Self(AtomicU64::new(replayed.0))
    }

    pub(super) fn set(&self, applied: Sequence) {
        self.0.store(applied.0, Ordering::Release);
    }

    pub(super) fn get(&self) -> Sequence {
        Sequence(self.0.load(Ordering::Acquire))
    }
}

/// The schemas' checkpoint on disk, if this process wrote it. Locked while it is written.
#[derive(Debug, Default)]
pub(super) struct Checkpointed(Mutex<Written>);

/// A checkpoint of the schemas that was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The last frame that it reflects.
    pub(super) sequence: Sequence,
    /// The memory that the schemas took then.
    pub(super) bytes: u64,
}

impl Checkpointed {
    pub(super) fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
