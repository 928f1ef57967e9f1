//! Tables that cannot be flushed. They pin the log: nothing after their oldest row can go. So their
//! writers are refused, before anything is logged, and what they pin is not counted against the
//! others, up to the log's limit once more: the log takes at most twice its limit of the disk.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::resolution::Part;
use super::{Ingest, WriteError};
use crate::catalog::Bucket;
use crate::id::{BucketId, Sequence};

/// The tables whose writers are refused, and what they pin.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    tables: RwLock<HashSet<(BucketId, String)>>,
    pinned_bytes: AtomicU64,
}

impl Ingest {
    /// Refuses writes to these tables from now on, and to no others.
    pub fn refuse_tables(&self, tables: HashSet<(BucketId, String)>) {
        let stuck = &self.shared.stuck;
        let pinned_bytes = match tables.is_empty() {
            true => 0,
            false => self.bytes_pinned_by(&tables),
        };
        stuck.pinned_bytes.store(pinned_bytes, Ordering::Relaxed);
        let mut refused = stuck.tables.write().unwrap_or_else(PoisonError::into_inner);
        if *refused != tables {
            *refused = tables;
        }
    }

    /// Bytes of the log that could go but for these tables.
    fn bytes_pinned_by(&self, tables: &HashSet<(BucketId, String)>) -> u64 {
        let applied = self.shared.applied.get();
        let others = self.shared.buffer.tables().into_iter().filter_map(|table| {
            let first = table.first;
            (!tables.contains(&(table.bucket, table.measurement))).then_some(first)
        });
        let up_to = others.min().map_or(applied, |first| {
            applied.min(Sequence(first.0.saturating_sub(1)))
        });
        self.shared.resolver.wal().bytes_up_to(up_to)
    }

    /// Bytes of the log that count against its limit, in which [`Ingest::refuse_tables`] has a say.
    pub fn counted_log_bytes(&self) -> u64 {
        let pinned_bytes = self.shared.stuck.pinned_bytes.load(Ordering::Relaxed);
        let allowed = pinned_bytes.min(self.shared.options.log_bytes_max);
        let log_bytes = self.shared.resolver.wal().log_bytes();
        log_bytes.saturating_sub(allowed)
    }

    /// Refuses what has a row for a table that cannot be flushed.
    pub(super) fn check_stuck(&self, bucket: &Bucket, parts: &[Part]) -> Result<(), WriteError> {
        let stuck = self.shared.stuck.tables.read();
        let stuck = stuck.unwrap_or_else(PoisonError::into_inner);
        if stuck.is_empty() {
            return Ok(());
        }
        let mut tables = parts.iter().flatten().map(|rows| rows.batch.measurement());
        let found = tables.find(|table| stuck.contains(&(bucket.id, (*table).to_owned())));
        found.map_or(Ok(()), |table| {
            Err(WriteError::TableStuck {
                bucket: bucket.name.clone(),
                table: table.to_owned(),
            })
        })
    }
}
