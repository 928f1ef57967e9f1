//! `flushes.json`: the frame of the log up to which each table is in the lake, and the flushes that may
//! have reached it without this process knowing.
//!
//! The table itself is the truth; this file saves asking it. Before a commit the attempt is recorded
//! durably; after it the success is recorded with the next attempt, or by the flusher within a second.
//! So a start needs the store only for tables with an attempt of unknown outcome.
//!
//! If a table lacks rows that it has according to this file, it was lost ([`Position::expected`]).
//! Deletions of buckets by other nodes, losses that an operator has accepted, and the last trusted
//! time ([`crate::lake::trust`]) are recorded here too.
//!
//! The format of the file is in [`journal`].

mod journal;
mod position;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::{BucketId, Sequence, TableId};
use crate::lake::error::LakeError;
use crate::storage::{self, FLUSHES_FILE as PATH, Storage, StorageError};
use journal::{Journal, Record, StoredTable};
pub(super) use position::Position;

/// The positions of all tables. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Positions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    tables: Mutex<Noted>,
    /// Held while the file is written.
    file: Mutex<NotedFile>,
}

#[derive(Debug)]
struct NotedFile {
    journal: Journal,
    /// The number of the last change in the file.
    changes: u64,
    /// True if the last write failed.
    is_failing: bool,
}

#[derive(Debug, Default)]
struct Noted {
    tables: BTreeMap<BucketId, BTreeMap<String, Position>>,
    /// Buckets that are being deleted, with their names, until their folders are gone.
    deleted: BTreeMap<BucketId, String>,
    /// For each, the number of the last mark of its deletion when the removal began.
    deletion_marks: BTreeMap<BucketId, u64>,
    /// The last trusted time, in nanoseconds since the epoch.
    time_ns: Option<i64>,
    changes: u64,
    /// Tables that have changed since the last write.
    changed: BTreeSet<TableId>,
    /// Other changes since then.
    others: Vec<Record>,
}

impl Positions {
    /// Reads the file; a new folder has none.
    pub(super) fn open(storage: Arc<dyn Storage>) -> Result<Self, LakeError> {
        let mut noted = Noted::default();
        if let Some(bytes) = storage::read(storage.as_ref(), PATH)? {
            let records = journal::parse(&bytes).map_err(|reason| LakeError::Positions {
                path: storage.locate(PATH).display().to_string(),
                reason,
            })?;
            for record in records {
                noted.take(record);
            }
        }
        let written = NotedFile {
            journal: Journal::new(storage),
            changes: 0,
            is_failing: false,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                tables: Mutex::new(noted),
                file: Mutex::new(written),
            }),
        })
    }

    /// The position of a table.
    pub(super) fn of(&self, table: &TableId) -> Position {
        let noted = self.lock();
        let position = noted
            .tables
            .get(&table.bucket)
            .and_then(|tables| tables.get(&*table.measurement));
        position.cloned().unwrap_or_default()
    }

    /// The tables of a bucket that must be in the lake, ordered bytewise.
    pub(super) fn expected(&self, bucket: BucketId) -> Vec<String> {
        let noted = self.lock();
        let tables = noted.tables.get(&bucket).into_iter().flatten();
        let expected = tables.filter(|(_, position)| position.expected() > Sequence(0));
        expected.map(|(name, _)| name.clone()).collect()
    }

    /// The last frame that any position names.
    pub(super) fn last(&self) -> Sequence {
        let noted = self.lock();
        let positions = noted.tables.values().flat_map(BTreeMap::values);
        positions.map(Position::last).max().unwrap_or_default()
    }

    /// The tables with a flush of unknown outcome.
    pub(super) fn doubtful(&self) -> Vec<TableId> {
        let noted = self.lock();
        let mut doubtful = Vec::new();
        for (bucket, tables) in &noted.tables {
            let open = tables.iter().filter(|(_, at)| at.doubts().next().is_some());
            doubtful.extend(open.map(|(name, _)| TableId::new(*bucket, &**name)));
        }
        doubtful
    }

    /// Records an attempt; durable when it returns. Blocks on the disk. Changes that arrive meanwhile are
    /// written together by the next write.
    pub(super) fn attempt(&self, table: &TableId, sequence: Sequence) -> Result<(), StorageError> {
        let change = self.change(table, |position| {
            position.attempt(sequence);
        });
        self.write_up_to(change)
    }

    /// Records that a table is flushed up to here. Durable with the next attempt, or by
    /// [`Positions::write`].
    pub(super) fn flushed(&self, table: &TableId, sequence: Sequence) {
        self.change(table, |position| position.flushed(sequence));
    }

    /// Records that a table is no longer expected to have its rows: its bucket was deleted, or an
    /// operator gave them up. Durable like [`Positions::flushed`].
    pub(super) fn gone(&self, table: &TableId, deletion: Option<String>) {
        self.change(table, |position| {
            position.gone = position.flushed;
            position.deletion = deletion;
        });
    }

    /// Records the last deletion of the bucket before a table that is as expected.
    pub(super) fn known(&self, table: &TableId, deletion: Option<String>) {
        self.change(table, |position| position.deletion = deletion);
    }

    /// The last trusted time, in nanoseconds since the epoch.
    pub(super) fn time_ns(&self) -> Option<i64> {
        self.lock().time_ns
    }

    /// Records the time. Durable like [`Positions::flushed`].
    pub(super) fn set_time_ns(&self, time_ns: i64) {
        let mut noted = self.lock();
        noted.time_ns = Some(time_ns);
        noted.add(Record::TimeNs(time_ns));
    }

    /// Forgets the buckets that are not to be kept.
    pub(super) fn retain_buckets(&self, keep: impl Fn(BucketId) -> bool) {
        let mut noted = self.lock();
        let dropped = noted.tables.keys().filter(|bucket| !keep(**bucket));
        let dropped: Vec<BucketId> = dropped.copied().collect();
        for bucket in dropped {
            noted.tables.remove(&bucket);
            noted.add(Record::Dropped(bucket));
        }
    }

    /// Records that the folder of a bucket is to be removed once the bucket is gone. Durable when it
    /// returns.
    pub(super) fn note_deletion(&self, bucket: BucketId, name: &str) -> Result<(), StorageError> {
        let change = {
            let mut noted = self.lock();
            noted.deleted.insert(bucket, name.to_owned());
            noted.add(Record::Deleted(bucket, name.to_owned()))
        };
        self.write_up_to(change)
    }

    /// Records the number of the last mark of a bucket's deletion when its removal began. Durable like
    /// [`Positions::flushed`].
    pub(super) fn note_deletion_mark(&self, bucket: BucketId, number: u64) {
        let mut noted = self.lock();
        noted.deletion_marks.insert(bucket, number);
        noted.add(Record::DeletionMark(bucket, number));
    }

    /// Returns that number, if it was recorded.
    pub(super) fn deletion_mark(&self, bucket: BucketId) -> Option<u64> {
        self.lock().deletion_marks.get(&bucket).copied()
    }

    /// Records that the folder of a bucket is gone, or stays after all.
    pub(super) fn note_removed(&self, bucket: BucketId) {
        let mut noted = self.lock();
        noted.deleted.remove(&bucket);
        noted.deletion_marks.remove(&bucket);
        noted.add(Record::Removed(bucket));
    }

    /// The buckets whose folders are to be removed.
    pub(super) fn deleted_buckets(&self) -> Vec<(BucketId, String)> {
        let noted = self.lock();
        let leaving = noted.deleted.iter();
        leaving.map(|(id, name)| (*id, name.clone())).collect()
    }

    /// Returns whether a bucket of this name is gone, according to `is_gone`, and its folder is not.
    pub(super) fn is_being_deleted(&self, name: &str, is_gone: impl Fn(BucketId) -> bool) -> bool {
        let noted = self.lock();
        let mut leaving = noted.deleted.iter();
        leaving.any(|(id, leaving)| leaving == name && is_gone(*id))
    }

    /// Makes all changes durable. Blocks on the disk.
    pub(super) fn write(&self) -> Result<(), StorageError> {
        let change = self.lock().changes;
        self.write_up_to(change)
    }

    /// Checks that the file can be written, if the last write failed. Blocks on the disk then.
    pub(super) fn probe(&self) -> Result<(), StorageError> {
        let is_failing = self.file().is_failing;
        if is_failing {
            self.lock().changes += 1;
            return self.write();
        }
        Ok(())
    }

    fn change(&self, table: &TableId, edit: impl FnOnce(&mut Position)) -> u64 {
        let mut noted = self.lock();
        let tables = noted.tables.entry(table.bucket).or_default();
        edit(tables.entry(table.measurement.to_string()).or_default());
        noted.changed.insert(table.clone());
        noted.changes += 1;
        noted.changes
    }

    fn write_up_to(&self, change: u64) -> Result<(), StorageError> {
        let mut file = self.file();
        if file.changes >= change {
            return Ok(());
        }
        let (changed, changes) = self.lock().take_changed();
        let mut written = Ok(());
        let is_added = !file.journal.wants_all() && file.journal.append(changed).is_ok();
        if !is_added {
            let (all, at) = self.lock().all();
            written = file.journal.replace(all);
            file.changes = at;
        } else {
            file.changes = changes;
        }
        file.is_failing = written.is_err();
        if file.is_failing {
            file.changes = 0;
        }
        written
    }

    fn file(&self) -> MutexGuard<'_, NotedFile> {
        let file = self.shared.file.lock();
        file.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        let tables = self.shared.tables.lock();
        tables.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    /// Applies a record that was read.
    fn take(&mut self, record: Record) {
        match record {
            Record::Table(table) => {
                let tables = self.tables.entry(table.bucket).or_default();
                tables.insert(table.measurement, table.position);
            }
            Record::Dropped(bucket) => {
                self.tables.remove(&bucket);
            }
            Record::Deleted(bucket, name) => {
                self.deleted.insert(bucket, name);
            }
            Record::DeletionMark(bucket, number) => {
                self.deletion_marks.insert(bucket, number);
            }
            Record::Removed(bucket) => {
                self.deleted.remove(&bucket);
                self.deletion_marks.remove(&bucket);
            }
            Record::TimeNs(time_ns) => self.time_ns = Some(time_ns),
        }
    }

    fn add(&mut self, record: Record) -> u64 {
        self.others.push(record);
        self.changes += 1;
        self.changes
    }

    /// Takes the changes that were not written yet, with the number of the last one. Leaves out tables
    /// of dropped buckets.
    fn take_changed(&mut self) -> (Vec<Record>, u64) {
        let changed = std::mem::take(&mut self.changed).into_iter();
        let tables = changed.filter_map(|table| {
            let tables = self.tables.get(&table.bucket)?;
            Some(Record::Table(StoredTable {
                bucket: table.bucket,
                measurement: table.measurement.to_string(),
                position: tables.get(&*table.measurement)?.clone(),
            }))
        });
        let mut records: Vec<Record> = tables.collect();
        records.append(&mut self.others);
        (records, self.changes)
    }

    /// Returns all records, with the number of the last change in them.
    fn all(&mut self) -> (Vec<Record>, u64) {
        self.changed.clear();
        self.others.clear();
        let tables = self.tables.iter().flat_map(|(bucket, tables)| {
            tables.iter().map(|(measurement, position)| {
                Record::Table(StoredTable {
                    bucket: *bucket,
                    measurement: measurement.clone(),
                    position: position.clone(),
                })
            })
        });
        let leaving = self.deleted.iter();
        let leaving = leaving.map(|(id, name)| Record::Deleted(*id, name.clone()));
        let since = self.deletion_marks.iter();
        let since = since.map(|(id, number)| Record::DeletionMark(*id, *number));
        let time = self.time_ns.map(Record::TimeNs);
        (
            tables.chain(leaving).chain(since).chain(time).collect(),
            self.changes,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Position, Positions};
    use crate::id::{BucketId, Sequence, TableId};
    use crate::storage::fault::Fault;
    use crate::storage::{FaultStorage, Operation};

    #[test]
    fn an_attempt_is_durable_and_a_success_comes_with_the_next() {
        let storage = FaultStorage::new(3);
        let positions = Positions::open(Arc::new(storage.clone())).expect("opened");
        let bucket = BucketId(1);
        positions
            .attempt(&TableId::new(bucket, "cpu"), Sequence(5))
            .expect("written");
        positions.flushed(&TableId::new(bucket, "cpu"), Sequence(5));
        let after =
            |storage: &FaultStorage| Positions::open(Arc::new(storage.crash())).expect("opened");
        let crashed = after(&storage);
        assert_eq!(crashed.doubtful(), [TableId::new(bucket, "cpu")]);
        let mut expected = Position::default();
        expected.attempt(Sequence(5));
        assert_eq!(crashed.of(&TableId::new(bucket, "cpu")), expected);
        positions
            .attempt(&TableId::new(bucket, "mem"), Sequence(6))
            .expect("written");
        let crashed = after(&storage);
        assert_eq!(
            crashed.of(&TableId::new(bucket, "cpu")).flushed,
            Sequence(5)
        );
        assert_eq!(crashed.doubtful(), [TableId::new(bucket, "mem")]);
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

    #[test]
    fn a_note_costs_the_same_however_many_tables_there_are() {
        let storage = FaultStorage::new(3);
        let positions = Positions::open(Arc::new(storage.clone())).expect("opened");
        let bucket = BucketId(1);
        for table in 0..5_000 {
            positions.flushed(&TableId::new(bucket, format!("table{table}")), Sequence(1));
        }
        positions.write().expect("written");
        let len = |storage: &FaultStorage| storage.contents("flushes.json").map(|b| b.len());
        let before = len(&storage).expect("there");
        positions
            .attempt(&TableId::new(bucket, "table7"), Sequence(2))
            .expect("written");
        let more = len(&storage).expect("there") - before;
        assert!(more < 200, "{more} bytes");
        let after = Positions::open(Arc::new(storage.crash())).expect("opened");
        assert_eq!(
            after.of(&TableId::new(bucket, "table7")).last(),
            Sequence(2)
        );
        assert_eq!(
            after.of(&TableId::new(bucket, "table8")).flushed,
            Sequence(1)
        );
    }

    #[test]
    fn an_attempt_is_durable_whichever_sync_failed_before() {
        for operation in [Operation::Sync, Operation::SyncDir, Operation::Write] {
            for at in 0..12 {
                let storage = FaultStorage::new(at);
                let positions = Positions::open(Arc::new(storage.clone())).expect("opened");
                storage.fail(operation, at, Fault::Io);
                for sequence in 1..8 {
                    let bucket = BucketId(sequence % 2);
                    let sequence = Sequence(sequence);
                    let attempt = || positions.attempt(&TableId::new(bucket, "m"), sequence);
                    if attempt().is_err() {
                        attempt().expect("works again");
                    }
                    let after = Positions::open(Arc::new(storage.crash())).expect("readable");
                    assert_eq!(
                        after.of(&TableId::new(bucket, "m")).last(),
                        sequence,
                        "{operation}"
                    );
                }
            }
        }
    }
}
