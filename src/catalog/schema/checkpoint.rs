//! `schemas.json`: all schemas as they were at a sequence of the log.
//!
//! Written when the server stops, and before the log lets go of frames that brought columns. The
//! log is the truth: replay adds what came after, and what the checkpoint has already is compared,
//! not added twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{Column, ColumnKind, Schemas, TableSchema, entry_bytes};
use crate::catalog::CatalogError;
use crate::catalog::file::{read_json, write_json};
use crate::id::{BucketId, Sequence};
use crate::storage::Storage;

/// The schemas as they were at a sequence of the log, taken out to be written.
#[derive(Debug)]
pub struct Checkpoint {
    sequence: Sequence,
    pub(super) next_table_id: u64,
    tables: Vec<(BucketId, Box<str>, Arc<TableSchema>)>,
}

pub(in crate::catalog) const PATH: &str = "schemas.json";
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    /// The last frame that is reflected here.
    sequence: Sequence,
    next_table_id: u64,
    tables: Vec<StoredTable>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTable {
    id: u64,
    bucket: BucketId,
    measurement: String,
    /// By number.
    columns: Vec<StoredColumn>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredColumn {
    name: String,
    kind: ColumnKind,
    since: Sequence,
    /// Written by versions before the lake; tables have names of their own.
    #[serde(default, rename = "storage_name", skip_serializing)]
    _storage_name: IgnoredAny,
}

impl Schemas {
    /// The schemas of the last checkpoint, or none.
    pub fn read_checkpoint(storage: &dyn Storage) -> Result<Self, CatalogError> {
        let Some(stored) = read_json::<Stored>(storage, PATH, FORMAT)? else {
            return Ok(Self::default());
        };
        let mut schemas = Self {
            next_table_id: stored.next_table_id,
            checkpoint: stored.sequence,
            ..Self::default()
        };
        for table in stored.tables {
            let names = table.columns.iter().map(|column| column.name.as_str());
            let names = names.chain([table.measurement.as_str()]);
            schemas.heap_bytes += names.map(entry_bytes).sum::<u64>();
            let tables = schemas.buckets.entry(table.bucket).or_default();
            tables.insert(
                table.measurement.into(),
                Arc::new(restore(table.id, table.columns)),
            );
        }
        Ok(schemas)
    }

    /// The schemas as they were at `durable`: everything up to there is on disk, and what failed
    /// was taken back. What is younger may still fail and is left out.
    pub fn checkpoint(&self, durable: Sequence) -> Checkpoint {
        let tables = self.buckets.iter().flat_map(|(bucket, tables)| {
            tables
                .iter()
                .map(|(measurement, table)| (*bucket, measurement.clone(), Arc::clone(table)))
        });
        let younger = self.provisional.iter().filter(|new| new.since > durable);
        let younger = younger.filter_map(|new| new.new_table_id).min();
        Checkpoint {
            sequence: durable,
            next_table_id: younger.unwrap_or(self.next_table_id),
            tables: tables.collect(),
        }
    }
}

impl Checkpoint {
    /// The last frame that is reflected.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The tables of a bucket, with what may still fail.
    #[cfg(test)]
    pub(crate) fn tables(&self, bucket: BucketId) -> BTreeMap<String, TableSchema> {
        let tables = self.tables.iter().filter(|(id, _, _)| *id == bucket);
        tables
            .map(|(_, name, table)| (name.to_string(), TableSchema::clone(table)))
            .collect()
    }

    /// Replaces the checkpoint on disk.
    pub fn write(&self, storage: &dyn Storage) -> Result<(), CatalogError> {
        let tables = self
            .tables
            .iter()
            .filter_map(|(bucket, measurement, table)| {
                let stored = stored_table(*bucket, measurement, table, self.sequence);
                (!stored.columns.is_empty()).then_some(stored)
            });
        let stored = Stored {
            format: FORMAT,
            sequence: self.sequence,
            next_table_id: self.next_table_id,
            tables: tables.collect(),
        };
        write_json(storage, PATH, &stored)
    }
}

fn restore(id: u64, columns: Vec<StoredColumn>) -> TableSchema {
    let columns = (0_u32..).zip(columns).map(|(id, column)| {
        let StoredColumn {
            name, kind, since, ..
        } = column;
        (name.into(), Column { id, kind, since })
    });
    TableSchema {
        id,
        columns: columns.collect(),
    }
}

fn stored_table(
    bucket: BucketId,
    measurement: &str,
    table: &TableSchema,
    durable: Sequence,
) -> StoredTable {
    let by_number: BTreeMap<u32, (&str, &Column)> = table
        .columns
        .iter()
        .filter(|(_, column)| column.since <= durable)
        .map(|(name, column)| (column.id, (&**name, column)))
        .collect();
    let columns = by_number.into_values().map(|(name, column)| StoredColumn {
        name: name.to_owned(),
        kind: column.kind,
        since: column.since,
        _storage_name: IgnoredAny,
    });
    StoredTable {
        id: table.id,
        bucket,
        measurement: measurement.to_owned(),
        columns: columns.collect(),
    }
}
