//! Analyses one SELECT per line of the input against the points of a file of plain line protocol,
//! and prints the error, `empty`, or the names of the columns and, for raw queries of measurements,
//! how many points they select. `oracle/analysis.py` compares that with the other server.
#![allow(clippy::print_stdout, reason = "a program that prints")]
#![allow(
    clippy::cast_precision_loss,
    reason = "the numbers of the points are small"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::Arc;

use iql::analysis::{
    Analysed, Condition, MathFunction, MeasurementSource, Operand, Origin, Read, Schema,
    SchemaError, Source, analyse,
};
use iql::ast::{Operator, Statement};
use iql::value::{Value, ValueType};

#[derive(Default)]
struct Points(Vec<Point>);

struct Point {
    measurement: String,
    tags: BTreeMap<String, String>,
    fields: BTreeMap<String, Value>,
    time_ns: i64,
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or_default();
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let points = Points(text.lines().filter_map(point).collect());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", answer(&line, &points));
    }
}

fn answer(text: &str, points: &Points) -> String {
    let query = match iql::parse(text, &iql::Environment::default()) {
        Ok(query) => query,
        Err(error) => return format!("error: {error}"),
    };
    let Some(Statement::Select(select)) = query.statements.first() else {
        return "no SELECT".to_owned();
    };
    let analysed = match analyse(select, 1_795_000_000_000_000_000, points) {
        Ok(analysed) => analysed,
        Err(error) => return format!("error: {error}"),
    };
    if analysed.is_empty() {
        return "empty".to_owned();
    }
    let mut names = vec![analysed.time_name.clone()];
    names.extend(analysed.columns.iter().map(|column| column.name.clone()));
    let rows = rows(&analysed, points).map_or("?".to_owned(), |rows| rows.to_string());
    let tags = analysed.tags.join(",");
    format!("{}|{tags}|{rows}", names.join(","))
}

/// Returns how many points a raw query selects.
fn rows(analysed: &Analysed, points: &Points) -> Option<usize> {
    if !analysed.calls.is_empty() || analysed.limit > 0 || analysed.offset > 0 {
        return None;
    }
    let mut rows = 0;
    for source in &analysed.sources {
        let Source::Measurement(source) = source else {
            return None;
        };
        if source.cut.is_some() {
            return None;
        }
        let chosen = points.0.iter().filter(|point| {
            let range = &analysed.range;
            point.measurement == *source.name
                && range.min_ns.is_none_or(|min| point.time_ns >= min)
                && range.max_ns.is_none_or(|max| point.time_ns <= max)
                && has_row(point, source)
                && holds(&source.condition, point)
        });
        rows += chosen.count();
    }
    Some(rows)
}

fn has_row(point: &Point, source: &MeasurementSource) -> bool {
    source.reads.iter().any(|read| match read {
        Some(Read::Field { name, .. }) => point.fields.contains_key(&**name),
        _ => false,
    })
}

fn holds(condition: &Condition, point: &Point) -> bool {
    let tag = |key: &str| point.tags.get(key).map_or("", String::as_str);
    match condition {
        Condition::Constant(holds) => *holds,
        Condition::All(parts) => parts.iter().all(|part| holds(part, point)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, point)),
        Condition::Tag { key, test } => test.holds(tag(key)),
        Condition::SameTags { left, right, same } => {
            (!tag(left).is_empty() && tag(left) == tag(right)) == *same
        }
        Condition::Compare {
            operator,
            left,
            right,
        } => match (value(left, point), value(right, point)) {
            (Some(left), Some(right)) => compare(*operator, &left, &right),
            _ => false,
        },
        Condition::Matches {
            operand,
            pattern,
            negated,
        } => match value(operand, point) {
            Some(Value::String(text)) => pattern.is_match(&text) != *negated,
            _ => false,
        },
        Condition::Truth(operand) => value(operand, point) == Some(Value::Boolean(true)),
    }
}

fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    let order = match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.partial_cmp(right),
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        (left, right) => left.as_float().partial_cmp(&right.as_float()),
    };
    order.is_some_and(|order| match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        _ => order.is_ge(),
    })
}

fn value(operand: &Operand, point: &Point) -> Option<Value> {
    match operand {
        Operand::Read(Read::Field { name, read_as, .. }) => {
            let value = point.fields.get(&**name)?;
            Some(match (value, read_as) {
                (value, ValueType::Float) => Value::Float(value.as_float()?),
                #[allow(clippy::cast_possible_truncation, reason = "casts cut off")]
                (Value::Float(value), ValueType::Integer) => Value::Integer(*value as i64),
                (value, _) => value.clone(),
            })
        }
        Operand::Read(Read::Tag { key }) => Some(Value::text(point.tags.get(&**key)?)),
        Operand::Read(_) => None,
        Operand::Literal(value) => Some(value.clone()),
        Operand::Math {
            function: MathFunction::Abs,
            arguments,
        } => match value(arguments.first()?, point)? {
            Value::Float(value) => Some(Value::Float(value.abs())),
            Value::Integer(value) => Some(Value::Integer(value.abs())),
            _ => None,
        },
        Operand::Math { .. } => None,
        Operand::Binary {
            operator,
            left,
            right,
        } => arithmetic(*operator, value(left, point)?, value(right, point)?),
        Operand::Condition(condition) => Some(Value::Boolean(holds(condition, point))),
        Operand::OrFalse(operand) => Some(value(operand, point).unwrap_or(Value::Boolean(false))),
    }
}

fn arithmetic(operator: Operator, left: Value, right: Value) -> Option<Value> {
    if let (Value::Integer(left), Value::Integer(right)) = (&left, &right) {
        return Some(Value::Integer(match operator {
            Operator::Add => left.wrapping_add(*right),
            Operator::Subtract => left.wrapping_sub(*right),
            Operator::Multiply => left.wrapping_mul(*right),
            Operator::Divide => left.checked_div(*right).unwrap_or(0),
            Operator::Modulo => left.checked_rem(*right).unwrap_or(0),
            Operator::BitAnd => left & right,
            Operator::BitOr => left | right,
            _ => left ^ right,
        }));
    }
    if let (Value::Boolean(left), Value::Boolean(right)) = (&left, &right) {
        return Some(Value::Boolean(match operator {
            Operator::BitAnd => left & right,
            Operator::BitOr => left | right,
            _ => left ^ right,
        }));
    }
    let (left, right) = (left.as_float()?, right.as_float()?);
    Some(Value::Float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => 0.0,
        Operator::Divide => left / right,
        _ => left % right,
    }))
}

/// Reads `measurement,tag=v field=1i 1`, without escapes.
fn point(line: &str) -> Option<Point> {
    let mut parts = line.split(' ');
    let mut key = parts.next()?.split(',');
    let measurement = key.next()?.to_owned();
    let pair = |text: &str| {
        text.split_once('=')
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
    };
    let tags = key.filter_map(pair).collect();
    let fields = parts.next()?.split(',').filter_map(pair);
    let fields = fields.map(|(key, text)| {
        let value = match text.as_str() {
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            text if text.starts_with('"') => Value::text(text.trim_matches('"')),
            text => match text.strip_suffix('i') {
                Some(digits) => Value::Integer(digits.parse().unwrap_or_default()),
                None => Value::Float(text.parse().unwrap_or_default()),
            },
        };
        (key, value)
    });
    Some(Point {
        measurement,
        tags,
        fields: fields.collect(),
        time_ns: parts.next()?.parse().ok()?,
    })
}

impl Schema for Points {
    fn measurements(&self, _: &Origin) -> Result<Vec<Arc<str>>, SchemaError> {
        let names: BTreeSet<_> = self
            .0
            .iter()
            .map(|point| point.measurement.as_str())
            .collect();
        Ok(names.into_iter().map(Arc::from).collect())
    }

    fn tags(&self, _: &Origin, measurement: &str) -> Result<Vec<Arc<str>>, SchemaError> {
        let points = self
            .0
            .iter()
            .filter(|point| point.measurement == measurement);
        let keys: BTreeSet<_> = points.flat_map(|point| point.tags.keys()).collect();
        Ok(keys
            .into_iter()
            .map(|key| Arc::from(key.as_str()))
            .collect())
    }

    fn fields(
        &self,
        _: &Origin,
        measurement: &str,
    ) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError> {
        let points = self
            .0
            .iter()
            .filter(|point| point.measurement == measurement);
        let fields: BTreeMap<_, _> = points
            .flat_map(|point| &point.fields)
            .map(|(key, value)| (key, value.value_type()))
            .collect();
        Ok(fields
            .into_iter()
            .map(|(key, value_type)| (Arc::from(key.as_str()), value_type))
            .collect())
    }
}
