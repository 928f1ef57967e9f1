//! The rows of a row group that have a value in a column.

use std::ops::Range;

use super::hybrid::Hybrid;
use crate::certain::Certain;
use crate::merge::at_once::Gathered;

/// The reason why rows and values are always found.
const ROWS: &str =
    "a row group is within the output, which has a value for each row that is present";

/// The rows of a row group that have a value.
#[derive(Debug)]
pub(super) struct RowSelection<'a> {
    rows: Range<usize>,
    /// The rows of this row group that have a value, by their place in the whole output; nothing if all
    /// have one.
    present: Option<&'a [u32]>,
}

impl<'a> RowSelection<'a> {
    /// The rows of a row group that all have a value.
    pub(super) fn full(rows: Range<usize>) -> Self {
        Self {
            rows,
            present: None,
        }
    }

    /// The part of a column that lies in a row group, with its values.
    pub(super) fn of<T>(gathered: &'a Gathered<T>, rows: Range<usize>) -> (Self, &'a [T]) {
        let Some(present) = &gathered.rows else {
            let values = gathered.values.get(rows.clone()).certain(ROWS);
            return (Self::full(rows), values);
        };
        let start = before(present, rows.start);
        let end = before(present, rows.end);
        let slice = Self {
            rows,
            present: Some(present.get(start..end).certain(ROWS)),
        };
        (slice, gathered.values.get(start..end).certain(ROWS))
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The number of values that the first rows have.
    pub(super) fn values_before(&self, row: usize) -> usize {
        match self.present {
            None => row,
            Some(present) => before(present, self.rows.start + row),
        }
    }

    /// The rows, from the row group's first, that hold the first values and no other.
    pub(super) fn rows_of(&self, values: usize) -> usize {
        match self.present {
            None => values,
            Some(present) => present
                .get(values)
                .map_or(self.rows(), |row| *row as usize - self.rows.start),
        }
    }

    /// Definition levels of some rows: 1 where there is a value.
    pub(super) fn levels(&self, rows: Range<usize>) -> Hybrid {
        let mut levels = Hybrid::new(1);
        let Some(present) = self.present else {
            levels.push_run(1, rows.len());
            return levels;
        };
        let range = before(present, self.rows.start + rows.start)
            ..before(present, self.rows.start + rows.end);
        let mut next = self.rows.start + rows.start;
        for row in present.get(range).certain(ROWS) {
            let row = *row as usize;
            levels.push_run(0, row - next);
            levels.push_run(1, 1);
            next = row + 1;
        }
        levels.push_run(0, self.rows.start + rows.end - next);
        levels
    }
}

fn before(present: &[u32], row: usize) -> usize {
    present.partition_point(|present| (*present as usize) < row)
}
