//! The schemas of tables: which columns a measurement has, of which kind, since which sequence.
//!
//! The first write fixes a column's kind (contract section 5). A column is *provisional* until
//! the log frame that carries it is durable; if that write fails, [`Schemas::roll_back`] takes it
//! back, so that nobody is refused for a column that never existed (design decision D4).
//!
//! Columns and tables are numbered in the order of the log. Since provisional ones are always the
//! last that were numbered, taking them back leaves no hole, and replaying the log numbers
//! everything as before. What a column is called in stored tables is the lake's business: several
//! nodes write to one table, so the table itself says it.

mod checkpoint;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use checkpoint::Checkpoint;
pub(super) use checkpoint::PATH as CHECKPOINT_PATH;

use crate::columnar::FieldType;
use crate::id::{BucketId, Sequence};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Part of the identity of a series.
    Tag,
    /// A measured value.
    Field(FieldType),
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag => f.write_str("tag"),
            Self::Field(field_type) => f.write_str(field_type.as_str()),
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Numbers the columns of a table, from 0, in the order of the log.
    pub id: u32,
    /// What it holds.
    pub kind: ColumnKind,
    /// The frame that brought it.
    pub since: Sequence,
}

/// The columns of one measurement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableSchema {
    /// Numbers the tables of a data folder, in the order of the log.
    pub id: u64,
    columns: HashMap<Box<str>, Column>,
}

impl TableSchema {
    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.get(name)
    }

    /// A copy of `base`, or of nothing, with more columns: what a table would look like.
    pub fn extended<'a>(
        base: Option<&Arc<Self>>,
        columns: impl IntoIterator<Item = (&'a str, ColumnKind)>,
    ) -> Self {
        let mut schema = base.map_or_else(Self::default, |base| Self::clone(base));
        for (name, kind) in columns {
            if schema.column(name).is_none() {
                schema.add(name, kind, Sequence::default());
            }
        }
        schema
    }

    /// Columns, tags and fields together.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column yet.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The latest frame after `durable` that brought a column, if any did.
    pub fn newer_than(&self, durable: Sequence) -> Option<Sequence> {
        self.columns
            .values()
            .map(|column| column.since)
            .filter(|since| *since > durable)
            .max()
    }

    fn add(&mut self, name: &str, kind: ColumnKind, since: Sequence) {
        let id = u32::try_from(self.columns.len()).unwrap_or(u32::MAX);
        self.columns.insert(name.into(), Column { id, kind, since });
    }
}

/// A frame of the log says other than the schema: one of the two is damaged.
#[derive(Debug, Error)]
#[error(
    "column \"{column}\" of \"{measurement}\" is {existing}, the log has it as {found} at {since}"
)]
pub struct Contradiction {
    measurement: String,
    column: String,
    existing: ColumnKind,
    found: ColumnKind,
    since: Sequence,
}

/// All schemas of a data folder. Not synchronised: whoever resolves writes holds the lock.
#[derive(Debug, Default)]
pub struct Schemas {
    buckets: HashMap<BucketId, BTreeMap<Box<str>, Arc<TableSchema>>>,
    next_table_id: u64,
    /// The last frame that the checkpoint reflects.
    checkpoint: Sequence,
    provisional: VecDeque<Provisional>,
    roll_backs: u64,
    heap_bytes: u64,
}

/// A table that got columns, as long as the frame that brought them may still fail.
#[derive(Debug)]
struct Provisional {
    since: Sequence,
    bucket: BucketId,
    measurement: Box<str>,
    /// The number of the table, if it is as new as its columns.
    new_table_id: Option<u64>,
}

impl Schemas {
    /// An upper estimate of the memory that all schemas take, in bytes.
    pub fn heap_bytes(&self) -> u64 {
        self.heap_bytes
    }

    /// The schema of a table, a snapshot that later changes leave alone.
    pub fn table(&self, bucket: BucketId, measurement: &str) -> Option<&Arc<TableSchema>> {
        self.buckets.get(&bucket)?.get(measurement)
    }

    /// Tables of a bucket.
    pub fn table_count(&self, bucket: BucketId) -> usize {
        self.buckets.get(&bucket).map_or(0, BTreeMap::len)
    }

    /// Adds what is missing of `columns` to a table, as brought by frame `since`.
    pub fn extend<'a>(
        &mut self,
        bucket: BucketId,
        measurement: &str,
        columns: impl IntoIterator<Item = (&'a str, ColumnKind)>,
        since: Sequence,
    ) -> Result<(), Contradiction> {
        let tables = self.buckets.entry(bucket).or_default();
        let is_new = !tables.contains_key(measurement);
        if is_new {
            let schema = TableSchema {
                id: self.next_table_id,
                ..TableSchema::default()
            };
            self.next_table_id += 1;
            self.heap_bytes += entry_bytes(measurement);
            tables.insert(measurement.into(), Arc::new(schema));
        }
        let Some(table) = tables.get_mut(measurement) else {
            return Ok(());
        };
        let mut grew = false;
        for (name, found) in columns {
            match table.column(name) {
                Some(column) if column.kind == found => {}
                Some(column) => {
                    return Err(Contradiction {
                        measurement: measurement.to_owned(),
                        column: name.to_owned(),
                        existing: column.kind,
                        found,
                        since,
                    });
                }
                None => {
                    Arc::make_mut(table).add(name, found, since);
                    self.heap_bytes += entry_bytes(name);
                    grew = true;
                }
            }
        }
        if grew {
            self.provisional.push_back(Provisional {
                since,
                bucket,
                measurement: measurement.into(),
                new_table_id: is_new.then_some(table.id),
            });
        }
        Ok(())
    }

    /// Everything up to `durable` is on disk and stays.
    pub fn settle(&mut self, durable: Sequence) {
        while self
            .provisional
            .front()
            .is_some_and(|provisional| provisional.since <= durable)
        {
            self.provisional.pop_front();
        }
    }

    /// How often columns may have been taken back. A decision that relied on provisional columns
    /// holds only as long as this stays.
    pub fn roll_backs(&self) -> u64 {
        self.roll_backs
    }

    /// Takes back what came after `durable`: it never reached the log.
    pub fn roll_back(&mut self, durable: Sequence) {
        self.settle(durable);
        self.roll_backs += 1;
        for provisional in std::mem::take(&mut self.provisional) {
            // The log has no trace of the table, whether or not its bucket is still there: its
            // number is free, as it will be after a replay.
            if let Some(id) = provisional.new_table_id {
                self.next_table_id = self.next_table_id.min(id);
            }
            let measurement = provisional.measurement;
            let Some(tables) = self.buckets.get_mut(&provisional.bucket) else {
                continue;
            };
            let Some(table) = tables.get_mut(&measurement) else {
                continue;
            };
            let schema = Arc::make_mut(table);
            let heap_bytes = &mut self.heap_bytes;
            schema.columns.retain(|name, column| {
                let stays = column.since <= durable;
                if !stays {
                    *heap_bytes = heap_bytes.saturating_sub(entry_bytes(name));
                }
                stays
            });
            if schema.columns.is_empty() {
                *heap_bytes = heap_bytes.saturating_sub(entry_bytes(&measurement));
                tables.remove(&measurement);
            }
        }
    }

    /// Forgets a deleted bucket. Its table ids are not given again.
    pub fn drop_bucket(&mut self, bucket: BucketId) {
        self.retain_buckets(|id| id != bucket);
    }

    /// Forgets the buckets that are not to be kept.
    pub fn retain_buckets(&mut self, keep: impl Fn(BucketId) -> bool) {
        let heap_bytes = &mut self.heap_bytes;
        self.buckets.retain(|id, tables| {
            let stays = keep(*id);
            if !stays {
                *heap_bytes = heap_bytes.saturating_sub(tables_bytes(tables));
            }
            stays
        });
    }

    /// Whether a frame came after the checkpoint that these schemas were read from: only then it
    /// may bring something new.
    pub fn is_news(&self, sequence: Sequence) -> bool {
        sequence > self.checkpoint
    }
}

fn tables_bytes(tables: &BTreeMap<Box<str>, Arc<TableSchema>>) -> u64 {
    let names = tables.iter().flat_map(|(measurement, table)| {
        let columns = table.columns.keys();
        columns
            .map(|name| entry_bytes(name))
            .chain([entry_bytes(measurement)])
    });
    names.sum()
}

/// What a table or a column takes, with its name in up to three places and its share of a map.
fn entry_bytes(name: &str) -> u64 {
    const FIXED_BYTES: usize = 256;
    u64::try_from(FIXED_BYTES + 3 * name.len()).unwrap_or(u64::MAX)
}

/// The stored form of a kind: one word.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredKind {
    Tag,
    Float,
    Integer,
    Unsigned,
    Boolean,
    String,
}

impl Serialize for ColumnKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Tag => StoredKind::Tag,
            Self::Field(FieldType::Float) => StoredKind::Float,
            Self::Field(FieldType::Integer) => StoredKind::Integer,
            Self::Field(FieldType::Unsigned) => StoredKind::Unsigned,
            Self::Field(FieldType::Boolean) => StoredKind::Boolean,
            Self::Field(FieldType::String) => StoredKind::String,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ColumnKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match StoredKind::deserialize(deserializer)? {
            StoredKind::Tag => Self::Tag,
            StoredKind::Float => Self::Field(FieldType::Float),
            StoredKind::Integer => Self::Field(FieldType::Integer),
            StoredKind::Unsigned => Self::Field(FieldType::Unsigned),
            StoredKind::Boolean => Self::Field(FieldType::Boolean),
            StoredKind::String => Self::Field(FieldType::String),
        })
    }
}
