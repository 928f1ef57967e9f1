//! The rows of a source as a plan: filtered, and with no more columns than a level of the query needs.
//!
//! ```text
//! time, group0 … (tags of the groups), input0 … (what is wanted of the inputs), order (of subqueries)
//! ```

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::{Expr, LogicalPlan, Union, cast, lit};

use super::super::analysis::{
    Analysed, Condition, InputKind, MeasurementSource, Read, Source, SubquerySource,
};
use super::super::value::ValueType;
use super::level::{Level, Session};
use super::names::{Names, ORDER, TIME, column};
use super::nodes::Nodes;
use super::slices::Times;
use super::{condition, cut};
use crate::database::ColumnKind;
use crate::error::QueryError;
use crate::kinds;
use crate::provider;

/// Returns the name of the tag of a group.
pub(super) fn of_group(index: usize) -> String {
    format!("group{index}")
}

/// Returns the name of an input.
pub(super) fn of_input(index: usize) -> String {
    format!("input{index}")
}

/// Returns the name of a tag that only puts rows of one time in order.
pub(super) fn of_tie(index: usize) -> String {
    format!("tie{index}")
}

/// Returns the tags by which rows of one time are put in order where only some of them are answered, so
/// that the same ones are answered each time and pages do not overlap.
pub(super) fn ties(session: &Session, level: &Level) -> Vec<String> {
    let [Source::Measurement(source)] = &level.query.sources[..] else {
        return Vec::new();
    };
    let is_cut = level.plan.limit > 0 || level.plan.offset > 0;
    let table = session.known.table(&source.origin, &source.name);
    let columns = table.filter(|_| is_cut).map(|table| table.columns());
    let tags = columns.unwrap_or_default().iter();
    let tags = tags.filter(|column| column.kind == ColumnKind::Tag);
    let is_free = |key: &String| !level.query.tags.iter().any(|tag| **tag == **key);
    tags.map(|tag| tag.name.clone()).filter(is_free).collect()
}

/// What is wanted of the rows of all sources of a level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The indices of the inputs.
    pub(super) inputs: &'a [usize],
    /// The times, both ends included; rows of subqueries count at all times.
    pub(super) times: Times,
    /// Whether rows of points need a value in one of the plain fields.
    pub(super) needs_field: bool,
    /// The tags that put rows of one time in order.
    pub(super) ties: &'a [String],
    /// Whether they are put in the order of series and time, in which tables have them.
    pub(super) by_series: bool,
    /// Whether the tags of the groups become texts.
    pub(super) are_texts: bool,
}

/// Returns true if the order of a level, by the tags of its groups and the time, is that in which tables have
/// their rows: one measurement, whose tags are those of the groups or the same in all rows of these times, and
/// the oldest rows first.
pub(super) fn is_by_series(session: &Session, level: &Level, (first, last): Times) -> bool {
    let [Source::Measurement(source)] = &level.query.sources[..] else {
        return false;
    };
    let table = session.known.table(&source.origin, &source.name);
    let Some(table) = table.filter(|_| !level.plan.descending) else {
        return false;
    };
    let columns = table.columns().iter();
    let tags = columns.filter(|column| column.kind == ColumnKind::Tag);
    let tags = tags.map(|tag| tag.name.as_str());
    let times = first.unwrap_or(i64::MIN)..=last.unwrap_or(i64::MAX);
    tags.eq(level.query.tags.iter().map(|tag| &**tag)) || table.has_one_series(&times)
}

/// Returns the rows of all sources of a level.
///
/// # Errors
/// A plan cannot be made, or the series of a cut cannot be told.
pub(super) async fn rows(
    session: &Arc<Session>,
    level: &Level,
    wanted: Wanted<'_>,
) -> std::result::Result<LogicalPlan, QueryError> {
    let is_numbered = level.has_subquery();
    let mut all = Vec::new();
    for source in &level.query.sources {
        if !all.is_empty() {
            // They may be thousands, and looking them up may wait for nothing.
            tokio::task::yield_now().await;
        }
        let rows = match source {
            Source::Measurement(source) => points(session, level, source, wanted).await?,
            Source::Subquery(source) => inner(session, level, source)?,
        };
        let rows = shaped(rows, &level.query, source, wanted, is_numbered)?;
        all.push(Arc::new(rows.build()));
    }
    match <[_; 1]>::try_from(all) {
        Ok([only]) => Ok(Arc::unwrap_or_clone(only)),
        Err(all) if all.is_empty() => {
            let text = "a level of a query without sources";
            Err(QueryError::Internal(text.to_owned()))
        }
        // Side by side: one in the other they would be as deep as they are many.
        Err(all) => Ok(LogicalPlan::Union(Union::try_new_with_loose_types(all)?)),
    }
}

/// The points of a measurement that take part, with their names and columns.
struct Part {
    rows: Nodes,
    names: Names,
}

async fn points(
    session: &Arc<Session>,
    level: &Level,
    source: &MeasurementSource,
    wanted: Wanted<'_>,
) -> std::result::Result<Part, QueryError> {
    let lost = || QueryError::Internal(format!("the table {:?} was not looked up", &*source.name));
    let table = session.known.table(&source.origin, &source.name);
    let table = Arc::clone(table.ok_or_else(lost)?);
    let names = Names::Table(kinds::schema(table.columns()));
    let scan = |table| Nodes::scan(&source.name, table);
    let mut rows = match wanted.by_series {
        true => scan(provider::of_table_in_order(Arc::clone(&table)))?,
        false => scan(provider::of_table(Arc::clone(&table)))?,
    };
    if let Some(within) = within(wanted.times) {
        rows = rows.filter(within)?;
    }
    rows = filtered(rows, &source.condition, &names)?;
    if let Some(cut) = &source.cut {
        let all = scan(provider::of_table(table))?;
        let within = cut::within(session, all, source, cut, &names).await?;
        rows = rows.filter(within)?;
    }
    if wanted.needs_field {
        let fields = wanted.inputs.iter().filter_map(|input| {
            let is_plain = level.query.inputs.get(*input)?.is_plain;
            match source.reads.get(*input)?.as_ref()? {
                Read::Field { name, .. } if is_plain => Some(column(name).is_not_null()),
                _ => None,
            }
        });
        let has_field = fields.reduce(Expr::or).unwrap_or_else(|| lit(false));
        rows = rows.filter(has_field)?;
    }
    Ok(Part { rows, names })
}

fn inner(
    session: &Arc<Session>,
    level: &Level,
    source: &SubquerySource,
) -> std::result::Result<Part, QueryError> {
    let table = (session.subquery)(session, &source.query, &level.name)?;
    let names = Names::Subquery(Arc::clone(&source.query.tags));
    let rows = Nodes::scan("subquery", table)?;
    let rows = filtered(rows, &source.condition, &names)?;
    Ok(Part { rows, names })
}

fn filtered(rows: Nodes, condition: &Condition, names: &Names) -> Result<Nodes> {
    match condition {
        Condition::Constant(true) => Ok(rows),
        // Apart, so that each can be decided as far below as it can be.
        Condition::All(parts) if parts.len() <= condition::PARTS_MAX => {
            parts.iter().try_fold(rows, |rows, part| {
                rows.filter(condition::expression(part, names))
            })
        }
        condition => rows.filter(condition::expression(condition, names)),
    }
}

/// Brings the rows of a source to the columns that all have.
fn shaped(
    part: Part,
    query: &Analysed,
    source: &Source,
    wanted: Wanted<'_>,
    is_numbered: bool,
) -> Result<Nodes> {
    let (names, is_subquery, reads) = match source {
        Source::Measurement(source) => (&part.names, false, &source.reads),
        Source::Subquery(source) => (&part.names, true, &source.reads),
    };
    let mut columns = vec![column(TIME).alias(TIME)];
    for (index, key) in query.tags.iter().enumerate() {
        let is_one_of_several = query.sources.len() > 1;
        let group = group(names, key, is_one_of_several, wanted.are_texts);
        columns.push(group.alias(of_group(index)));
    }
    for index in wanted.inputs {
        let read = reads.get(*index).and_then(Option::as_ref);
        let kind = query.inputs.get(*index).and_then(|input| input.kind);
        columns.push(input(names, read, kind).alias(of_input(*index)));
    }
    let ties = wanted.ties.iter().zip(0..);
    columns.extend(ties.map(|(tag, index)| column(tag).alias(of_tie(index))));
    if is_numbered {
        let number = match is_subquery {
            true => column(ORDER),
            false => lit(0_i64),
        };
        columns.push(number.alias(ORDER));
    }
    part.rows.project(columns)
}

/// A tag of the groups. Those of several sources have one type, and are null where they are missing: of
/// null beside "" there would be two groups.
fn group(names: &Names, key: &str, is_one_of_several: bool, is_text: bool) -> Expr {
    match names.tag(key) {
        Some(tag) if (is_one_of_several || is_text) && names.has_nulls() => {
            cast(tag, DataType::Utf8)
        }
        Some(tag) if is_one_of_several => nullif(tag, lit("")),
        Some(tag) => tag,
        None => lit(ScalarValue::Utf8(None)),
    }
}

fn input(names: &Names, read: Option<&Read>, kind: Option<InputKind>) -> Expr {
    let value_type = kind.map_or(ValueType::Float, InputKind::value_type);
    let Some(read) = read else {
        let data_type = DataType::from(value_type);
        return cast(lit(ScalarValue::Null), data_type);
    };
    let value = names.value(read);
    match read {
        Read::Tag { .. } => cast(value, DataType::Utf8),
        _ => value,
    }
}

/// Returns a condition on the times; `None` for all.
pub(super) fn within((first, last): (Option<i64>, Option<i64>)) -> Option<Expr> {
    let instant = |time_ns: i64| lit(ScalarValue::TimestampNanosecond(Some(time_ns), None));
    let first = first.map(|first| column(TIME).gt_eq(instant(first)));
    let last = last.map(|last| column(TIME).lt_eq(instant(last)));
    first.into_iter().chain(last).reduce(Expr::and)
}
