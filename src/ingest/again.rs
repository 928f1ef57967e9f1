//! Logging rows in the buffer again, so that the log can release their old frames. A table that
//! cannot be flushed needs this: otherwise nothing after its oldest row could ever be released.
//!
//! ```text
//! log   s1 .. s2 .... s9 | barrier | a1 .. a2 .. a3 |      a: the newest values of s1 to s9
//!       └ released once a3 is durable                      frames of other tables between them
//! ```
//!
//! The new frames come after all others of the table ([`HeldTable`] blocks other writers, and the
//! frames that were on their way have arrived), and their caller gives each point the newest value
//! of each field. So they change nothing, whichever of them a crash leaves: a replay repeats the
//! same values. They bring no column and no series, so no limit is checked, neither here nor in a
//! replay. The buffer is updated last ([`crate::buffer::Buffer::logged_again`]), and only then may
//! the log release the old frames.

use std::sync::Arc;

use super::apply::Committed;
use super::error::WriteError;
use super::handle::Ingest;
use super::payload;
use super::resolve::Resolver;
use super::stuck::Hold;
use crate::buffer::LoggedAgain;
use crate::catalog::Bucket;
use crate::columnar::Batch;
use crate::id::TableId;
use crate::narrow;
use crate::wal::FRAME_HEADER_BYTES;

/// A table whose frames are all in the buffer, and that gets no others until this is dropped.
#[derive(Debug)]
pub struct HeldTable {
    resolver: Arc<Resolver>,
    bucket: Arc<Bucket>,
    logged: Option<LoggedAgain>,
    _hold: Hold,
}

impl Ingest {
    /// Blocks writes to a table until the result is dropped. Returns once all rows that were on their
    /// way are in the buffer. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// If the log cannot be written, or the bucket is gone.
    pub fn hold_table(&self, table: &TableId) -> Result<HeldTable, WriteError> {
        let hold = self.shared.resolver.stuck().hold(table);
        let found = self.shared.catalog.bucket(table.bucket);
        let bucket = found.ok_or_else(|| WriteError::BucketGone(table.bucket.0.to_string()))?;
        let mut held = HeldTable {
            resolver: Arc::clone(&self.shared.resolver),
            bucket,
            logged: None,
            _hold: hold,
        };
        // All frames of the table that have a place in the log come before this one.
        held.submit(&[])?;
        held.logged = None;
        Ok(held)
    }
}

impl HeldTable {
    /// Logs rows of the table that are in the buffer again; for none of their fields may there be a
    /// newer value. Returns once they are durable. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// If the log cannot be written, or the bucket is gone. The rows may still be durable.
    pub fn log_again(&mut self, rows: &Batch) -> Result<(), WriteError> {
        self.submit(&[rows])
    }

    /// The frames so far, including those that failed.
    pub fn logged(&self) -> Option<LoggedAgain> {
        self.logged
    }

    fn submit(&mut self, batches: &[&Batch]) -> Result<(), WriteError> {
        let payload = payload::encode(self.bucket.id, batches.iter().copied());
        let frame_bytes = payload.len().saturating_add(FRAME_HEADER_BYTES);
        let (sequence, commit) = self.resolver.submit_known(&self.bucket, payload)?;
        let logged = self.logged.get_or_insert(LoggedAgain {
            first: sequence,
            last: sequence,
            bytes: 0,
        });
        logged.last = sequence;
        logged.bytes += narrow::to_u64(frame_bytes);
        match commit.blocking_recv() {
            Ok(Committed::Done) => Ok(()),
            Ok(Committed::BucketGone) => Err(WriteError::BucketGone(self.bucket.name.clone())),
            Ok(Committed::Failed(reason)) => Err(WriteError::LogUnavailable(reason)),
            Ok(Committed::NotAttempted) => Err(WriteError::LogUnavailable(
                "it was queued behind a write of the log that failed".to_owned(),
            )),
            Err(_) => Err(WriteError::LogUnavailable(
                "the server is stopping".to_owned(),
            )),
        }
    }
}
