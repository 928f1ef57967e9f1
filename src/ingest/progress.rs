//! The write path's progress: the last frame that was applied, the last checkpoint of the schemas,
//! and whether they have outgrown it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

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
}

impl Checkpointed {
    pub(super) fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Schemas that have grown by this much, and by half, are written though nothing is released yet.
const OUTGROWN_BYTES: u64 = 128 << 10;

/// Notices when the schemas have outgrown their checkpoint: when the disk is full, the reserve must
/// know what room they take.
///
/// A disk can be full within a second of the names that need the room, so this wakes whoever writes
/// the checkpoint instead of being looked at now and then.
#[derive(Debug)]
pub(super) struct Outgrowth {
    /// The memory that the schemas may take before they are written again.
    bytes_max: AtomicU64,
    /// The same for waking, which is done once per growth, whatever comes of it.
    wake_from_bytes: AtomicU64,
    wake: Notify,
}

impl Default for Outgrowth {
    fn default() -> Self {
        Self {
            bytes_max: AtomicU64::new(OUTGROWN_BYTES),
            wake_from_bytes: AtomicU64::new(OUTGROWN_BYTES),
            wake: Notify::new(),
        }
    }
}

impl Outgrowth {
    /// Returns true if schemas that take this much memory have outgrown their checkpoint.
    pub(super) fn is_reached(&self, bytes: u64) -> bool {
        bytes > self.bytes_max.load(Ordering::Acquire)
    }

    /// Wakes the one who waits if schemas that take this much memory have outgrown their checkpoint.
    /// To be called under the lock on the schemas.
    pub(super) fn look(&self, bytes: u64) {
        if bytes > self.wake_from_bytes.load(Ordering::Relaxed) {
            self.wake_from_bytes
                .store(outgrown_from(bytes), Ordering::Relaxed);
            self.wake.notify_one();
        }
    }

    /// Notes that schemas that took this much memory were written.
    pub(super) fn written(&self, bytes: u64) {
        let bytes_max = outgrown_from(bytes);
        self.bytes_max.store(bytes_max, Ordering::Release);
        self.wake_from_bytes.fetch_min(bytes_max, Ordering::Relaxed);
    }

    /// Returns once the checkpoint was outgrown since the last call, for one who waits.
    pub(super) async fn wait(&self) {
        self.wake.notified().await;
    }
}

fn outgrown_from(bytes: u64) -> u64 {
    bytes
        .saturating_add(bytes / 2)
        .saturating_add(OUTGROWN_BYTES)
}
