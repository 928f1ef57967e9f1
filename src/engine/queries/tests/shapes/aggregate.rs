//! Aggregates as SQL and as plain Rust.

use std::collections::BTreeSet;

use super::super::random::Chance;
use super::condition::condition;
use super::data::{Points, quoted};
use super::value::{Record, Value};

/// What an aggregate is of a group of points.
type Of = dyn Fn(&[&Record]) -> Option<Value>;

/// An aggregate of a group of points.
pub(super) struct Aggregate {
    pub(super) sql: String,
    of: Box<Of>,
}

impl Aggregate {
    fn new(sql: String, of: impl Fn(&[&Record]) -> Option<Value> + 'static) -> Self {
        Self {
            sql,
            of: Box::new(of),
        }
    }

    pub(super) fn of(&self, records: &[&Record]) -> Option<Value> {
        (self.of)(records)
    }
}

/// A few of them; others if all points of a group differ in time.
pub(super) fn aggregates(chance: &mut Chance, points: &Points, is_series: bool) -> Vec<Aggregate> {
    let one = |chance: &mut Chance| match chance.below(10) {
        0 => Aggregate::new("count(*)".to_owned(), |records| count(records.len())),
        1 => filtered(chance, points),
        2 => counted(chance, points),
        3 => sum(),
        4 => average(),
        5 | 6 => selected(chance, points, is_series),
        7 if is_series => at_end(chance, points),
        _ => extreme(chance, points),
    };
    (0..=chance.below(3)).map(|_| one(chance)).collect()
}

fn count(rows: usize) -> Option<Value> {
    Some(Value::Integer(i64::try_from(rows).unwrap()))
}

fn values<'a>(
    records: &'a [&'a Record],
    column: &'static str,
) -> impl Iterator<Item = &'a Value> + Clone {
    records.iter().filter_map(move |record| record.get(column))
}

fn filtered(chance: &mut Chance, points: &Points) -> Aggregate {
    let condition = condition(chance, points, 1);
    let sql = format!("count(*) FILTER (WHERE {})", condition.sql);
    Aggregate::new(sql, move |records| {
        count(
            records
                .iter()
                .filter(|record| condition.passes(record))
                .count(),
        )
    })
}

fn counted(chance: &mut Chance, points: &Points) -> Aggregate {
    let column = points.column(chance);
    let name = quoted(column);
    if chance.below(2) == 0 {
        return Aggregate::new(format!("count({name})"), move |records| {
            count(values(records, column).count())
        });
    }
    Aggregate::new(format!("count(DISTINCT {name})"), move |records| {
        count(values(records, column).collect::<BTreeSet<_>>().len())
    })
}

/// The field is there from the first round on.
fn floats(records: &[&Record]) -> Vec<f64> {
    let float = |value: &Value| match value {
        Value::Float(value) => *value,
        other => panic!("{other:?} is no float"),
    };
    values(records, "v").map(float).collect()
}

fn sum() -> Aggregate {
    Aggregate::new("sum(v)".to_owned(), |records| {
        let floats = floats(records);
        (!floats.is_empty()).then(|| Value::Float(floats.iter().sum::<f64>() + 0.0))
    })
}

fn average() -> Aggregate {
    Aggregate::new("avg(v)".to_owned(), |records| {
        let floats = floats(records);
        let count = f64::from(u32::try_from(floats.len()).unwrap());
        (count > 0.0).then(|| Value::Float((floats.iter().sum::<f64>() + 0.0) / count))
    })
}

fn extreme(chance: &mut Chance, points: &Points) -> Aggregate {
    let column = points.column(chance);
    let name = quoted(column);
    if chance.below(2) == 0 {
        return Aggregate::new(format!("min({name})"), move |records| {
            values(records, column).min().cloned()
        });
    }
    Aggregate::new(format!("max({name})"), move |records| {
        values(records, column).max().cloned()
    })
}

/// A part of what a selector selects, of which ties leave no doubt.
fn selected(chance: &mut Chance, points: &Points, is_series: bool) -> Aggregate {
    let column = points.field(chance);
    let function = ["first", "last", "min", "max"][chance.place(4)];
    let is_value = chance.below(2) == 0 && (is_series || matches!(function, "min" | "max"));
    let part = if is_value { "value" } else { "time" };
    let sql = format!("selector_{function}({}, time)['{part}']", quoted(column));
    Aggregate::new(sql, move |records| {
        let with = records.iter().filter(|record| record.contains_key(column));
        // Of equal values the earliest counts.
        let best = with.min_by(|a, b| {
            let time = a["time"].cmp(&b["time"]);
            let value = a[column].cmp(&b[column]);
            match function {
                "first" => time,
                "last" => time.reverse(),
                "min" => value.then(time),
                _ => value.reverse().then(time),
            }
        });
        best.map(|record| record[if is_value { column } else { "time" }].clone())
    })
}

/// The first or the last value in time, which may be null.
fn at_end(chance: &mut Chance, points: &Points) -> Aggregate {
    let column = points.column(chance);
    let name = quoted(column);
    if chance.below(2) == 0 {
        return Aggregate::new(
            format!("first_value({name} ORDER BY time)"),
            move |records| {
                let first = records.iter().min_by_key(|record| &record["time"]);
                first.and_then(|record| record.get(column)).cloned()
            },
        );
    }
    Aggregate::new(
        format!("last_value({name} ORDER BY time)"),
        move |records| {
            let last = records.iter().max_by_key(|record| &record["time"]);
            last.and_then(|record| record.get(column)).cloned()
        },
    )
}
