//! EXPLAIN: the plans of a SELECT, and with ANALYZE what they did.

use std::sync::{Arc, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use futures_util::StreamExt;
use futures_util::stream::once;

use super::super::answer::Head;
use super::super::ast::Explain;
use super::super::series::SeriesPart;
use super::drive::{Drive, plan};
use super::level::{Level, Plans, Session};
use super::select::analysed;
use super::statement::Parts;
use crate::error::QueryError;

/// Returns the lines of the plans of a SELECT, one plan per measurement; with ANALYZE once they have run.
///
/// # Errors
/// [`QueryError`] if the SELECT is wrong.
pub(super) fn begin(
    session: Session,
    explain: &Explain,
    now_ns: i64,
) -> Result<(Head, Parts), QueryError> {
    let analysed = analysed(&session, &explain.select, now_ns)?;
    let levels = Level::all(&analysed, session.seed);
    let levels: Vec<Arc<Level>> = levels.into_iter().map(Arc::new).collect();
    let is_run = explain.analyze;
    let part = async move {
        let lines = match is_run {
            true => run(session, levels).await?,
            false => plans(&Arc::new(session), levels).await?,
        };
        table(&lines, is_run)
    };
    Ok((Head::default(), once(part).boxed()))
}

async fn plans(session: &Arc<Session>, levels: Vec<Arc<Level>>) -> Result<Vec<String>, QueryError> {
    let mut lines = Vec::new();
    for level in levels {
        let plan = plan(session, &level, level.times(level.lead_ns())).await?;
        let plan = session.physical(plan).await?;
        lines.push(format!("measurement: {}", level.name));
        lines.extend(shown(&DisplayableExecutionPlan::new(&*plan)));
    }
    Ok(lines)
}

async fn run(mut session: Session, levels: Vec<Arc<Level>>) -> Result<Vec<String>, QueryError> {
    let plans = Arc::new(Plans::default());
    session.plans = Arc::downgrade(&plans);
    let mut drive = Drive::new(Arc::new(session), levels);
    while drive.next().await?.is_some() {}
    drop(drive);
    let plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = plans
        .iter()
        .flat_map(|plan| shown(&DisplayableExecutionPlan::with_metrics(&**plan)));
    Ok(lines.collect())
}

fn shown(plan: &DisplayableExecutionPlan<'_>) -> Vec<String> {
    let text = plan.indent(false).to_string();
    text.lines().map(str::to_owned).collect()
}

fn table(lines: &[String], is_run: bool) -> Result<SeriesPart, QueryError> {
    let title = match is_run {
        true => "EXPLAIN ANALYZE",
        false => "QUERY PLAN",
    };
    let schema = Schema::new(vec![Field::new(title, DataType::Utf8, false)]);
    let lines: ArrayRef = Arc::new(StringArray::from_iter_values(lines));
    let rows = RecordBatch::try_new(Arc::new(schema), vec![lines]);
    Ok(SeriesPart {
        name: Arc::from(""),
        tags: None,
        columns: Arc::from([title.to_owned()]),
        rows: rows.map_err(|error| QueryError::Internal(error.to_string()))?,
    })
}
