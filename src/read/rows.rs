//! A table as a stream of sorted, merged rows, day by day: one at a time, or batches of them.

use super::columns::TableField;
use super::error::ReadError;
use super::table::Table;
use crate::columnar::FieldValue;
use crate::merge::{Merge, MergedPoints, PointBatch};

/// Rows in order.
pub struct Rows {
    table: Table,
    /// The merged points of the current day.
    points: MergedPoints,
}

impl Rows {
    /// Starts before the first row of a table.
    pub fn new(table: Table) -> Self {
        let fields = table.fields().iter();
        let points = MergedPoints::of_fields(fields.map(|field| (&*field.name, field.field_type)));
        Self { table, points }
    }

    /// The tag keys of the table, bytewise.
    pub fn tag_keys(&self) -> impl Iterator<Item = &str> {
        self.table.tags().iter().map(|key| &**key)
    }

    /// The fields of the table, bytewise by name, each with one of its types.
    pub fn fields(&self) -> &[TableField] {
        self.table.fields()
    }

    /// Moves to the next row; returns false at the end.
    pub fn advance(&mut self) -> Result<bool, ReadError> {
        while !self.points.advance()? {
            if !self.next_day()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds the next rows to a batch until it is full; returns false if they ended before.
    pub(super) fn fill(&mut self, batch: &mut PointBatch) -> Result<bool, ReadError> {
        while !batch.fill(&mut self.points)? {
            if !self.next_day()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn next_day(&mut self) -> Result<bool, ReadError> {
        // The memory of the day is given back before the next one is opened.
        self.points.start(Merge::default());
        let Some(merge) = self.table.next_day()? else {
            return Ok(false);
        };
        self.points.start(merge);
        Ok(true)
    }

    /// The time of the row, nanoseconds since the epoch.
    pub fn time_ns(&self) -> i64 {
        self.points.time_ns()
    }

    /// Returns true if the tag set differs, or may differ, from that of the row before.
    pub fn is_new_series(&self) -> bool {
        self.points.is_new_series()
    }

    /// The key and value of every tag of the row, ordered by key.
    pub fn row_tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.points.tags()
    }

    /// Every value of the row with the index of its field in [`Rows::fields`], ascending.
    pub fn row_values(&self) -> impl Iterator<Item = (usize, FieldValue<'_>)> {
        self.points.values()
    }
}
