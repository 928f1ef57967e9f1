//! Conditions, as plain as can be.
#![allow(
    clippy::cast_possible_truncation,
    reason = "floats are cut off, as the language says"
)]

use std::cmp::Ordering;

use super::super::world::Point;
use crate::influxql::analysis::{Condition, Operand, Read};
use crate::influxql::ast::Operator;
use crate::influxql::finish;
use crate::influxql::series::Tags;
use crate::influxql::value::{Value, ValueType};

/// What a condition is asked of.
pub(super) enum Subject<'a> {
    Point(&'a Point),
    Row {
        columns: &'a [Option<Value>],
        tags: Option<&'a Tags>,
    },
}

pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.partial_cmp(right),
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.partial_cmp(right),
        (left, right) => left.as_float()?.partial_cmp(&right.as_float()?),
    }
}

pub(super) fn tag_of(key: &str, subject: &Subject<'_>) -> String {
    match subject {
        Subject::Point(point) => point.tags.get(key).cloned().unwrap_or_default(),
        Subject::Row { tags, .. } => {
            let value = tags.and_then(|tags| tags.get(key));
            value.unwrap_or_default().to_owned()
        }
    }
}

pub(super) fn holds(condition: &Condition, subject: &Subject<'_>) -> bool {
    match condition {
        Condition::Constant(holds) => *holds,
        Condition::All(parts) => parts.iter().all(|part| holds(part, subject)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, subject)),
        Condition::Tag { key, test } => test.holds(&tag_of(key, subject)),
        Condition::SameTags { left, right, same } => {
            let (left, right) = (tag_of(left, subject), tag_of(right, subject));
            (!left.is_empty() && left == right) == *same
        }
        Condition::Compare {
            operator,
            left,
            right,
        } => {
            let order = match (operand(left, subject), operand(right, subject)) {
                (Some(left), Some(right)) => order(&left, &right),
                _ => None,
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
        Condition::Matches {
            operand: text,
            pattern,
            negated,
        } => match operand(text, subject) {
            Some(Value::String(text)) => pattern.is_match(&text) != *negated,
            _ => false,
        },
        Condition::Truth(value) => operand(value, subject) == Some(Value::Boolean(true)),
    }
}

fn operand(shown: &Operand, subject: &Subject<'_>) -> Option<Value> {
    match shown {
        Operand::Read(read) => value_of(read, subject),
        Operand::Literal(value) => Some(value.clone()),
        Operand::Math {
            function,
            arguments,
        } => {
            let name = format!("{function:?}").to_lowercase();
            let first = operand(arguments.first()?, subject)?;
            let second = arguments.get(1).and_then(|second| operand(second, subject));
            finish::Math::by_name(&name)?.apply(Some(&first), second.as_ref())
        }
        Operand::Binary {
            operator,
            left,
            right,
        } => {
            let (left, right) = (operand(left, subject)?, operand(right, subject)?);
            match (&left, &right, operator) {
                (Value::Integer(left), Value::Integer(right), Operator::Divide) => {
                    Some(Value::Integer(left.checked_div(*right).unwrap_or(0)))
                }
                _ => finish::arithmetic::binary(*operator, Some(&left), Some(&right)),
            }
        }
        Operand::Condition(condition) => Some(Value::Boolean(holds(condition, subject))),
        Operand::OrFalse(inner) => Some(operand(inner, subject).unwrap_or(Value::Boolean(false))),
    }
}

pub(super) fn value_of(read: &Read, subject: &Subject<'_>) -> Option<Value> {
    let (value, read_as) = match (read, subject) {
        (Read::Field { name, read_as, .. }, Subject::Point(point)) => {
            (point.fields.get(&**name)?.clone(), *read_as)
        }
        (Read::Column { index, read_as }, Subject::Row { columns, .. }) => {
            (columns.get(*index)?.clone()?, *read_as)
        }
        (Read::Tag { key }, Subject::Point(point)) => {
            return point.tags.get(&**key).map(|value| Value::text(value));
        }
        (Read::Group { key }, _) => return Some(Value::text(&tag_of(key, subject))),
        _ => return None,
    };
    Some(match (value, read_as) {
        (Value::Float(value), ValueType::Integer) => Value::Integer(value as i64),
        (value, ValueType::Float) => Value::Float(value.as_float()?),
        (value, _) => value,
    })
}
