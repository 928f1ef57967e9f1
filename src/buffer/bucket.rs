//! The tables of one bucket, and its sums.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::sizes::{BufferLimits, BufferStats};
use super::table::{Recount, Table};
use super::taken::{LoggedAgain, Sealed, TableInfo, TableSnapshot};
use crate::columnar::Batch;
use crate::id::{BucketId, Sequence, TableId};
use crate::memory::{Budget, Exhausted, Reservation};

/// One bucket. The lock over all tables is held for a look-up only.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    tables: RwLock<BTreeMap<Box<str>, Arc<Mutex<Table>>>>,
    series: AtomicU64,
    reserved_bytes: AtomicU64,
    /// By table, the sequences at which a segment must end, if they are not passed yet.
    splits: RwLock<HashMap<Box<str>, Vec<Sequence>>>,
}

impl Bucket {
    pub(super) fn apply(
        &self,
        sequence: Sequence,
        batch: &Batch,
        reservation: Reservation,
        limits: BufferLimits,
    ) {
        if batch.rows() == 0 {
            return;
        }
        let is_split = self.passes_split(batch.measurement(), sequence);
        loop {
            let table = self.table_or_new(batch.measurement());
            let mut table = lock(&table);
            // Released and removed between the look-up and the lock.
            if table.is_retired() {
                continue;
            }
            self.counting(&mut table, |table| {
                if is_split {
                    table.freeze();
                }
                table.apply(sequence, batch, reservation, limits);
            });
            return;
        }
    }

    pub(super) fn split_after(&self, measurement: &str, sequence: Sequence) {
        let mut splits = self.splits.write().unwrap_or_else(PoisonError::into_inner);
        splits.entry(measurement.into()).or_default().push(sequence);
    }

    /// Returns true if this batch of a table is the first one after a split, which is then
    /// forgotten.
    fn passes_split(&self, measurement: &str, sequence: Sequence) -> bool {
        let splits = self.splits.read().unwrap_or_else(PoisonError::into_inner);
        let is_passed = |at: &Sequence| *at < sequence;
        let of_table = splits.get(measurement);
        if !of_table.is_some_and(|splits| splits.iter().any(is_passed)) {
            return false;
        }
        drop(splits);
        let mut splits = self.splits.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_table) = splits.get_mut(measurement) {
            of_table.retain(|at| !is_passed(at));
            if of_table.is_empty() {
                splits.remove(measurement);
            }
        }
        true
    }

    pub(super) fn seal(&self, measurement: &str) -> Option<Sealed> {
        let table = self.table(measurement)?;
        let mut table = lock(&table);
        self.counting(&mut table, Table::seal)
    }

    pub(super) fn release(&self, measurement: &str, up_to: Sequence) {
        let Some(table) = self.table(measurement) else {
            return;
        };
        let released = {
            let mut table = lock(&table);
            self.counting(&mut table, |table| table.release(up_to))
        };
        let Some(mut released) = released else {
            return;
        };
        match released.recount.take() {
            Some(recount) => self.recount(&table, recount),
            None => self.retire(measurement),
        }
    }

    pub(super) fn logged_again(
        &self,
        measurement: &str,
        up_to: Sequence,
        again: (LoggedAgain, bool),
    ) -> bool {
        let table = self.table(measurement);
        table.is_some_and(|table| lock(&table).logged_again(up_to, again))
    }

    /// Counts the series of a table anew, a few at a time, so that writers are not held up.
    fn recount(&self, table: &Mutex<Table>, mut recount: Recount) {
        loop {
            recount.count_frozen();
            let mut table = lock(table);
            if self.counting(&mut table, |table| table.count_on(&mut recount)) {
                return;
            }
        }
    }

    /// Removes a table, unless it has rows again.
    fn retire(&self, measurement: &str) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let Some(table) = tables.get(measurement).cloned() else {
            return;
        };
        let mut table = lock(&table);
        if table.is_empty() {
            tables.remove(measurement);
            self.counting(&mut table, Table::retire);
        }
    }

    /// Changes a table of this bucket and updates the sums.
    fn counting<T>(&self, table: &mut Table, act: impl FnOnce(&mut Table) -> T) -> T {
        let (series, reserved_bytes) = (table.series_count(), table.reserved_bytes());
        let done = act(table);
        // Both wrap when the sum shrinks, which is what an addition of the difference needs.
        let more = table.series_count().wrapping_sub(series);
        self.series.fetch_add(more, Ordering::Relaxed);
        let grown = table.reserved_bytes().wrapping_sub(reserved_bytes);
        self.reserved_bytes.fetch_add(grown, Ordering::Relaxed);
        done
    }

    /// Adds the sizes of the tables that have rows.
    pub(super) fn add_tables(&self, bucket: BucketId, infos: &mut Vec<TableInfo>) {
        for (measurement, table) in self.all() {
            infos.extend(info_of(TableId::new(bucket, measurement), &lock(&table)));
        }
    }

    /// Returns the sizes of one table, if it has rows.
    pub(super) fn info(&self, id: &TableId) -> Option<TableInfo> {
        let table = self.table(&id.measurement)?;
        info_of(id.clone(), &lock(&table))
    }

    pub(super) fn unflushed_from(&self) -> Option<Sequence> {
        let tables = self.all().into_iter();
        let firsts = tables.filter_map(|(_, table)| lock(&table).span().map(|span| span.first));
        firsts.min()
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
        let copy = {
            let mut table = lock(&table);
            self.counting(&mut table, |table| table.copy(budget))?
        };
        Ok(copy.map(|copy| copy.freeze()))
    }

    pub(super) fn add_stats(&self, stats: &mut BufferStats) {
        for (_, table) in self.all() {
            lock(&table).add_stats(stats);
        }
    }

    /// Returns the tables, to be locked one after another.
    fn all(&self) -> Vec<(Box<str>, Arc<Mutex<Table>>)> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let all = tables.iter();
        all.map(|(name, table)| (name.clone(), Arc::clone(table)))
            .collect()
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

fn info_of(id: TableId, table: &Table) -> Option<TableInfo> {
    let span = table.span()?;
    Some(TableInfo {
        id,
        rows: table.rows(),
        bytes: table.reserved_bytes(),
        first: span.first,
        since: span.since,
    })
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}
