//! The schemas of tables: the columns of each measurement, and their kinds.
//!
//! The first write fixes a column's kind (contract section 5). A column is *provisional* until
//! the log frame that carries it is durable; if that write fails, [`Schemas::roll_back`] takes it
//! back, so that no line is rejected for a column that never existed (design decision D4).
//!
//! A schema is never changed, only succeeded by a larger one ([`TableSchema`]). So a decision about
//! rows takes the [`Ground`] of their tables, works on it without the lock for as long as needed,
//! and returns the successors, which are put in place if the ground is still the same: under the
//! lock on all schemas, nothing is done per column. The predecessor of a provisional schema is kept
//! beside it; taking it back needs nothing else.
//!
//! The memory of schemas is counted per bucket, because it is limited per bucket; it is given back
//! when the bucket is deleted. The names of columns in stored tables are the lake's business:
//! several nodes write to one table, so the table itself holds them.

mod checkpoint;
mod stored_kind;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use thiserror::Error;

pub use checkpoint::Checkpoint;
pub(super) use checkpoint::PATH as CHECKPOINT_PATH;
#[cfg(test)]
pub(crate) use table::work;
pub use table::{TableSchema, column_bytes, table_bytes};

use crate::columnar::ColumnKind;
use crate::id::{BucketId, Sequence, TableId};

/// A frame of the log contradicts the schema: one of the two is damaged.
#[derive(Debug, Error)]
#[error(
    "column \"{column}\" of \"{measurement}\" is {existing}, but the log has it as {found} at {since}"
)]
pub struct Contradiction {
    measurement: String,
    column: String,
    existing: ColumnKind,
    found: ColumnKind,
    since: Sequence,
}

/// All schemas of a data folder. Not synchronised: the lock belongs to the resolver of writes.
#[derive(Debug, Default)]
pub struct Schemas {
    buckets: HashMap<BucketId, BucketSchemas>,
    provisional: VecDeque<Provisional>,
    roll_backs: u64,
    heap_bytes: u64,
    /// The last frame that brought a column to any table of any bucket.
    since: Sequence,
}

/// The schemas of one bucket.
#[derive(Debug, Default)]
struct BucketSchemas {
    tables: BTreeMap<Arc<str>, Arc<TableSchema>>,
    heap_bytes: u64,
    /// The last frame that brought a column to any of them.
    since: Sequence,
}

/// A table that got columns, as long as the frame that brought them may still fail.
#[derive(Debug)]
struct Provisional {
    since: Sequence,
    bucket: BucketId,
    measurement: Arc<str>,
    before: Option<Arc<TableSchema>>,
}

/// The basis of a decision about rows of some tables.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    /// The tables as they are, in the order of the request.
    pub tables: Vec<Option<Arc<TableSchema>>>,
    /// The number of tables of the bucket.
    pub table_count: usize,
    /// The bytes that the schemas of the bucket take.
    pub bucket_bytes: u64,
    /// The bytes that all schemas take.
    pub all_bytes: u64,
    /// The number of times that columns may have been taken back. A decision that relied on
    /// provisional columns is valid only as long as this stays the same.
    pub roll_backs: u64,
    /// The last frame that brought a column to a table of the bucket.
    pub since: Sequence,
    /// The last frame that brought a column to a table of any bucket.
    pub all_since: Sequence,
}

/// A table that is to get columns.
#[derive(Debug)]
pub struct Growth {
    /// The table.
    pub measurement: Arc<str>,
    /// Its schema with the new columns.
    pub schema: TableSchema,
}

/// Schemas that are no longer needed. Freeing them takes time, so it is not done under the lock.
#[derive(Debug, Default)]
#[must_use]
pub struct Dropped {
    _buckets: Vec<BucketSchemas>,
}

impl Schemas {
    /// An upper estimate of the memory that all schemas take, in bytes.
    pub fn heap_bytes(&self) -> u64 {
        self.heap_bytes
    }

    /// The schema of a table, a snapshot that later changes leave alone.
    pub fn table(&self, table: &TableId) -> Option<&Arc<TableSchema>> {
        let bucket = self.buckets.get(&table.bucket)?;
        bucket.tables.get(&*table.measurement)
    }

    /// Returns the basis of a decision about rows of these tables.
    pub fn ground<'a>(
        &self,
        bucket: BucketId,
        measurements: impl IntoIterator<Item = &'a str>,
    ) -> Ground {
        let known = self.buckets.get(&bucket);
        let table = |name| known.and_then(|known| known.tables.get(name).cloned());
        Ground {
            tables: measurements.into_iter().map(table).collect(),
            table_count: known.map_or(0, |known| known.tables.len()),
            bucket_bytes: known.map_or(0, |known| known.heap_bytes),
            all_bytes: self.heap_bytes,
            roll_backs: self.roll_backs,
            since: known.map_or_else(Sequence::default, |known| known.since),
            all_since: self.since,
        }
    }

    /// Puts tables in place that succeed those that are there, as brought by frame `since`.
    pub fn grow(&mut self, bucket: BucketId, tables: Vec<Growth>, since: Sequence) {
        if tables.is_empty() {
            return;
        }
        let known = self.buckets.entry(bucket).or_default();
        known.since = since;
        self.since = since;
        for Growth {
            measurement,
            mut schema,
        } in tables
        {
            schema.set_since(since);
            let bytes = heap_bytes(&measurement, &schema);
            let before = known
                .tables
                .insert(Arc::clone(&measurement), Arc::new(schema));
            let bytes_before = before
                .as_ref()
                .map_or(0, |before| heap_bytes(&measurement, before));
            let more = bytes.saturating_sub(bytes_before);
            known.heap_bytes += more;
            self.heap_bytes += more;
            self.provisional.push_back(Provisional {
                since,
                bucket,
                measurement,
                before,
            });
        }
    }

    /// Adds what is missing of `columns` to a table, as brought by frame `since`.
    pub fn extend<'a>(
        &mut self,
        id: &TableId,
        columns: impl IntoIterator<Item = (&'a str, ColumnKind)>,
        since: Sequence,
    ) -> Result<(), Contradiction> {
        let table = self.table(id);
        let mut new = Vec::new();
        for (name, found) in columns {
            match table.and_then(|table| table.column(name)) {
                Some(kind) if kind == found => {}
                Some(existing) => {
                    return Err(Contradiction {
                        measurement: id.measurement.to_string(),
                        column: name.to_owned(),
                        existing,
                        found,
                        since,
                    });
                }
                None => new.push((name, found)),
            }
        }
        if !new.is_empty() {
            let growth = Growth {
                measurement: Arc::clone(&id.measurement),
                schema: match table {
                    Some(table) => table.extended(new),
                    None => TableSchema::default().extended(new),
                },
            };
            self.grow(id.bucket, vec![growth], since);
        }
        Ok(())
    }

    /// Confirms everything up to `durable`: it is on disk and stays.
    pub fn settle(&mut self, durable: Sequence) {
        let is_settled = |provisional: &mut Provisional| provisional.since <= durable;
        while self.provisional.pop_front_if(is_settled).is_some() {}
    }

    /// Takes back the columns that came after `durable`: they never reached the log.
    pub fn roll_back(&mut self, durable: Sequence) {
        self.settle(durable);
        self.roll_backs += 1;
        self.since = self.since.min(durable);
        // The last one first: what stood before the first one is what stays.
        while let Some(provisional) = self.provisional.pop_back() {
            let Some(known) = self.buckets.get_mut(&provisional.bucket) else {
                continue;
            };
            let name = provisional.measurement;
            let (gone, kept_bytes) = match provisional.before {
                Some(before) => {
                    let bytes = heap_bytes(&name, &before);
                    (known.tables.insert(Arc::clone(&name), before), bytes)
                }
                None => (known.tables.remove(&name), 0),
            };
            let gone_bytes = gone.map_or(0, |gone| heap_bytes(&name, &gone));
            let less = gone_bytes.saturating_sub(kept_bytes);
            known.heap_bytes = known.heap_bytes.saturating_sub(less);
            known.since = durable;
            self.heap_bytes = self.heap_bytes.saturating_sub(less);
        }
    }

    /// Forgets a deleted bucket.
    pub fn drop_bucket(&mut self, bucket: BucketId) -> Dropped {
        self.retain_buckets(|id| id != bucket)
    }

    /// Forgets the buckets for which `keep` returns false.
    pub fn retain_buckets(&mut self, keep: impl Fn(BucketId) -> bool) -> Dropped {
        let gone = self.buckets.extract_if(|id, _| !keep(*id));
        let gone: Vec<BucketSchemas> = gone.map(|(_, schemas)| schemas).collect();
        let bytes: u64 = gone.iter().map(|schemas| schemas.heap_bytes).sum();
        self.heap_bytes = self.heap_bytes.saturating_sub(bytes);
        Dropped { _buckets: gone }
    }
}

impl Ground {
    /// Returns true if a table is the same as on other ground.
    pub fn is_same(&self, other: &Self, table: usize) -> bool {
        let of = |ground: &Self| ground.tables.get(table).cloned().flatten();
        match (of(self), of(other)) {
            (Some(one), Some(other)) => Arc::ptr_eq(&one, &other),
            (None, None) => true,
            _ => false,
        }
    }
}

/// An upper estimate of the memory that a table takes.
fn heap_bytes(measurement: &str, schema: &TableSchema) -> u64 {
    table_bytes(measurement).saturating_add(schema.heap_bytes())
}
