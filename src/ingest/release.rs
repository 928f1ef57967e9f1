//! Giving log back to the disk, once what it holds is safe elsewhere.
//!
//! A frame is needed until each of its tables has left the buffer. What was not applied yet is not
//! in the buffer either, so the log is released up to the last applied frame at most. What cannot
//! leave the buffer is logged again ([`super::again`]), and is then needed from there on. The schemas
//! are what the log says of them, so a checkpoint that reflects all that goes comes first.

use super::handle::Ingest;
use super::progress::Written;
use crate::catalog::CatalogError;
use crate::id::Sequence;

/// Schemas that have grown by this much, and by half, are written though nothing is released yet:
/// when the disk is full, the reserve must know what room they take.
const OUTGROWN_BYTES: u64 = 128 << 10;

impl Ingest {
    /// Has the log delete what is neither in the buffer nor on its way there. Returns when that is
    /// safe, not when it is done. As long as not a whole segment can go, it only writes the
    /// schemas if they have grown much. Blocks on the disk; to be called about every second, by
    /// several at once if need be.
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
            return Ok(());
        }
        self.checkpoint_outgrown()
    }

    /// Makes sure that a checkpoint of the schemas reflects everything up to a sequence, which is
    /// durable.
    fn checkpoint(&self, needed: Sequence) -> Result<(), CatalogError> {
        let mut written = self.shared.checkpointed.lock();
        match written.sequence >= needed {
            true => Ok(()),
            false => self.write_checkpoint(&mut written),
        }
    }

    fn checkpoint_outgrown(&self) -> Result<(), CatalogError> {
        let bytes = self.shared.resolver.schemas().heap_bytes();
        let mut written = self.shared.checkpointed.lock();
        let known = written.bytes;
        match bytes
            > known
                .saturating_add(known / 2)
                .saturating_add(OUTGROWN_BYTES)
        {
            true => self.write_checkpoint(&mut written),
            false => Ok(()),
        }
    }

    /// Writes a checkpoint of the schemas as they are on disk now.
    pub(super) fn checkpoint_now(&self) -> Result<(), CatalogError> {
        self.write_checkpoint(&mut self.shared.checkpointed.lock())
    }

    fn write_checkpoint(&self, written: &mut Written) -> Result<(), CatalogError> {
        // The lock on the schemas is not held while the disk works.
        let bytes = self.shared.resolver.schemas().heap_bytes();
        let checkpoint = self.shared.resolver.checkpoint();
        checkpoint.write(self.shared.storage.as_ref())?;
        *written = Written {
            sequence: checkpoint.sequence(),
            bytes,
        };
        Ok(())
    }
}
