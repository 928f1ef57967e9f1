//! The columns that a slice of text is parsed into, one set per measurement, without any lock.
//!
//! A field may have values of several types here: the schema decides later which lines survive
//! (design decision D2). Consecutive lines resemble each other, so the raw text of measurement and
//! tags is the key to the series (D5), and a field is first looked for where it came the last time:
//! after the field before it. A line with all the fields of the one before goes straight into its
//! columns: `tests.rs` holds that to the longer way.

mod series;
mod table;
mod tags;

use std::sync::Arc;

use super::keyed::Keyed;
use super::rules::{LineRules, RejectedAt, limit};
use crate::certain::Certain;
use crate::columnar::Batch;
use crate::line_protocol::Point;
use crate::narrow;
use series::{KnownSeries, Place};
pub(super) use table::Origin;
use table::{Table, dropped_time_field};

/// The rows of one measurement, in line order.
#[derive(Clone, Debug)]
pub(super) struct TableRows {
    pub(super) batch: Batch,
    /// One entry per row.
    pub(super) origins: Vec<Origin>,
}

/// A part of a request: the rows of one slice, which become one frame.
pub(super) type Part = Vec<Arc<TableRows>>;

/// Upper estimates of what a part of the scratch takes, in bytes: reservations grow by these, and by those
/// of `table`, while a slice is parsed and are corrected after it.
/// The smallest vector has four elements. The rest is what a first row takes beside its parts.
const TABLE_BYTES: usize = 4 * size_of::<Table<'_>>() + 2048;
/// The known text of a series and its place in the batch, with room to grow and a hash table for each.
const SERIES_BYTES: usize = 256;
/// A tag of a new series: the id of its value, and a value that is new itself. Its text comes with it.
const TAG_BYTES: usize = 64;

/// The reason why the table of a line is found.
const TABLE: &str = "a table stays where it was put";

/// The scratch columns of one slice. `'a` is the body's life.
pub(super) struct Scratch<'a> {
    rules: LineRules,
    tables: Keyed<Table<'a>>,
    series: KnownSeries<'a>,
    bytes: usize,
}

impl TableRows {
    /// Bytes on the heap, counted by capacity.
    pub(super) fn heap_bytes(&self) -> u64 {
        let origins = self.origins.capacity() * size_of::<Origin>();
        self.batch.heap_bytes() + narrow::to_u64(origins)
    }
}

impl<'a> Scratch<'a> {
    pub(super) fn new(rules: LineRules) -> Self {
        Self {
            rules,
            tables: Keyed::default(),
            series: KnownSeries::default(),
            bytes: 0,
        }
    }

    /// An upper estimate of the memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    fn heap_bytes(&self) -> usize {
        let tables: usize = self.tables.iter().map(Table::heap_bytes).sum();
        tables + self.tables.heap_bytes() + self.series.heap_bytes()
    }

    /// Adds a line that has `bytes` of text, or rejects it without a trace. Returns the column of a
    /// `time` field that was dropped.
    pub(super) fn push(
        &mut self,
        point: &Point<'a>,
        origin: Origin,
        bytes: usize,
    ) -> Result<Option<u32>, RejectedAt> {
        let known = self.series.find(point.series_key);
        let known_table = known
            .map(|(table, _)| table)
            .or_else(|| self.tables.find(point.measurement.raw()));
        let repeats = |table: usize| self.known_table(table).repeats(point, &self.rules.limits);
        if bytes <= self.rules.limits.point_bytes_max
            && let Some(table) = known_table.filter(|table| repeats(*table))
        {
            let time_ns = self.rules.time(point)?;
            let is_again = known.is_none() && self.check_series(point, Some(table))?;
            let series = self.series(point, known, table, is_again);
            let table = self.tables.get_mut(table).certain(TABLE);
            table.push_repeated(point, series, time_ns);
            table.origins.push(origin);
            self.bytes += table.take_grown();
            return Ok(None);
        }
        self.rules.limits.check_fields(point, bytes)?;
        let time_ns = self.rules.time(point)?;
        let dropped = dropped_time_field(point)?;
        let is_again = known.is_none() && self.check_series(point, known_table)?;
        let table_index = match known_table {
            Some(table) => table,
            None => self.table(point)?,
        };
        let table = self.tables.get_mut(table_index).certain(TABLE);
        let planned = table.plan(point, &self.rules.limits);
        self.bytes += table.take_grown();
        planned?;
        let series = self.series(point, known, table_index, is_again);
        let table = self.tables.get_mut(table_index).certain(TABLE);
        table.push_planned(point, series, time_ns);
        table.origins.push(Origin {
            dropped: dropped.is_some(),
            ..origin
        });
        self.bytes += table.take_grown();
        Ok(dropped)
    }

    fn known_table(&self, table: usize) -> &Table<'a> {
        self.tables.get(table).certain(TABLE)
    }

    /// Checks the parts of a series that is not known. Returns true if its keys are those of the line before
    /// in its table.
    #[inline]
    fn check_series(&self, point: &Point<'a>, table: Option<usize>) -> Result<bool, RejectedAt> {
        let limits = &self.rules.limits;
        let is_again =
            table.is_some_and(|table| self.known_table(table).repeats_tags(point, limits));
        if !is_again {
            limits.check_series(point)?;
        }
        Ok(is_again)
    }

    /// The series of a line in its table, made if it is not known.
    fn series(
        &mut self,
        point: &Point<'a>,
        known: Option<Place>,
        table_index: usize,
        is_again: bool,
    ) -> u32 {
        if let Some((_, series)) = known {
            return series;
        }
        let table = self.tables.get_mut(table_index).certain(TABLE);
        let series = table.series(point, is_again);
        self.series.add(point.series_key, (table_index, series));
        self.bytes += SERIES_BYTES + TAG_BYTES * point.tags.len() + 2 * point.series_key.len();
        series
    }

    /// The rows, with measurements in the order of their first lines.
    pub(super) fn finish(self) -> Vec<TableRows> {
        let written = self
            .tables
            .into_items()
            .into_iter()
            .filter(|table| !table.origins.is_empty());
        written
            .map(|table| TableRows {
                batch: table.builder.finish(),
                origins: table.origins,
            })
            .collect()
    }

    /// Makes a table for a measurement that has none.
    fn table(&mut self, point: &Point<'a>) -> Result<usize, RejectedAt> {
        let next = self.tables.len();
        let tables_max = self.rules.limits.tables_max;
        if next >= tables_max {
            let what = "the number of measurements";
            return Err(limit("tables_max", what, tables_max, next + 1).at(1));
        }
        let mut table = Table::new(point);
        self.bytes += TABLE_BYTES + table.take_grown();
        Ok(self.tables.push(table))
    }
}

#[cfg(test)]
mod tests;
