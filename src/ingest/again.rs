//! Rows that are in the buffer are logged once more, so that the log can let go of where they stood:
//! what a table needs that cannot be flushed, or nothing after its oldest row could ever go.
//!
//! ```text
//! log   s1 .. s2 .... s9 | barrier | a1 .. a2 .. a3 |      a: the newest values of what s1 to s9 say
//!       └ goes, once a3 is durable                         frames of other tables between them
//! ```
//!
//! The frames come after all of the table ([`HeldTable`] keeps everybody else from it, and what was on
//! its way has arrived), and whoever makes them gives each point the newest value of each field. So
//! they change nothing, whichever of them a crash leaves: a replay says the same once more. They
//! bring no column and no series, so no limit is asked, here or by a replay. The buffer is told last
//! ([`crate::buffer::Buffer::logged_again`]), and only then the log may let go.

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

/// A table of which all frames are in the buffer, and that gets no others until this is dropped.
#[derive(Debug)]
pub struct HeldTable {
    resolver: Arc<Resolver>,
    bucket: Arc<Bucket>,
    logged: Option<LoggedAgain>,
    _hold: Hold,
}

impl Ingest {
    /// Takes no rows for a table until the result is dropped. Returns when all that were on their
    /// way are in the buffer. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// When the log cannot be written, or the bucket is gone.
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
        // Whatever of the table has a place in the log is before this one.
        held.submit(&[])?;
        held.logged = None;
        Ok(held)
    }
}

impl HeldTable {
    /// Logs rows of the table that are in the buffer once more; of each field of theirs there is no
    /// newer value. Returns when they are durable. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// When the log cannot be written, or the bucket is gone. They may be durable all the same.
    pub fn log_again(&mut self, rows: &Batch) -> Result<(), WriteError> {
        self.submit(&[rows])
    }

    /// The frames so far, also of what has failed.
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
