//! Releasing the log once its points are safe elsewhere.
//!
//! A frame is needed until each of its tables has left the buffer. A frame that was not applied yet
//! is not in the buffer either, so the log is released at most up to the last applied frame. Rows
//! that cannot leave the buffer are logged again ([`super::again`]), and then only the later frames
//! are needed. The log defines the schemas, so a checkpoint that reflects every frame to be released
//! is written first.

use super::handle::Ingest;
use super::progress::Written;
use crate::catalog::CatalogError;
use crate::id::Sequence;

impl Ingest {
    /// Lets the log delete frames that are neither in the buffer nor on their way there. Returns once
    /// that is safe, not once it is done. While no whole segment can be deleted, it only writes the
    /// schemas if they have grown much. Blocks on the disk. To be called about every second; several
    /// calls at once are fine.
    ///
    /// # Errors
    ///
    /// If the schemas' checkpoint cannot be written: then nothing is deleted.
    pub fn release_log(&self) -> Result<(), CatalogError> {
        // Read first: a frame that is applied later may reach the buffer after it was looked at.
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
        if written.sequence >= needed {
            return Ok(());
        }
        self.write_checkpoint(&mut written)
    }

    fn checkpoint_outgrown(&self) -> Result<(), CatalogError> {
        let bytes = self.shared.resolver.schemas().heap_bytes();
        let mut written = self.shared.checkpointed.lock();
        if self.shared.resolver.outgrowth().is_reached(bytes) {
            return self.write_checkpoint(&mut written);
        }
        Ok(())
    }

    /// Returns once the schemas have outgrown their checkpoint: then [`Ingest::release_log`] is due
    /// at once. For one caller at a time.
    pub async fn outgrown(&self) {
        self.shared.resolver.outgrowth().wait().await;
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
        };
        self.shared.resolver.outgrowth().written(bytes);
        Ok(())
    }
}
