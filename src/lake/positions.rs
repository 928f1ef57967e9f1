//! `flushes.json`: up to which frame of the log each table is in the lake, and which flush may have
//! reached it without this process having heard.
//!
//! The table itself is the truth; this file spares asking it. Before a commit the attempt is noted
//! durably, after it the success is noted with the next attempt. So a start needs the store only
//! for tables with an attempt whose end it does not know.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::LakeError;
use crate::id::{BucketId, Sequence};
use crate::storage::{self, FLUSHES_FILE as PATH, Operation, Storage, StorageError};

const FORMAT: u32 = 1;

/// How far a table is flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// All frames up to this one are in the table.
    pub(super) flushed: Sequence,
    /// A flush up to here was begun and is not known to have failed or succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<Sequence>,
}

/// The positions of all tables. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Positions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Arc<dyn Storage>,
    tables: Mutex<Noted>,
    /// Held while the file is written; how many changes it holds.
    written: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Noted {
    tables: BTreeMap<BucketId, BTreeMap<String, Position>>,
    /// Buckets that are being deleted, with their names, until their folders are gone.
    leaving: BTreeMap<BucketId, String>,
    changes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    tables: Vec<StoredTable>,
    /// By id: the names of buckets whose folders are to go.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    leaving: BTreeMap<u64, String>,
}

#[derive(Serialize, Deserialize)]
struct StoredTable {
    bucket: BucketId,
    measurement: String,
    #[serde(flatten)]
    position: Position,
}

impl Positions {
    /// Reads what is noted, or nothing in a new folder.
    pub(super) fn open(storage: Arc<dyn Storage>) -> Result<Self, LakeError> {
        let mut noted = Noted::default();
        if let Some(bytes) = storage::read(storage.as_ref(), PATH)? {
            let damaged = |reason: String| LakeError::Positions {
                path: storage.locate(PATH).display().to_string(),
                reason,
            };
            let stored: Stored =
                serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
            if stored.format != FORMAT {
                return Err(damaged(format!("its format is {}", stored.format)));
            }
            let leaving = stored.leaving.into_iter();
            noted.leaving = leaving.map(|(id, name)| (BucketId(id), name)).collect();
            for table in stored.tables {
                let tables = noted.tables.entry(table.bucket).or_default();
                tables.insert(table.measurement, table.position);
            }
        }
        let shared = Shared {
            storage,
            tables: Mutex::new(noted),
            written: Mutex::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// How far a table is.
    pub(super) fn of(&self, bucket: BucketId, measurement: &str) -> Position {
        let noted = self.lock();
        let position = noted
            .tables
            .get(&bucket)
            .and_then(|tables| tables.get(measurement));
        position.copied().unwrap_or_default()
    }

    /// The last frame that is named here.
    pub(super) fn last(&self) -> Sequence {
        let noted = self.lock();
        let positions = noted.tables.values().flat_map(BTreeMap::values);
        let last =
            positions.map(|position| position.flushed.max(position.attempt.unwrap_or_default()));
        last.max().unwrap_or_default()
    }

    /// Every table with a flush whose end is not known.
    pub(super) fn doubtful(&self) -> Vec<(BucketId, String)> {
        let noted = self.lock();
        let mut doubtful = Vec::new();
        for (bucket, tables) in &noted.tables {
            let open = tables.iter().filter(|(_, at)| at.attempt.is_some());
            doubtful.extend(open.map(|(name, _)| (*bucket, name.clone())));
        }
        doubtful
    }

    /// Notes an attempt, durably when it returns. Blocks on the disk; who comes meanwhile is
    /// written along with the next.
    pub(super) fn attempt(
        &self,
        bucket: BucketId,
        measurement: &str,
        sequence: Sequence,
    ) -> Result<(), StorageError> {
        let change = self.change(bucket, measurement, |position| {
            position.attempt = position.attempt.max(Some(sequence));
        });
        self.write_up_to(change)
    }

    /// Notes that a table is flushed up to here. Durable with the next attempt, or by
    /// [`Positions::write`].
    pub(super) fn flushed(&self, bucket: BucketId, measurement: &str, sequence: Sequence) {
        self.change(bucket, measurement, |position| {
            position.flushed = position.flushed.max(sequence);
            // An attempt that seemed to fail may still arrive.
            position.attempt = position.attempt.filter(|attempt| *attempt > sequence);
        });
    }

    /// Forgets the buckets that are not to be kept.
    pub(super) fn retain_buckets(&self, keep: impl Fn(BucketId) -> bool) {
        let mut noted = self.lock();
        noted.tables.retain(|bucket, _| keep(*bucket));
        noted.changes += 1;
    }

    /// Notes that the folder of a bucket is to go once the bucket is gone. Durable when it returns.
    pub(super) fn leave(&self, bucket: BucketId, name: &str) -> Result<(), StorageError> {
        let change = {
            let mut noted = self.lock();
            noted.leaving.insert(bucket, name.to_owned());
            noted.changes += 1;
            noted.changes
        };
        self.write_up_to(change)
    }

    /// Notes that the folder of a bucket is gone, or stays after all.
    pub(super) fn left(&self, bucket: BucketId) {
        let mut noted = self.lock();
        noted.leaving.remove(&bucket);
        noted.changes += 1;
    }

    /// The buckets whose folders are to go.
    pub(super) fn leaving(&self) -> Vec<(BucketId, String)> {
        let noted = self.lock();
        let leaving = noted.leaving.iter();
        leaving.map(|(id, name)| (*id, name.clone())).collect()
    }

    /// Makes all of it durable. Blocks on the disk.
    pub(super) fn write(&self) -> Result<(), StorageError> {
        let change = self.lock().changes;
        self.write_up_to(change)
    }

    fn change(&self, bucket: BucketId, name: &str, edit: impl FnOnce(&mut Position)) -> u64 {
        let mut noted = self.lock();
        let tables = noted.tables.entry(bucket).or_default();
        edit(tables.entry(name.to_owned()).or_default());
        noted.changes += 1;
        noted.changes
    }

    fn write_up_to(&self, change: u64) -> Result<(), StorageError> {
        let written = self.shared.written.lock();
        let mut written = written.unwrap_or_else(PoisonError::into_inner);
        if *written >= change {
            return Ok(());
        }
        let (bytes, changes) = {
            let noted = self.lock();
            (noted.to_json()?, noted.changes)
        };
        storage::replace(self.shared.storage.as_ref(), PATH, &bytes)?;
        *written = changes;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        let tables = self.shared.tables.lock();
        tables.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn to_json(&self) -> Result<Vec<u8>, StorageError> {
        let tables = self.tables.iter().flat_map(|(bucket, tables)| {
            tables.iter().map(|(measurement, position)| StoredTable {
                bucket: *bucket,
                measurement: measurement.clone(),
                position: *position,
            })
        });
        let leaving = self.leaving.iter();
        let stored = Stored {
            format: FORMAT,
            tables: tables.collect(),
            leaving: leaving.map(|(id, name)| (id.0, name.clone())).collect(),
        };
        serde_json::to_vec(&stored)
            .map_err(|error| StorageError::io(Operation::Write, PATH, error.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Position, Positions};
    use crate::id::{BucketId, Sequence};
    use crate::storage::FaultStorage;

    #[test]
    fn an_attempt_is_durable_and_a_success_comes_with_the_next() {
        let storage = FaultStorage::new(3);
        let positions = Positions::open(Arc::new(storage.clone())).expect("opened");
        let bucket = BucketId(1);
        positions
            .attempt(bucket, "cpu", Sequence(5))
            .expect("written");
        positions.flushed(bucket, "cpu", Sequence(5));
        let after =
            |storage: &FaultStorage| Positions::open(Arc::new(storage.crash())).expect("opened");
        let crashed = after(&storage);
        assert_eq!(crashed.doubtful(), [(bucket, "cpu".to_owned())]);
        let expected = Position {
            flushed: Sequence(0),
            attempt: Some(Sequence(5)),
        };
        assert_eq!(crashed.of(bucket, "cpu"), expected);
        positions
            .attempt(bucket, "mem", Sequence(6))
            .expect("written");
        let crashed = after(&storage);
        assert_eq!(crashed.of(bucket, "cpu").flushed, Sequence(5));
        assert_eq!(crashed.doubtful(), [(bucket, "mem".to_owned())]);
        positions.retain_buckets(|_| false);
        positions.write().expect("written");
        assert_eq!(after(&storage).last(), Sequence(0));
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let storage = FaultStorage::new(3);
        storage.put("flushes.json", b"{");
        let refused = Positions::open(Arc::new(storage)).expect_err("refused");
        assert!(
            refused.to_string().contains("flushes.json is damaged"),
            "{refused}"
        );
    }
}
