//! `schemas.json`: all schemas as they were at a sequence of the log.
//!
//! ```text
//! {"format":2,"sequence":9,"buckets":[
//!   {"id":1,"tables":[{"measurement":"cpu","columns":{"tag":["host"],"float":["user","idle"]}}]}]}
//! ```
//!
//! It is written when the server stops, and before the log drops frames that brought columns. The
//! log is the truth: replay adds the columns that came later, and compares those that the
//! checkpoint already has. The first format had an object per column, with a number and a name in
//! stored tables that nothing read; it is read, and replaced at the next checkpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};

use super::stored_kind::StoredKind;
use super::{Growth, Schemas, TableSchema};
use crate::catalog::CatalogError;
use crate::catalog::file::read_json;
use crate::columnar::ColumnKind;
use crate::id::{BucketId, Sequence};
use crate::storage::Storage;

/// The schemas as they were at a sequence of the log, taken out to be written.
#[derive(Debug)]
pub struct Checkpoint {
    sequence: Sequence,
    tables: BTreeMap<BucketId, BTreeMap<Arc<str>, Arc<TableSchema>>>,
}

pub(in crate::catalog) const PATH: &str = "schemas.json";
const FORMAT: u32 = 2;

/// The file, as both formats have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    sequence: Sequence,
    buckets: Option<Vec<StoredBucket>>,
    /// Format 1.
    tables: Option<Vec<OldTable>>,
    #[serde(default, rename = "next_table_id")]
    _next_table_id: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBucket {
    id: BucketId,
    tables: Vec<StoredTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTable {
    measurement: String,
    columns: BTreeMap<StoredKind, Vec<String>>,
}

#[derive(Deserialize)]
struct OldTable {
    bucket: BucketId,
    measurement: String,
    columns: Vec<OldColumn>,
}

#[derive(Deserialize)]
struct OldColumn {
    name: String,
    kind: StoredKind,
}

impl Schemas {
    /// Returns the schemas of the last checkpoint, or none.
    pub fn read_checkpoint(storage: &dyn Storage) -> Result<Self, CatalogError> {
        let mut schemas = Self::default();
        let Some(stored) = read_json::<Stored>(storage, PATH, FORMAT)? else {
            return Ok(schemas);
        };
        match stored {
            Stored {
                format: 1,
                sequence,
                tables: Some(tables),
                buckets: None,
                ..
            } => {
                for OldTable {
                    bucket,
                    measurement,
                    columns,
                } in tables
                {
                    let columns = columns.iter().map(|c| (c.name.as_str(), c.kind.0));
                    schemas.restore(bucket, measurement, columns, sequence);
                }
                schemas.settle(sequence);
            }
            Stored {
                format: FORMAT,
                sequence,
                buckets: Some(buckets),
                tables: None,
                ..
            } => {
                for StoredBucket { id, tables } in buckets {
                    for StoredTable {
                        measurement,
                        columns,
                    } in tables
                    {
                        let columns = columns.iter().flat_map(|(kind, names)| {
                            names.iter().map(|name| (name.as_str(), kind.0))
                        });
                        schemas.restore(id, measurement, columns, sequence);
                    }
                }
                schemas.settle(sequence);
            }
            Stored { format, .. } => {
                return Err(CatalogError::Damaged {
                    path: PATH,
                    reason: format!("it has not the parts of format {format}"),
                });
            }
        }
        Ok(schemas)
    }

    fn restore<'a>(
        &mut self,
        bucket: BucketId,
        measurement: String,
        columns: impl Iterator<Item = (&'a str, ColumnKind)>,
        since: Sequence,
    ) {
        let growth = Growth {
            measurement: measurement.into(),
            schema: TableSchema::default().extended(columns),
        };
        self.grow(bucket, vec![growth], since);
    }

    /// Returns the schemas as they were at `durable`: everything up to there is on disk, and
    /// columns of failed frames were taken back. Later columns may still fail and are left out.
    pub fn checkpoint(&self, durable: Sequence) -> Checkpoint {
        let buckets = self.buckets.iter();
        let mut tables: BTreeMap<_, _> = buckets
            .map(|(bucket, known)| (*bucket, known.tables.clone()))
            .collect();
        let younger = self.provisional.iter().rev();
        for provisional in younger.take_while(|provisional| provisional.since > durable) {
            let Some(tables) = tables.get_mut(&provisional.bucket) else {
                continue;
            };
            let name = Arc::clone(&provisional.measurement);
            match &provisional.before {
                Some(before) => tables.insert(name, Arc::clone(before)),
                None => tables.remove(&name),
            };
        }
        Checkpoint {
            sequence: durable,
            tables,
        }
    }
}

impl Checkpoint {
    /// The last frame that is reflected.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The tables of a bucket.
    #[cfg(test)]
    pub(crate) fn tables(&self, bucket: BucketId) -> BTreeMap<String, TableSchema> {
        let tables = self.tables.get(&bucket).into_iter().flatten();
        tables
            .map(|(name, table)| (name.to_string(), TableSchema::clone(table)))
            .collect()
    }

    /// Replaces the checkpoint on disk.
    pub fn write(&self, storage: &dyn Storage) -> Result<(), CatalogError> {
        let written = Written {
            format: FORMAT,
            sequence: self.sequence,
            buckets: &self.tables,
        };
        let bytes = serde_json::to_vec(&written).map_err(|error| CatalogError::Damaged {
            path: PATH,
            reason: error.to_string(),
        })?;
        crate::storage::replace(storage, PATH, &bytes)?;
        Ok(())
    }
}

type Tables = BTreeMap<Arc<str>, Arc<TableSchema>>;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    sequence: Sequence,
    #[serde(serialize_with = "write_buckets")]
    buckets: &'a BTreeMap<BucketId, Tables>,
}

#[derive(Serialize)]
struct WrittenBucket<'a> {
    id: BucketId,
    #[serde(serialize_with = "write_tables")]
    tables: &'a Tables,
}

#[derive(Serialize)]
struct WrittenTable<'a> {
    measurement: &'a str,
    #[serde(serialize_with = "write_columns")]
    columns: &'a TableSchema,
}

fn write_buckets<S: Serializer>(
    buckets: &BTreeMap<BucketId, Tables>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let some = buckets.iter().filter(|(_, tables)| !tables.is_empty());
    serializer.collect_seq(some.map(|(id, tables)| WrittenBucket { id: *id, tables }))
}

fn write_tables<S: Serializer>(tables: &Tables, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tables.iter().map(|(name, columns)| WrittenTable {
        measurement: name,
        columns,
    }))
}

/// The names by kind, in order: the same schemas are the same file.
fn write_columns<S: Serializer>(schema: &TableSchema, serializer: S) -> Result<S::Ok, S::Error> {
    let mut kinds: BTreeMap<StoredKind, Vec<&str>> = BTreeMap::new();
    for (name, kind) in schema.columns() {
        kinds.entry(StoredKind(kind)).or_default().push(name);
    }
    kinds.values_mut().for_each(|names| names.sort_unstable());
    serializer.collect_map(kinds)
}
