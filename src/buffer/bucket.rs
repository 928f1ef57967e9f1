//! The tables of one bucket, and its sums.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::table::Table;
use super::{BufferLimits, BufferStats, TableSnapshot};
use crate::columnar::Batch;
use crate::id::Sequence;
use crate::memory::{Budget, Exhausted, Reservation};

/// One bucket. The lock over all tables is held for a look-up only.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    tables: RwLock<BTreeMap<Box<str>, Arc<Mutex<Table>>>>,
    series: AtomicU64,
    reserved_bytes: AtomicU64,
}

impl Bucket {
    pub(super) fn apply(
        &self,
        sequence: Sequence,
        batch: &Batch,
        reservation: Reservation,
        limits: BufferLimits,
    ) {
        let table = self.table_or_new(batch.measurement());
        let mut table = lock(&table);
        let (series, reserved_bytes) = (table.series_count(), table.reserved_bytes());
        table.apply(sequence, batch, reservation, limits);
        self.series
            .fetch_add(table.series_count() - series, Ordering::Relaxed);
        // Wraps when the sum shrinks, which is what an addition of the difference needs.
        let grown = table.reserved_bytes().wrapping_sub(reserved_bytes);
        self.reserved_bytes.fetch_add(grown, Ordering::Relaxed);
    }

    pub(super) fn measurements(&self) -> Vec<String> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.keys().map(|name| name.to_string()).collect()
    }

    pub(super) fn series_count(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }

    pub(super) fn reserved_bytes(&self) -> u64 {
        self.reserved_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn contains_series(&self, measurement: &str, tags: &[(&str, &str)]) -> bool {
        self.table(measurement)
            .is_some_and(|table| lock(&table).contains_series(tags))
    }

    pub(super) fn snapshot(
        &self,
        measurement: &str,
        budget: &Budget,
    ) -> Result<Option<TableSnapshot>, Exhausted> {
        let Some(table) = self.table(measurement) else {
            return Ok(None);
        };
        let copy = lock(&table).copy(budget)?;
        Ok(copy.map(|copy| copy.freeze()))
    }

    pub(super) fn add_stats(&self, stats: &mut BufferStats) {
        let tables: Vec<Arc<Mutex<Table>>> = {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            tables.values().cloned().collect()
        };
        tables.iter().for_each(|table| lock(table).add_stats(stats));
    }

    fn table(&self, measurement: &str) -> Option<Arc<Mutex<Table>>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        tables.get(measurement).cloned()
    }

    fn table_or_new(&self, measurement: &str) -> Arc<Mutex<Table>> {
        if let Some(table) = self.table(measurement) {
            return table;
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Mutex::new(Table::new(measurement)));
        tables.entry(measurement.into()).or_insert_with(new).clone()
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
