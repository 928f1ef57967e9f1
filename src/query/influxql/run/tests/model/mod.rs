//! A plain model of a SELECT: loops over points and maps, from the analysed query to parts of series.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "a few hundred points"
)]

mod condition;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{DataType, Field, Schema as ArrowSchema};

use super::world::{Point, Points};
use crate::influxql::analysis::{
    Analysed, Function, MeasurementSource, Read, SeriesCut, Source, SubquerySource,
};
use crate::influxql::ast::Operator;
use crate::influxql::finish::{self, Cell, PlainSeries, Plan, Prepared, Series};
use crate::influxql::series::{SeriesPart, Tags};
use crate::influxql::value::{Value, ValueType};
use condition::{Subject, holds, order, value_of};

/// A point or a row of a subquery, with what the query around it reads.
struct Row {
    name: Arc<str>,
    /// The tags of the groups, in the order of [`Analysed::tags`].
    group: Vec<String>,
    time_ns: i64,
    inputs: Vec<Option<Value>>,
    /// Whether it is of a subquery, whose rows count at all times.
    is_inner: bool,
}

/// Returns the parts of all series of a query.
pub(super) fn run(analysed: &Analysed, is_inner: bool, points: &Points) -> Vec<SeriesPart> {
    if analysed.is_empty() {
        return Vec::new();
    }
    let prepared = match is_inner {
        true => Prepared::subquery(analysed, 1),
        false => Prepared::new(analysed, 1),
    };
    let plan = Arc::new(prepared.plan.clone());
    let mut groups: BTreeMap<(Arc<str>, Vec<String>), Vec<Row>> = BTreeMap::new();
    for source in &analysed.sources {
        let rows = match source {
            Source::Measurement(source) => rows_of_points(analysed, source, &plan, points),
            Source::Subquery(source) => {
                let parts = run(&source.query, true, points);
                rows_of_parts(analysed, source, &parts)
            }
        };
        for row in rows {
            let key = (Arc::clone(&row.name), row.group.clone());
            groups.entry(key).or_default().push(row);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    if analysed.descending {
        groups.reverse();
    }
    let mut parts = Vec::new();
    let in_series = |source: &Source| match source {
        Source::Subquery(source) => !source.query.calls.is_empty() && source.query.window.is_none(),
        Source::Measurement(_) => false,
    };
    let by_series = analysed.calls.is_empty() && analysed.sources.iter().any(in_series);
    for ((name, group), mut rows) in groups {
        if !by_series {
            rows.sort_by_key(|row| row.time_ns);
        }
        let keys = analysed.tags.iter().map(|key| &**key);
        let pairs = keys.zip(group.iter().map(String::as_str));
        let tags = (!group.is_empty()).then(|| Tags::new(pairs));
        if analysed.calls.is_empty() {
            plain(&prepared, &plan, name, tags, rows, &mut parts);
        } else {
            called(analysed, &prepared, &plan, name, tags, &rows, &mut parts);
        }
    }
    parts
}

/// Returns the widest range that a call reads.
fn is_read(plan: &Plan, time_ns: i64) -> bool {
    let lead = plan.calls.iter().map(|call| plan.lead_ns(call)).max();
    in_range(plan, lead.unwrap_or(0), time_ns)
}

fn in_range(plan: &Plan, lead: i64, time_ns: i64) -> bool {
    let (before, after) = if plan.descending {
        (0, lead)
    } else {
        (lead, 0)
    };
    plan.lower_ns.is_none_or(|lower| lower - before <= time_ns)
        && plan.upper_ns.is_none_or(|upper| time_ns <= upper + after)
}

fn rows_of_points(
    analysed: &Analysed,
    source: &MeasurementSource,
    plan: &Plan,
    points: &Points,
) -> Vec<Row> {
    let of = |point: &&Point| point.measurement == source.name;
    let tag = |point: &Point, key: &str| point.tags.get(key).cloned().unwrap_or_default();
    let mut chosen: Option<BTreeSet<String>> = None;
    let key_of = |cut: &SeriesCut, point: &Point| {
        let values: Vec<_> = cut.tags.iter().map(|key| tag(point, key)).collect();
        cut.key(values.iter().map(String::as_str))
    };
    if let Some(cut) = &source.cut {
        let series: BTreeSet<String> = points
            .0
            .iter()
            .filter(of)
            .filter(|point| holds(&source.condition, &Subject::Point(point)))
            .map(|point| key_of(cut, point))
            .collect();
        let limit = match cut.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        let kept = series.into_iter().skip(cut.offset as usize);
        chosen = Some(kept.take(limit).collect());
    }
    let mut rows = Vec::new();
    for point in points.0.iter().filter(of) {
        let subject = Subject::Point(point);
        let is_cut = |cut: &SeriesCut| {
            let kept = chosen.as_ref();
            kept.is_some_and(|kept| !kept.contains(&key_of(cut, point)))
        };
        if source.cut.as_ref().is_some_and(is_cut) {
            continue;
        }
        if !is_read(plan, point.time_ns) || !holds(&source.condition, &subject) {
            continue;
        }
        let inputs: Vec<_> = source
            .reads
            .iter()
            .map(|read| read.as_ref().and_then(|read| value_of(read, &subject)))
            .collect();
        let has_field = inputs
            .iter()
            .zip(&source.reads)
            .any(|(value, read)| value.is_some() && matches!(read, Some(Read::Field { .. })));
        if analysed.calls.is_empty() && !has_field {
            continue;
        }
        rows.push(Row {
            name: Arc::clone(&point.measurement),
            group: analysed.tags.iter().map(|key| tag(point, key)).collect(),
            time_ns: point.time_ns,
            inputs,
            is_inner: false,
        });
    }
    rows
}

fn rows_of_parts(analysed: &Analysed, source: &SubquerySource, parts: &[SeriesPart]) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in parts {
        let times = part.rows.column(0).as_primitive::<Int64Type>();
        for index in 0..part.rows.num_rows() {
            let columns: Vec<_> = part.rows.columns()[1..]
                .iter()
                .map(|column| cell_value(column, index))
                .collect();
            let subject = Subject::Row {
                columns: &columns,
                tags: part.tags.as_ref(),
            };
            if !holds(&source.condition, &subject) {
                continue;
            }
            let group = |key: &Arc<str>| {
                let tags = part.tags.as_ref();
                tags.and_then(|tags| tags.get(key)).unwrap_or("").to_owned()
            };
            rows.push(Row {
                name: Arc::clone(&part.name),
                group: analysed.tags.iter().map(group).collect(),
                time_ns: times.value(index),
                is_inner: true,
                inputs: source
                    .reads
                    .iter()
                    .map(|read| read.as_ref().and_then(|read| value_of(read, &subject)))
                    .collect(),
            });
        }
    }
    rows
}

fn cell_value(column: &ArrayRef, index: usize) -> Option<Value> {
    if column.is_null(index) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Float64 => Value::Float(column.as_primitive::<Float64Type>().value(index)),
        DataType::Int64 => Value::Integer(column.as_primitive::<Int64Type>().value(index)),
        DataType::Boolean => Value::Boolean(column.as_boolean().value(index)),
        DataType::Utf8 => Value::text(column.as_string::<i32>().value(index)),
        other => panic!("{other}"),
    })
}

fn column(values: &[Option<Value>], value_type: Option<ValueType>) -> ArrayRef {
    let values = values.iter();
    match value_type {
        Some(ValueType::Integer) => {
            Arc::new(Int64Array::from_iter(values.map(|value| match value {
                Some(Value::Integer(value)) => Some(*value),
                _ => None,
            })))
        }
        Some(ValueType::Boolean) => {
            Arc::new(BooleanArray::from_iter(values.map(|value| match value {
                Some(Value::Boolean(value)) => Some(*value),
                _ => None,
            })))
        }
        Some(ValueType::String) => {
            Arc::new(StringArray::from_iter(values.map(|value| match value {
                Some(Value::String(value)) => Some(value.to_string()),
                _ => None,
            })))
        }
        _ => Arc::new(Float64Array::from_iter(
            values.map(|value| value.as_ref().and_then(Value::as_float)),
        )),
    }
}

fn plain(
    prepared: &Prepared,
    plan: &Arc<Plan>,
    name: Arc<str>,
    tags: Option<Tags>,
    mut rows: Vec<Row>,
    parts: &mut Vec<SeriesPart>,
) {
    if plan.descending && rows.is_sorted_by_key(|row| row.time_ns) {
        rows.reverse();
    }
    let times: Int64Array = rows.iter().map(|row| Some(row.time_ns)).collect();
    let mut columns: Vec<ArrayRef> = vec![Arc::new(times)];
    for (place, index) in prepared.others.iter().copied().enumerate() {
        let values: Vec<_> = rows.iter().map(|row| row.inputs[index].clone()).collect();
        columns.push(column(&values, plan.others[place]));
    }
    let fields: Vec<_> = columns
        .iter()
        .map(|column| Field::new("", column.data_type().clone(), true))
        .collect();
    let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).unwrap();
    let mut series = PlainSeries::new(Arc::clone(plan), name, tags);
    series.push(&batch, parts).unwrap();
    series.end(parts).unwrap();
}

fn called(
    analysed: &Analysed,
    slots: &Prepared,
    plan: &Arc<Plan>,
    name: Arc<str>,
    tags: Option<Tags>,
    rows: &[Row],
    parts: &mut Vec<SeriesPart>,
) {
    let mut cells: BTreeMap<i64, Vec<Option<Cell>>> = BTreeMap::new();
    let turned = |time_ns: i64| if plan.descending { !time_ns } else { time_ns };
    for (place, (index, call)) in slots.calls.iter().zip(&plan.calls).enumerate() {
        let base = analysed.calls[*index].base();
        let lead = plan.lead_ns(call);
        let mut windows: BTreeMap<i64, Vec<finish::Point>> = BTreeMap::new();
        for row in rows
            .iter()
            .filter(|row| row.is_inner || in_range(plan, lead, row.time_ns))
        {
            let Some(value) = row.inputs[base.input()].clone() else {
                continue;
            };
            let start = match (&plan.grid, &call.function) {
                (_, finish::Function::Rows) => row.time_ns,
                (Some(grid), _) => grid.start_of(row.time_ns),
                (None, finish::Function::Integral { .. }) => 0,
                (None, _) => plan.lower_ns.unwrap_or(0),
            };
            let others = slots.others.iter().map(|index| row.inputs[*index].clone());
            windows.entry(start).or_default().push(finish::Point {
                time_ns: row.time_ns,
                value: Some(value),
                others: others.collect(),
            });
        }
        for (start, points) in windows {
            let cell = match call.function {
                finish::Function::Rows => Cell::Value(points[0].value.clone().unwrap()),
                finish::Function::Aggregate | finish::Function::Count => {
                    aggregate(&base.function, points)
                }
                _ => Cell::Points(points),
            };
            let row = cells.entry(turned(start));
            row.or_insert_with(|| vec![None; plan.calls.len()])[place] = Some(cell);
        }
    }
    let mut series = Series::new(Arc::clone(plan), name, tags);
    for (time, cells) in cells {
        series.push(turned(time), cells);
        while let Some(part) = series.next_part().unwrap() {
            parts.push(part);
        }
    }
    series.end();
    while let Some(part) = series.next_part().unwrap() {
        parts.push(part);
    }
}

fn aggregate(function: &Function, points: Vec<finish::Point>) -> Cell {
    let values: Vec<_> = points
        .iter()
        .filter_map(|point| point.value.clone())
        .collect();
    let floats: Vec<_> = values.iter().filter_map(Value::as_float).collect();
    let extreme = |wanted: Ordering| {
        let mut best = &points[0];
        for point in &points {
            if order(point.value.as_ref().unwrap(), best.value.as_ref().unwrap()) == Some(wanted) {
                best = point;
            }
        }
        best.clone()
    };
    // Among points of one time the larger value counts.
    let at = |time_ns: i64| {
        let same: Vec<_> = points
            .iter()
            .filter(|point| point.time_ns == time_ns)
            .collect();
        let largest = same.into_iter().max_by(|one, other| {
            let order = order(one.value.as_ref().unwrap(), other.value.as_ref().unwrap());
            order.unwrap_or(Ordering::Equal)
        });
        largest.unwrap().clone()
    };
    let join = |operator, left: &Value, right: &Value| {
        finish::arithmetic::binary(operator, Some(left), Some(right)).unwrap()
    };
    let mean = floats.iter().sum::<f64>() / floats.len() as f64;
    match function {
        Function::Count => Cell::Value(Value::Integer(values.len() as i64)),
        Function::Mean => Cell::Value(Value::Float(mean)),
        Function::Sum => {
            let sum = values
                .into_iter()
                .reduce(|sum, value| join(Operator::Add, &sum, &value));
            Cell::Value(sum.unwrap())
        }
        Function::Spread => {
            let (high, low) = (extreme(Ordering::Greater), extreme(Ordering::Less));
            let (high, low) = (high.value.unwrap(), low.value.unwrap());
            Cell::Value(join(Operator::Subtract, &high, &low))
        }
        Function::Stddev => {
            let squares: f64 = floats.iter().map(|value| (value - mean).powi(2)).sum();
            Cell::Value(Value::Float((squares / (floats.len() as f64 - 1.0)).sqrt()))
        }
        Function::Min => Cell::Chosen(extreme(Ordering::Less)),
        Function::Max => Cell::Chosen(extreme(Ordering::Greater)),
        Function::First => Cell::Chosen(at(points[0].time_ns)),
        Function::Last => Cell::Chosen(at(points[points.len() - 1].time_ns)),
        other => panic!("no aggregate: {other:?}"),
    }
}
