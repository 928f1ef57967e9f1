//! Queries without calls: the rows of the scan, with expressions over them and a limit.
//!
//! Columns that are only passed on are not touched row by row: a part shares their memory with the
//! batch of the scan.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::super::ast::Fill;
use super::super::series::{ROWS_MAX, SeriesPart, Tags};
use super::super::value::Value;
use super::expression::Expression;
use super::plan::Plan;
use super::rows::{Rows, Slots, schema};

/// One series of a query without calls.
#[derive(Debug)]
pub struct PlainSeries {
    plan: Arc<Plan>,
    name: Arc<str>,
    tags: Option<Tags>,
    schema: SchemaRef,
    /// The columns of the scan that the answer passes on, if it does nothing else.
    passed: Option<Vec<usize>>,
    slots: Slots,
    rows: Rows,
    skip: u64,
    left: Option<u64>,
}

impl PlainSeries {
    /// Begins a series.
    pub fn new(plan: Arc<Plan>, name: Arc<str>, tags: Option<Tags>) -> Self {
        debug_assert!(plan.calls.is_empty(), "a query without calls");
        Self {
            schema: schema(&plan),
            passed: passed(&plan),
            slots: Slots::new(&plan),
            rows: Rows::new(&plan),
            skip: plan.offset,
            left: (plan.limit > 0).then_some(plan.limit),
            plan,
            name,
            tags,
        }
    }

    /// Returns true if the limit is reached, so that the rest of the series need not be read.
    pub fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// Takes rows of the scan in the order of the answer, each with a value in one of the fields: the
    /// time and the columns of the plan's slots. Adds what they give to `parts`.
    ///
    /// # Errors
    ///
    /// If a column does not fit the plan, which would be a fault of this program.
    pub fn push(
        &mut self,
        rows: &RecordBatch,
        parts: &mut Vec<SeriesPart>,
    ) -> Result<(), ArrowError> {
        let rows = self.limited(rows);
        if rows.num_rows() == 0 {
            return Ok(());
        }
        match self.passed_on(&rows) {
            Some(columns) => self.pass(columns, parts),
            None => self.evaluate(&rows, parts),
        }
    }

    /// Adds what is left at the end of the series to `parts`.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn end(&mut self, parts: &mut Vec<SeriesPart>) -> Result<(), ArrowError> {
        let rows = self.rows.take()?;
        parts.extend(rows.map(|rows| self.part(rows)));
        Ok(())
    }

    /// The rows that offset and limit leave.
    fn limited(&mut self, rows: &RecordBatch) -> RecordBatch {
        let count = rows.num_rows();
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(count);
        self.skip = self
            .skip
            .saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
        let mut kept = count.saturating_sub(skipped);
        if let Some(left) = &mut self.left {
            kept = kept.min(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(u64::try_from(kept).unwrap_or(u64::MAX));
        }
        rows.slice(skipped, kept)
    }

    /// The columns of the answer, if they are columns of the rows with their types.
    fn passed_on(&self, rows: &RecordBatch) -> Option<Vec<ArrayRef>> {
        let passed = self.passed.as_ref()?;
        let places = std::iter::once(0).chain(passed.iter().map(|slot| slot + 1));
        let columns: Vec<ArrayRef> = places
            .map(|place| rows.columns().get(place).cloned())
            .collect::<Option<_>>()?;
        let fits = |(column, field): (&ArrayRef, &Arc<arrow_schema::Field>)| {
            column.data_type() == field.data_type()
        };
        columns
            .iter()
            .zip(self.schema.fields())
            .all(fits)
            .then_some(columns)
    }

    fn pass(&self, columns: Vec<ArrayRef>, parts: &mut Vec<SeriesPart>) -> Result<(), ArrowError> {
        let rows = RecordBatch::try_new(self.schema.clone(), columns)?;
        let mut start = 0;
        while start < rows.num_rows() {
            let count = ROWS_MAX.min(rows.num_rows() - start);
            parts.push(self.part(rows.slice(start, count)));
            start += count;
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        rows: &RecordBatch,
        parts: &mut Vec<SeriesPart>,
    ) -> Result<(), ArrowError> {
        let missing = || ArrowError::SchemaError("rows without a time".to_owned());
        let (times, columns) = rows.columns().split_first().ok_or_else(missing)?;
        let times = times.as_primitive_opt::<Int64Type>().ok_or_else(missing)?;
        for (row, time_ns) in times.values().iter().enumerate() {
            for (slot, column) in columns.iter().enumerate() {
                self.slots.put(slot, value_at(column, row)?);
            }
            self.rows.push(*time_ns, &self.plan, &self.slots);
            if self.rows.is_full() {
                self.end(parts)?;
            }
        }
        Ok(())
    }

    fn part(&self, rows: RecordBatch) -> SeriesPart {
        SeriesPart {
            name: self.name.clone(),
            tags: self.tags.clone(),
            columns: self.plan.columns.clone(),
            rows,
        }
    }
}

/// The slots that are the columns of the answer; `None` if it is more than that.
fn passed(plan: &Plan) -> Option<Vec<usize>> {
    if matches!(plan.fill, Fill::Previous | Fill::Value(_)) {
        return None;
    }
    let slot = |output: &super::plan::Output| match output.expression {
        Expression::Slot(slot) => Some(slot),
        _ => None,
    };
    plan.outputs.iter().map(slot).collect()
}

/// The value of a column in a row.
pub(super) fn value_at(column: &ArrayRef, row: usize) -> Result<Option<Value>, ArrowError> {
    if column.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match column.data_type() {
        DataType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => Value::Integer(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => Value::Unsigned(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Utf8 => Value::text(column.as_string::<i32>().value(row)),
        DataType::Null => return Ok(None),
        other => {
            let text = format!("a column of the type {other}");
            return Err(ArrowError::SchemaError(text));
        }
    }))
}
