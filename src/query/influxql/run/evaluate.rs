//! Conditions computed row by row, with the arithmetic of the language.

use std::cmp::Ordering;

use super::super::analysis::{Condition, Operand, Read, TagTest};
use super::super::ast::Operator;
use super::super::finish::{arithmetic, prepare};
use super::super::value::Value;
use super::convert::Values;

/// A condition, and what it reads, each once.
#[derive(Clone, Debug)]
pub(super) struct Evaluation {
    condition: Condition,
    reads: Vec<Read>,
}

impl Evaluation {
    /// Prepares a condition without tests of tags alone, which are no matter of rows.
    pub(super) fn new(condition: &Condition) -> Self {
        let mut reads = Vec::new();
        of_condition(condition, &mut reads);
        Self {
            condition: condition.clone(),
            reads,
        }
    }

    /// Returns what the condition reads, in the order in which it wants the values.
    pub(super) fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// Returns true if the condition holds in a row of these values.
    pub(super) fn holds(&self, values: &[Values], row: usize) -> bool {
        let row = Row {
            reads: &self.reads,
            values,
            row,
        };
        row.holds(&self.condition)
    }
}

/// A row of values.
#[derive(Clone, Copy)]
struct Row<'a> {
    reads: &'a [Read],
    values: &'a [Values],
    row: usize,
}

impl Row<'_> {
    fn holds(self, condition: &Condition) -> bool {
        match condition {
            Condition::Constant(holds) => *holds,
            Condition::All(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Any(parts) => parts.iter().any(|part| self.holds(part)),
            Condition::Tag { key, test } => self.tag_passes(key, test),
            Condition::SameTags { left, right, same } => {
                let (left, right) = (self.tag(left), self.tag(right));
                (left.is_some() && left == right) == *same
            }
            Condition::Compare {
                operator,
                left,
                right,
            } => {
                let order = match (self.operand(left), self.operand(right)) {
                    (Some(left), Some(right)) => order(&left, &right),
                    _ => None,
                };
                order.is_some_and(|order| compares(*operator, order))
            }
            Condition::Matches {
                operand,
                pattern,
                negated,
            } => match self.operand(operand) {
                Some(Value::String(text)) => pattern.is_match(&text) != *negated,
                _ => false,
            },
            Condition::Truth(operand) => self.operand(operand) == Some(Value::Boolean(true)),
        }
    }

    fn tag_passes(self, key: &str, test: &TagTest) -> bool {
        match self.tag(key) {
            Some(Value::String(text)) => test.holds(&text),
            _ => test.holds(""),
        }
    }

    /// A tag that is there; one of a subquery is there even if it is "", and equal only to itself.
    fn tag(self, key: &str) -> Option<Value> {
        let is = |read: &Read| matches!(read, Read::Tag { key: found } | Read::Group { key: found } if **found == *key);
        let place = self.reads.iter().position(is)?;
        let value = self.values.get(place)?.at(self.row)?;
        (value != Value::text("")).then_some(value)
    }

    fn operand(self, operand: &Operand) -> Option<Value> {
        match operand {
            Operand::Read(read) => {
                let place = self.reads.iter().position(|known| known == read)?;
                self.values.get(place)?.at(self.row)
            }
            Operand::Literal(value) => Some(value.clone()),
            Operand::Math {
                function,
                arguments,
            } => {
                let first = self.operand(arguments.first()?)?;
                let second = arguments.get(1).and_then(|second| self.operand(second));
                prepare::math(*function).apply(Some(&first), second.as_ref())
            }
            Operand::Binary {
                operator,
                left,
                right,
            } => {
                let (left, right) = (self.operand(left)?, self.operand(right)?);
                match (&left, &right, operator) {
                    // Other than in the list of fields.
                    (Value::Integer(left), Value::Integer(right), Operator::Divide) => {
                        let divided = match right {
                            0 => 0,
                            right => left.wrapping_div(*right),
                        };
                        Some(Value::Integer(divided))
                    }
                    _ => arithmetic::binary(*operator, Some(&left), Some(&right)),
                }
            }
            Operand::Condition(condition) => Some(Value::Boolean(self.holds(condition))),
            Operand::OrFalse(inner) => Some(self.operand(inner).unwrap_or(Value::Boolean(false))),
        }
    }
}

/// Compares values of one type, or two numbers.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left.partial_cmp(right),
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.partial_cmp(right),
        (Value::Unsigned(left), Value::Unsigned(right)) => left.partial_cmp(right),
        (Value::Integer(left), Value::Unsigned(right)) => {
            i128::from(*left).partial_cmp(&i128::from(*right))
        }
        (Value::Unsigned(left), Value::Integer(right)) => {
            i128::from(*left).partial_cmp(&i128::from(*right))
        }
        (left, right) => left.as_float()?.partial_cmp(&right.as_float()?),
    }
}

fn compares(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => false,
    }
}

fn note(read: Read, reads: &mut Vec<Read>) {
    if !reads.contains(&read) {
        reads.push(read);
    }
}

fn of_condition(condition: &Condition, reads: &mut Vec<Read>) {
    let mut tag = |key: &std::sync::Arc<str>| note(Read::Tag { key: key.clone() }, reads);
    match condition {
        Condition::Constant(_) => {}
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| of_condition(part, reads));
        }
        Condition::Tag { key, .. } => tag(key),
        Condition::SameTags { left, right, .. } => {
            tag(left);
            tag(right);
        }
        Condition::Compare { left, right, .. } => {
            of_operand(left, reads);
            of_operand(right, reads);
        }
        Condition::Matches { operand, .. } | Condition::Truth(operand) => {
            of_operand(operand, reads);
        }
    }
}

fn of_operand(operand: &Operand, reads: &mut Vec<Read>) {
    match operand {
        Operand::Read(read) => note(read.clone(), reads),
        Operand::Literal(_) => {}
        Operand::Math { arguments, .. } => {
            arguments.iter().for_each(|part| of_operand(part, reads));
        }
        Operand::Binary { left, right, .. } => {
            of_operand(left, reads);
            of_operand(right, reads);
        }
        Operand::Condition(condition) => of_condition(condition, reads),
        Operand::OrFalse(inner) => of_operand(inner, reads),
    }
}
