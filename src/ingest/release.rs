//! Giving log back to the disk, once what it holds is safe elsewhere.
//!
//! A frame is needed until each of its tables has left the buffer. What was not applied yet is not
//! in the buffer either, so the log is released up to the last applied frame at most. The schemas
//! are what the log says of them, so a checkpoint that reflects all that goes comes first.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Ingest;
use crate::catalog::CatalogError;
use crate::id::Sequence;

/// The last frame that was applied: all before it were, or have failed.
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

/// What the schemas' checkpoint on disk reflects, as far as it was written by this process. Whoever
/// writes it holds this.
#[derive(Debug, Default)]
pub(super) struct Checkpointed(Mutex<Sequence>);

impl Checkpointed {
    fn lock(&self) -> MutexGuard<'_, Sequence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ingest {
    /// Has the log delete what is neither in the buffer nor on its way there. Returns when that is
    /// safe, not when it is done. Does nothing as long as not a whole segment can go. Blocks on
    /// the disk; may be called at any time, by several at once.
    ///
    /// # Errors
    ///
    /// When the schemas' checkpoint cannot be written: then nothing is deleted.
    pub fn release_log(&self) -> Result<(), CatalogError> {
        // First this: what is applied later than now may come to the buffer behind its back.
        let applied = self.shared.applied.get();
        let needed = self.shared.buffer.unflushed_from();
        let up_to = needed.map_or(applied, |first| {
            applied.min(Sequence(first.0.saturating_sub(1)))
        });
        let wal = self.shared.resolver.wal();
        if wal.would_free(up_to) {
            self.checkpoint(up_to)?;
            wal.release(up_to);
        }
        Ok(())
    }

    /// Makes sure that a checkpoint of the schemas reflects everything up to a sequence, which is
    /// durable.
    fn checkpoint(&self, needed: Sequence) -> Result<(), CatalogError> {
        let mut written = self.shared.checkpointed.lock();
        match *written >= needed {
            true => Ok(()),
            false => self.write_checkpoint(&mut written),
        }
    }

    /// Writes a checkpoint of the schemas as they are on disk now.
    pub(super) fn checkpoint_now(&self) -> Result<(), CatalogError> {
        self.write_checkpoint(&mut self.shared.checkpointed.lock())
    }

    fn write_checkpoint(&self, written: &mut Sequence) -> Result<(), CatalogError> {
        // The lock on the schemas is not held while the disk works.
        let checkpoint = self.shared.resolver.checkpoint();
        checkpoint.write(self.shared.storage.as_ref())?;
        *written = checkpoint.sequence();
        Ok(())
    }
}
