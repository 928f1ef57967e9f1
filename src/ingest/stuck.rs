//! Tables that cannot be flushed. They pin the log: nothing after their oldest row can go. So their
//! writers are refused, before anything is logged, and their rows are logged once more at the end of
//! the log ([`super::again`]). What those frames take does not count against the log's limit: the
//! log takes its limit of the disk, and the rows of such tables.
//!
//! Whether a table's rows are taken is asked twice: early, for a cheap refusal, and in the step that
//! gives frames their place, so that it is known which frame of a table is its last.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::resolution::Part;
use super::{Ingest, WriteError};
use crate::catalog::Bucket;
use crate::id::{BucketId, Sequence, TableId};

/// Tables by bucket.
type Tables = HashMap<BucketId, HashSet<Arc<str>>>;

/// The tables that take no rows.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    closed: RwLock<Closed>,
    /// What frames of rows that were logged again take.
    again_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Closed {
    /// Until they can be flushed.
    refused: Tables,
    /// While they are logged again.
    held: Tables,
}

/// Keeps a table from taking rows until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    stuck: Arc<Stuck>,
    table: TableId,
}

impl Stuck {
    /// Has a table take no rows. Frames that are placed already are on their way.
    pub(super) fn hold(self: &Arc<Self>, table: &TableId) -> Hold {
        let mut closed = self.write();
        let held = closed.held.entry(table.bucket).or_default();
        held.insert(Arc::clone(&table.measurement));
        drop(closed);
        Hold {
            stuck: Arc::clone(self),
            table: table.clone(),
        }
    }

    /// Refuses rows for a table that takes none.
    pub(super) fn check<'a>(
        &self,
        bucket: &Bucket,
        mut measurements: impl Iterator<Item = &'a str>,
    ) -> Result<(), WriteError> {
        let closed = self.read();
        let of_bucket = [&closed.refused, &closed.held].map(|tables| tables.get(&bucket.id));
        if of_bucket == [None, None] {
            return Ok(());
        }
        let is_closed = |table: &&str| {
            let mut sets = of_bucket.iter().flatten();
            sets.any(|tables| tables.contains(*table))
        };
        measurements.find(is_closed).map_or(Ok(()), |table| {
            Err(WriteError::TableStuck {
                bucket: bucket.name.clone(),
                table: table.to_owned(),
            })
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Closed> {
        self.closed.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Closed> {
        self.closed.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut closed = self.stuck.write();
        if let Some(tables) = closed.held.get_mut(&self.table.bucket) {
            tables.remove(&self.table.measurement);
            if tables.is_empty() {
                closed.held.remove(&self.table.bucket);
            }
        }
    }
}

impl Ingest {
    /// Refuses writes to these tables from now on, and to no others. `again_bytes` of the log are
    /// rows of theirs that were logged again.
    pub fn refuse_tables(&self, tables: &HashSet<TableId>, again_bytes: u64) {
        let stuck = self.shared.resolver.stuck();
        stuck.again_bytes.store(again_bytes, Ordering::Relaxed);
        let mut refused = Tables::new();
        for table in tables {
            let of_bucket = refused.entry(table.bucket).or_default();
            of_bucket.insert(Arc::clone(&table.measurement));
        }
        if stuck.read().refused != refused {
            stuck.write().refused = refused;
        }
    }

    /// Bytes of the log that could go but for these tables.
    pub fn bytes_pinned_by(&self, tables: &HashSet<TableId>) -> u64 {
        let applied = self.shared.applied.get();
        let others = self.shared.buffer.tables().into_iter().filter_map(|table| {
            let first = table.first;
            (!tables.contains(&table.id)).then_some(first)
        });
        let up_to = others.min().map_or(applied, |first| {
            applied.min(Sequence(first.0.saturating_sub(1)))
        });
        self.shared.resolver.wal().bytes_up_to(up_to)
    }

    /// Bytes of the log that count against its limit, in which [`Ingest::refuse_tables`] has a say.
    pub fn counted_log_bytes(&self) -> u64 {
        let resolver = &self.shared.resolver;
        let again_bytes = resolver.stuck().again_bytes.load(Ordering::Relaxed);
        let log_bytes = resolver.wal().log_bytes();
        log_bytes.saturating_sub(again_bytes)
    }

    /// Refuses what has a row for a table that cannot be flushed.
    pub(super) fn check_stuck(&self, bucket: &Bucket, parts: &[Part]) -> Result<(), WriteError> {
        let tables = parts.iter().flatten();
        let measurements = tables.map(|rows| rows.batch.measurement());
        self.shared.resolver.stuck().check(bucket, measurements)
    }
}
