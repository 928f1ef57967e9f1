//! Tables that cannot be flushed. They pin the log: nothing after their oldest row can be released.
//! So their writers are refused before anything is logged, and their rows are logged again at the
//! end of the log ([`super::again`]). Those frames do not count against the log's limit: on disk,
//! the log takes its limit plus the rows of stuck tables.
//!
//! Whether a table takes rows is checked twice: early, for a cheap refusal, and in the step that
//! gives frames their place, so that the last frame of a table is known.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::WriteError;
use crate::catalog::Bucket;
use crate::id::{BucketId, TableId};

/// Tables by bucket.
type Tables = HashMap<BucketId, HashSet<Arc<str>>>;

/// The tables that take no rows.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    closed: RwLock<Closed>,
    /// The bytes of frames of rows that were logged again.
    again_bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Closed {
    /// Tables that take no rows until they can be flushed.
    refused: Tables,
    /// Tables that take no rows while they are logged again.
    held: Tables,
}

/// Keeps a table from taking rows until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    stuck: Arc<Stuck>,
    table: TableId,
}

impl Stuck {
    /// Stops a table from taking rows. Frames that are placed already still arrive.
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

    /// Refuses rows for these tables from now on, and for no others but those that are held.
    pub(super) fn refuse(&self, tables: &HashSet<TableId>, again_bytes: u64) {
        self.again_bytes.store(again_bytes, Ordering::Relaxed);
        let mut refused = Tables::new();
        for table in tables {
            let of_bucket = refused.entry(table.bucket).or_default();
            of_bucket.insert(Arc::clone(&table.measurement));
        }
        if self.read().refused != refused {
            self.write().refused = refused;
        }
    }

    /// The bytes of the log that are rows of these tables, logged again.
    pub(super) fn again_bytes(&self) -> u64 {
        self.again_bytes.load(Ordering::Relaxed)
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
