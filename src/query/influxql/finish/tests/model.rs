//! A plain model of scan and aggregation: points, their grouping, functions over them. It knows one
//! measurement with the tags `t`, `u` and the fields `f` (float), `i` (integer), `b` (boolean), `s`
//! (text).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::super::analysis::Read;
use super::super::super::ast::{self, Operator, Statement};
use super::super::super::series::{SeriesPart, Tags};
use super::super::super::value::Value;
use super::super::point::{compare, key};
use super::super::{Call, Cell, Expression, Function, Output, Plan, Point, Series};
use super::statement::{Query, analyse, read};

/// A point of the measurement, or a row of a subquery.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub time_ns: i64,
    pub columns: BTreeMap<String, Value>,
    /// The columns of a row of a subquery, of which `columns` has the tags.
    pub cells: Vec<Option<Value>>,
}

/// Reads points: time, t, u, f, i, b, s between tabs, empty where missing.
pub fn read_points(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = text.lines().map(read_point).collect();
    rows.sort_by_key(|row| row.time_ns);
    rows
}

fn read_point(line: &str) -> Row {
    let mut cells = line.split('\t');
    let time_ns = cells.next().unwrap().parse().unwrap();
    let mut columns = BTreeMap::new();
    for (name, cell) in ["t", "u", "f", "i", "b", "s"].into_iter().zip(cells) {
        if cell.is_empty() {
            continue;
        }
        let value = match name {
            "f" => Value::Float(cell.parse().unwrap()),
            "i" => Value::Integer(cell.parse().unwrap()),
            "b" => Value::Boolean(cell.parse().unwrap()),
            _ => Value::text(cell),
        };
        columns.insert(name.to_owned(), value);
    }
    Row {
        time_ns,
        columns,
        cells: Vec::new(),
    }
}

/// Answers a statement over the points.
pub fn answer(text: &str, rows: &[Row]) -> Vec<SeriesPart> {
    let environment = super::super::super::Environment::default();
    let query = super::super::super::parse(text, &environment).unwrap();
    let Statement::Select(select) = &query.statements[0] else {
        panic!("not a SELECT: {text}");
    };
    let Some(query) = analyse(select) else {
        return Vec::new();
    };
    evaluate(&query, rows)
}

fn evaluate(query: &Query, points: &[Row]) -> Vec<SeriesPart> {
    let inner = query
        .inner
        .as_ref()
        .map(|inner| rows_of(&evaluate(inner, points)));
    let rows = inner.as_deref().unwrap_or(points);
    let mut groups: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| query.wants(row)) {
        let tag = |tag: &String| match row.columns.get(tag.as_str()) {
            Some(Value::String(value)) => value.to_string(),
            _ => String::new(),
        };
        let tags = query.group_tags.iter().map(tag).collect();
        groups.entry(tags).or_default().push(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    if query.plan.descending {
        groups.reverse();
    }
    let plan = Arc::new(query.plan.clone());
    let mut parts = Vec::new();
    for (values, rows) in groups {
        let keys = query.group_tags.iter().map(String::as_str);
        let pairs = keys.zip(values.iter().map(String::as_str));
        let tags = (!values.is_empty()).then(|| Tags::new(pairs));
        run(query, &plan, tags, &rows, &mut parts);
    }
    parts
}

/// The rows of a subquery, by time.
fn rows_of(parts: &[SeriesPart]) -> Vec<Row> {
    let mut rows = Vec::new();
    for part in parts {
        let tags = part.tags.iter().flat_map(|tags| tags.0.iter());
        let tags: BTreeMap<String, Value> = tags
            .map(|(key, value)| (key.to_string(), Value::String(value.clone())))
            .collect();
        for row in 0..part.rows.num_rows() {
            let value = |column| super::super::plain::value_at(column, row).unwrap();
            let mut cells: Vec<Option<Value>> = part.rows.columns().iter().map(value).collect();
            let Some(Value::Integer(time_ns)) = cells.remove(0) else {
                panic!("no time");
            };
            let columns = tags.clone();
            rows.push(Row {
                time_ns,
                columns,
                cells,
            });
        }
    }
    rows.sort_by_key(|row| row.time_ns);
    rows
}

fn run(
    query: &Query,
    plan: &Arc<Plan>,
    tags: Option<Tags>,
    rows: &[&Row],
    parts: &mut Vec<SeriesPart>,
) {
    if plan.calls.is_empty() {
        return run_plain(query, plan, tags, rows, parts);
    }
    let mut windows: BTreeMap<i64, Vec<Option<Cell>>> = BTreeMap::new();
    for (index, call) in plan.calls.iter().enumerate() {
        for (time_ns, cell) in cells(query, plan, index, call, rows) {
            let row = windows
                .entry(key(time_ns, plan.descending))
                .or_insert_with(|| vec![None; plan.calls.len()]);
            row[index] = Some(cell);
        }
    }
    let mut series = Series::new(plan.clone(), "m".into(), tags);
    for (place, cells) in windows {
        series.push(key(place, plan.descending), cells);
        while let Some(part) = series.next_part().unwrap() {
            parts.push(part);
        }
    }
    series.end();
    while let Some(part) = series.next_part().unwrap() {
        parts.push(part);
    }
}

fn run_plain(
    query: &Query,
    plan: &Arc<Plan>,
    tags: Option<Tags>,
    rows: &[&Row],
    parts: &mut Vec<SeriesPart>,
) {
    let in_range = |row: &&&Row| {
        if query.inner.is_some() {
            return true;
        }
        plan.lower_ns.is_none_or(|lower| lower <= row.time_ns)
            && plan.upper_ns.is_none_or(|upper| row.time_ns <= upper)
            && query.others.iter().any(|other| {
                matches!(other, Some(Read::Field { .. })) && read(other.as_ref(), row).is_some()
            })
    };
    let mut rows: Vec<&&Row> = rows.iter().filter(in_range).collect();
    if plan.descending {
        rows.reverse();
    }
    let mut series = super::super::PlainSeries::new(plan.clone(), "m".into(), tags);
    // The batch is built by the machine under test itself, from a plan that passes all on.
    let columns = plan
        .others
        .iter()
        .enumerate()
        .map(|(slot, value_type)| Output {
            expression: Expression::Slot(slot),
            value_type: value_type.unwrap(),
        });
    let scan = Plan {
        outputs: columns.collect(),
        fill: ast::Fill::Null,
        ..(**plan).clone()
    };
    let mut slots = super::super::rows::Slots::new(&scan);
    let mut batch = super::super::rows::Rows::new(&scan);
    for row in rows {
        for (slot, other) in query.others.iter().enumerate() {
            slots.put(slot, read(other.as_ref(), row));
        }
        batch.push(row.time_ns, &scan, &slots);
        if row.time_ns % 7 == 0 {
            series.push(&batch.take().unwrap().unwrap(), parts).unwrap();
        }
    }
    if let Some(rest) = batch.take().unwrap() {
        series.push(&rest, parts).unwrap();
    }
    series.end(parts).unwrap();
}

/// What the aggregation would give for one call.
fn cells(query: &Query, plan: &Plan, index: usize, call: &Call, rows: &[&Row]) -> Vec<(i64, Cell)> {
    let (field, builtin) = &query.calls[index];
    let lead = plan.lead_ns(call);
    let (before, after) = if plan.descending {
        (0, lead)
    } else {
        (lead, 0)
    };
    let mut windows: BTreeMap<i64, Vec<Point>> = BTreeMap::new();
    for row in rows {
        let is_in = plan
            .lower_ns
            .is_none_or(|lower| lower - before <= row.time_ns)
            && plan
                .upper_ns
                .is_none_or(|upper| row.time_ns <= upper + after);
        let Some(value) = read(field.as_ref(), row) else {
            continue;
        };
        if !is_in && query.inner.is_none() {
            continue;
        }
        let start = match (&plan.grid, &call.function) {
            (_, Function::Rows) => row.time_ns,
            (Some(grid), _) => grid.start_of(row.time_ns),
            (None, _) => plan.lower_ns.unwrap_or(0),
        };
        let others = query.others.iter().map(|other| read(other.as_ref(), row));
        windows.entry(start).or_default().push(Point {
            time_ns: row.time_ns,
            value: Some(value),
            others: others.collect(),
        });
    }
    windows
        .into_iter()
        .map(|(start, points)| (start, cell(builtin, call, points)))
        .collect()
}

fn cell(builtin: &str, call: &Call, points: Vec<Point>) -> Cell {
    match call.function {
        Function::Rows => Cell::Value(points[0].value.clone().unwrap()),
        Function::Aggregate | Function::Count => aggregate(builtin, points),
        _ => Cell::Points(points),
    }
}

fn aggregate(builtin: &str, points: Vec<Point>) -> Cell {
    let values: Vec<Value> = points
        .iter()
        .filter_map(|point| point.value.clone())
        .collect();
    let floats: Vec<f64> = values.iter().filter_map(Value::as_float).collect();
    let extreme = |largest: bool| {
        let mut best = points[0].clone();
        for point in &points {
            let order = compare(point.value.as_ref().unwrap(), best.value.as_ref().unwrap());
            if order
                == if largest {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Less
                }
            {
                best = point.clone();
            }
        }
        best
    };
    let mean = floats.iter().sum::<f64>() / floats.len() as f64;
    match builtin {
        "count" => Cell::Value(Value::Integer(i64::try_from(values.len()).unwrap())),
        "mean" => Cell::Value(Value::Float(mean)),
        "sum" => Cell::Value(
            values
                .into_iter()
                .reduce(|a, b| {
                    super::super::arithmetic::binary(Operator::Add, Some(&a), Some(&b)).unwrap()
                })
                .unwrap(),
        ),
        "spread" => {
            let (high, low) = (extreme(true).value, extreme(false).value);
            Cell::Value(
                super::super::arithmetic::binary(Operator::Subtract, high.as_ref(), low.as_ref())
                    .unwrap(),
            )
        }
        "stddev" => {
            let squares: f64 = floats.iter().map(|value| (value - mean).powi(2)).sum();
            Cell::Value(Value::Float((squares / (floats.len() as f64 - 1.0)).sqrt()))
        }
        "min" => Cell::Chosen(extreme(false)),
        "max" => Cell::Chosen(extreme(true)),
        "first" => Cell::Chosen(points[0].clone()),
        "last" => Cell::Chosen(points[points.len() - 1].clone()),
        other => panic!("no function {other}"),
    }
}
