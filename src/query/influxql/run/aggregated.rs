//! Functions that a plan aggregates: count, sum, mean, min, max, first, last, spread, stddev.
//!
//! ```text
//! rows > by tags and windows: one value per function > in order > a cell per function
//! ```

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{ArrayRef, TimestampNanosecondArray};
use arrow_schema::{DataType, TimeUnit};
use datafusion::common::internal_datafusion_err;
use datafusion::functions_aggregate::expr_fn::{avg, count, max, min, stddev, sum};
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, cast};

use super::super::analysis::{Class, Function};
use super::super::finish::{Cell, Grid, Point, Series, Windows};
use super::super::series::SeriesPart;
use super::super::value::Value;
use super::batch::Batch;
use super::function;
use super::level::{Level, Session};
use super::names::{TIME, column};
use super::nodes::Nodes;
use super::slices::Times;
use super::source::{self, Wanted, of_group, of_input, within};
use crate::error::QueryError;
use crate::functions::selector::{self, Choice};

/// Returns true if aggregates are all that the functions of a level need. What stands beside a function is
/// that of the point that it has chosen.
pub(super) fn is_enough(level: &Level) -> bool {
    let mut calls = level.calls();
    calls.all(|call| call.base().class() == Class::Builtin)
        && (level.prepared.others.is_empty()
            || !level.has_subquery() && kinds(level) == [Kind::Chosen])
}

/// Returns the windows of a level, by the tags of their groups and their starts.
///
/// # Errors
/// [`QueryError`] if there is no plan.
pub(super) async fn plan(
    session: &Arc<Session>,
    level: &Level,
    times: Times,
) -> Result<LogicalPlan, QueryError> {
    let inputs = level.inputs();
    let wanted = Wanted {
        inputs: &inputs,
        times,
        needs_field: false,
        by_series: false,
        ties: &[],
        // DataFusion 55.2 tells dictionaries apart row by row, and sorts their nulls in two ways.
        are_texts: true,
    };
    let rows = source::rows(session, level, wanted).await?;
    let is_ascending = !level.plan.descending;
    let groups = (0..level.query.tags.len()).map(|index| column(&of_group(index)));
    let groups: Vec<Expr> = groups.collect();
    let mut by = groups.clone();
    if let Some(grid) = level.plan.grid {
        by.push(window(grid).alias(WINDOW));
    }
    let mut values = Vec::new();
    for (place, kind) in kinds(level).into_iter().enumerate() {
        values.extend(aggregates(level, place, kind)?);
    }
    let order: Vec<_> = groups
        .iter()
        .cloned()
        .chain(level.plan.grid.map(|_| column(WINDOW)))
        .map(|by| by.sort(is_ascending, is_ascending))
        .collect();
    let rows = Nodes::of(rows).aggregate(by, values)?;
    Ok(rows.sort(order, None).build())
}

const WINDOW: &str = "window";

/// Returns true if the rows have the starts of windows.
pub(super) fn has_windows(level: &Level) -> bool {
    level.plan.grid.is_some()
}

/// How the cells of a call come out of aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The number of points, which is null if there are none.
    Count,
    /// A value.
    Value,
    /// A value that may be null though there are points, and their number.
    Counted,
    /// The difference of two values, the smaller of which comes first.
    Spread,
    /// A value, the time of its point, and what stands beside it.
    Chosen,
}

fn kinds(level: &Level) -> Vec<Kind> {
    let calls = level.calls().zip(&level.plan.calls);
    let is_alone = level.prepared.others.is_empty();
    let kinds = calls.map(|(call, planned)| match call.base().function {
        Function::Count => Kind::Count,
        Function::Stddev => Kind::Counted,
        Function::Spread => Kind::Spread,
        Function::First | Function::Last => Kind::Chosen,
        Function::Min | Function::Max if planned.keeps_time || !is_alone => Kind::Chosen,
        _ => Kind::Value,
    });
    kinds.collect()
}

fn name(place: usize) -> String {
    format!("call{place}")
}

fn second_name(place: usize) -> String {
    format!("call{place}_second")
}

/// The aggregates of a call.
fn aggregates(level: &Level, place: usize, kind: Kind) -> Result<Vec<Expr>, QueryError> {
    let lost = || QueryError::Internal(format!("a query has no call {place}"));
    let call = level.calls().nth(place).ok_or_else(lost)?;
    let planned = level.plan.calls.get(place).ok_or_else(lost)?;
    let value = column(&of_input(call.input()));
    let number = || cast(value.clone(), DataType::Float64);
    let chosen = |choice| {
        let others = level.prepared.others.iter();
        let others = others.map(|input| column(&of_input(*input)));
        selector::chosen(choice, value.clone(), column(TIME), others.collect())
    };
    let first = match (&call.base().function, kind) {
        (Function::Count, _) => count(value.clone()),
        (Function::Sum, _) => sum(value.clone()),
        (Function::Mean, _) => avg(number()),
        (Function::Stddev, _) => stddev(number()),
        (Function::First, _) => chosen(Choice::First),
        (Function::Last, _) => chosen(Choice::Last),
        (Function::Min, Kind::Chosen) => chosen(Choice::Min),
        (Function::Max, Kind::Chosen) => chosen(Choice::Max),
        (Function::Min | Function::Spread, _) => min(value.clone()),
        (Function::Max, _) => max(value.clone()),
        (other, _) => {
            let text = format!("{} is no aggregate", other.name());
            return Err(QueryError::Internal(text));
        }
    };
    let second = match call.base().function {
        Function::Spread => Some(max(value)),
        Function::Stddev => Some(count(value)),
        _ => None,
    };
    // The points of all calls are read together; each call takes those of its own range.
    let is_narrower = level.plan.lead_ns(planned) < level.lead_ns() && !level.has_subquery();
    let own = is_narrower.then(|| within(level.times(level.plan.lead_ns(planned))));
    let filtered = |aggregate: Expr| match own.clone().flatten() {
        Some(own) => aggregate.filter(own).build(),
        None => Ok(aggregate),
    };
    let mut all = vec![filtered(first)?.alias(name(place))];
    if let Some(second) = second {
        all.push(filtered(second)?.alias(second_name(place)));
    }
    Ok(all)
}

/// The start of the window that holds the time of a row.
fn window(grid: Grid) -> Expr {
    let work = move |arguments: &[ArrayRef]| {
        let unexpected = || internal_datafusion_err!("windows of other values than times");
        let [times] = arguments else {
            return Err(unexpected());
        };
        let times = times.as_primitive_opt::<TimestampNanosecondType>();
        let times = times.ok_or_else(unexpected)?;
        let mut windows = Windows::new(grid);
        let starts = times
            .values()
            .iter()
            .map(|time_ns| windows.start_of(*time_ns));
        let starts = TimestampNanosecondArray::from_iter_values(starts);
        Ok(Arc::new(starts) as ArrayRef)
    };
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    function::call("window_start", time, vec![column(TIME)], Arc::new(work))
}

/// The difference of two values of one field.
fn difference(most: Value, least: Value) -> Value {
    match (most, least) {
        (Value::Integer(most), Value::Integer(least)) => Value::Integer(most.wrapping_sub(least)),
        (Value::Unsigned(most), Value::Unsigned(least)) => {
            Value::Unsigned(most.wrapping_sub(least))
        }
        (Value::Float(most), Value::Float(least)) => Value::Float(most - least),
        (most, least) => unreachable!("{most:?} and {least:?} of one field of numbers"),
    }
}

/// A series of windows.
pub(super) struct Aggregated {
    series: Series,
    kinds: Vec<Kind>,
    /// How many columns stand beside the only function, if there is but one.
    others: usize,
    /// The time of the row if there are no windows.
    row_ns: Option<i64>,
}

impl Aggregated {
    pub(super) fn new(level: &Level, series: Series) -> Self {
        let row_ns = level.plan.lower_ns.unwrap_or(0);
        Self {
            series,
            kinds: kinds(level),
            others: level.prepared.others.len(),
            row_ns: level.plan.grid.is_none().then_some(row_ns),
        }
    }

    /// Takes the window of a row.
    pub(super) fn push(&mut self, batch: &Batch, row: usize) -> usize {
        let mut column = 0;
        let mut next = || {
            column += 1;
            batch.value(column - 1, row)
        };
        let cells = self.kinds.iter().map(|kind| match kind {
            Kind::Count => next()
                .filter(|count| *count != Value::Integer(0))
                .map(Cell::Value),
            Kind::Value => next().map(Cell::Value),
            Kind::Spread => {
                let (least, most) = (next(), next());
                Some(Cell::Value(difference(most?, least?)))
            }
            Kind::Counted => {
                let (value, count) = (next(), next());
                let has_points = count.is_some_and(|count| count != Value::Integer(0));
                let value = value.unwrap_or(Value::Float(f64::NAN));
                has_points.then_some(Cell::Value(value))
            }
            Kind::Chosen => {
                let (value, time) = (next(), next());
                let others: Vec<_> = (0..self.others).map(|_| next()).collect();
                match (value, time) {
                    (Some(value), Some(Value::Integer(time_ns))) => {
                        let point = Point::new(time_ns, value);
                        Some(Cell::Chosen(Point { others, ..point }))
                    }
                    _ => None,
                }
            }
        });
        let cells = cells.collect();
        let time_ns = self.row_ns.unwrap_or_else(|| batch.time_ns(row));
        self.series.push(time_ns, cells);
        1
    }

    pub(super) fn end(&mut self) {
        self.series.end();
    }

    pub(super) fn is_done(&self) -> bool {
        self.series.is_done()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.series.is_busy()
    }

    pub(super) fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        let part = self.series.next_part();
        part.map_err(|error| QueryError::Internal(error.to_string()))
    }
}
