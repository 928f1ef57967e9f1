//! Queries without functions: the rows themselves, in order.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};
use datafusion::logical_expr::LogicalPlan;

use super::super::finish::PlainSeries;
use super::super::series::SeriesPart;
use super::batch::Batch;
use super::level::{Level, Session};
use super::names::{ORDER, TIME, column};
use super::nodes::Nodes;
use super::slices::Times;
use super::source::{self, Wanted, of_group, of_input, of_tie};
use crate::error::QueryError;

/// Returns the rows of a level by the tags of their groups and their times.
///
/// # Errors
/// [`QueryError`] if there is no plan.
pub(super) async fn plan(
    session: &Arc<Session>,
    level: &Level,
    times: Times,
) -> Result<LogicalPlan, QueryError> {
    let ties = source::ties(session, level);
    let wanted = Wanted {
        inputs: &level.prepared.others,
        times,
        needs_field: true,
        ties: &ties,
        by_series: ties.is_empty() && source::is_by_series(session, level, times),
        are_texts: false,
    };
    let rows = source::rows(session, level, wanted).await?;
    let most = match (level.plan.limit, level.query.tags.is_empty()) {
        (1.., true) => level.plan.limit.checked_add(level.plan.offset),
        _ => None,
    };
    let order = Order {
        is_by_time: !level.comes_by_series(),
        ties: ties.len(),
        most: most.and_then(|most| usize::try_from(most).ok()),
    };
    sorted(rows, level, &level.prepared.others, &order)
}

/// How rows are sorted.
#[derive(Debug)]
pub(super) struct Order {
    /// By their times within their groups.
    pub(super) is_by_time: bool,
    /// Then by so many tags.
    pub(super) ties: usize,
    /// The most rows that are needed.
    pub(super) most: Option<usize>,
}

/// Sorts rows by the tags of their groups, by their times, and those of subqueries by their numbers.
///
/// # Errors
/// [`QueryError`] if there is no plan.
pub(super) fn sorted(
    rows: LogicalPlan,
    level: &Level,
    inputs: &[usize],
    by: &Order,
) -> Result<LogicalPlan, QueryError> {
    let is_ascending = !level.plan.descending;
    let groups = (0..level.query.tags.len()).map(|index| column(&of_group(index)));
    let groups: Vec<_> = groups.collect();
    let mut order: Vec<_> = groups
        .iter()
        .map(|group| group.clone().sort(is_ascending, is_ascending))
        .collect();
    if by.is_by_time {
        order.push(column(TIME).sort(is_ascending, is_ascending));
    }
    let ties = (0..by.ties).map(|index| column(&of_tie(index)));
    order.extend(ties.map(|tie| tie.sort(is_ascending, is_ascending)));
    if level.has_subquery() {
        order.push(column(ORDER).sort(true, true));
    }
    let mut columns = groups;
    columns.push(column(TIME));
    columns.extend(inputs.iter().map(|input| column(&of_input(*input))));
    let rows = Nodes::of(rows).sort(order, by.most);
    Ok(rows.project(columns)?.build())
}

/// A series of such rows.
pub(super) struct Plain {
    series: PlainSeries,
    parts: VecDeque<SeriesPart>,
}

impl Plain {
    pub(super) fn new(series: PlainSeries) -> Self {
        Self {
            series,
            parts: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, batch: &Batch, rows: Range<usize>) -> Result<usize, QueryError> {
        let taken = rows.len();
        let columns = batch.slice(&rows);
        let rows = table(columns).map_err(|error| QueryError::Internal(error.to_string()))?;
        let mut parts = Vec::new();
        let pushed = self.series.push(&rows, &mut parts);
        pushed.map_err(|error| QueryError::Internal(error.to_string()))?;
        self.parts.extend(parts);
        Ok(taken)
    }

    pub(super) fn end(&mut self) -> Result<(), QueryError> {
        let mut parts = Vec::new();
        let ended = self.series.end(&mut parts);
        ended.map_err(|error| QueryError::Internal(error.to_string()))?;
        self.parts.extend(parts);
        Ok(())
    }

    pub(super) fn is_done(&self) -> bool {
        self.series.is_done()
    }

    pub(super) fn next_part(&mut self) -> Option<SeriesPart> {
        self.parts.pop_front()
    }
}

fn table(columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    let fields = columns
        .iter()
        .map(|column| Field::new("", column.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns)
}
