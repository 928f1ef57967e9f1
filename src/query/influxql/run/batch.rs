//! Rows of a plan as series take them: the tags of the groups, the time, and what else there is.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{ArrayRef, RecordBatch, TimestampNanosecondArray};
use datafusion::arrow::compute::{is_null, nullif, partition};
use datafusion::error::DataFusionError;

use super::super::value::Value;
use super::convert::Values;
use crate::error::QueryError;

/// Rows of one or more series, and how many of them were taken.
#[derive(Debug)]
pub(super) struct Batch {
    groups: Vec<Values>,
    times: TimestampNanosecondArray,
    columns: Vec<ArrayRef>,
    values: Vec<Values>,
    /// The rows of each series that are left, the next one last.
    ranges: Vec<Range<usize>>,
}

impl Batch {
    /// Takes rows apart: so many tags, the time, if they have one, other columns.
    ///
    /// # Errors
    /// Other columns than planned.
    pub(super) fn new(
        rows: &RecordBatch,
        tags: usize,
        has_times: bool,
    ) -> Result<Self, QueryError> {
        let unexpected = || QueryError::Internal("rows without times".to_owned());
        let (groups, rest) = rows
            .columns()
            .split_at_checked(tags)
            .ok_or_else(unexpected)?;
        let (times, columns) = match has_times {
            true => {
                let (times, columns) = rest.split_first().ok_or_else(unexpected)?;
                let times = times.as_primitive_opt::<TimestampNanosecondType>();
                (times.ok_or_else(unexpected)?.clone(), columns)
            }
            // Who knows that there are none does not ask for them.
            false => (
                TimestampNanosecondArray::from_value(0, rows.num_rows()),
                rest,
            ),
        };
        let columns = parts(columns)?;
        let mut ranges = match groups.is_empty() {
            true => std::iter::once(0..rows.num_rows()).collect(),
            false => partition(groups)
                .map_err(|error| QueryError::Internal(error.to_string()))?
                .ranges(),
        };
        ranges.reverse();
        let of = |columns: &[ArrayRef]| -> Result<Vec<Values>, QueryError> {
            Ok(columns.iter().map(Values::new).collect::<Result<_, _>>()?)
        };
        Ok(Self {
            groups: of(groups)?,
            times,
            values: of(&columns)?,
            columns,
            ranges,
        })
    }

    /// Returns the next rows, which are of one series; `None` if all were taken.
    pub(super) fn rest_of_series(&mut self) -> Option<Range<usize>> {
        while self.ranges.last().is_some_and(Range::is_empty) {
            self.ranges.pop();
        }
        self.ranges.last().cloned()
    }

    /// Notes that so many rows were taken.
    pub(super) fn took(&mut self, rows: usize) {
        if let Some(range) = self.ranges.last_mut() {
            range.start = range.end.min(range.start.saturating_add(rows));
        }
    }

    /// Returns the tags of a row, "" for those that it does not have.
    pub(super) fn tags(&self, row: usize) -> Vec<String> {
        let tags = self.groups.iter();
        tags.map(|tag| tag.text(row).unwrap_or("").to_owned())
            .collect()
    }

    /// Returns true if a row has these tags.
    pub(super) fn is_of(&self, tags: &[String], row: usize) -> bool {
        let own = self.groups.iter().map(|tag| tag.text(row).unwrap_or(""));
        own.eq(tags.iter().map(String::as_str))
    }

    /// Returns the time of a row, in nanoseconds since the epoch.
    pub(super) fn time_ns(&self, row: usize) -> i64 {
        self.times.value(row)
    }

    /// Returns a value; `None` if it is null.
    pub(super) fn value(&self, column: usize, row: usize) -> Option<Value> {
        self.values.get(column)?.at(row)
    }

    /// Returns rows with their times as integers, and their other columns as they are.
    pub(super) fn slice(&self, rows: &Range<usize>) -> Vec<ArrayRef> {
        let times = arrow_array::Int64Array::new(self.times.values().clone(), None);
        let times: ArrayRef = Arc::new(times);
        let columns = std::iter::once(&times).chain(&self.columns);
        columns
            .map(|column| column.slice(rows.start, rows.len()))
            .collect()
    }
}

/// The columns, and of those that have parts these in their place.
fn parts(columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, QueryError> {
    let mut parts = Vec::new();
    for column in columns {
        match column.as_struct_opt() {
            Some(whole) => {
                let is_null = is_null(whole).map_err(DataFusionError::from)?;
                for part in whole.columns() {
                    parts.push(nullif(part, &is_null).map_err(DataFusionError::from)?);
                }
            }
            None => parts.push(Arc::clone(column)),
        }
    }
    Ok(parts)
}
