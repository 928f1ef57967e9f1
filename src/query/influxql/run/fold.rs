//! Aggregates over points that come one by one, by the rules of the contract (11.10).

use std::cmp::Ordering;

use super::super::analysis::Function;
use super::super::ast::Operator;
use super::super::finish::{Cell, Point, arithmetic};
use super::super::value::Value;
use super::evaluate::order;
use crate::functions::selector::Choice;

/// The points of one window so far.
#[derive(Debug)]
pub(super) enum Fold {
    /// count
    Count(i64),
    /// sum
    Sum(Option<Value>),
    /// mean, stddev
    Moments {
        /// The number of points.
        count: f64,
        mean: f64,
        /// The sum of the squares of what points differ from their mean.
        squares: f64,
        is_mean: bool,
    },
    /// min, max, first, last
    Chosen(Choice, Option<Point>),
    /// spread
    Spread(Option<(Value, Value)>),
}

impl Fold {
    /// Begins; `None` for a function that is no aggregate.
    pub(super) fn new(function: &Function) -> Option<Self> {
        let moments = |is_mean| Self::Moments {
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
            is_mean,
        };
        Some(match function {
            Function::Count => Self::Count(0),
            Function::Sum => Self::Sum(None),
            Function::Mean => moments(true),
            Function::Stddev => moments(false),
            Function::Spread => Self::Spread(None),
            Function::First => Self::Chosen(Choice::First, None),
            Function::Last => Self::Chosen(Choice::Last, None),
            Function::Min => Self::Chosen(Choice::Min, None),
            Function::Max => Self::Chosen(Choice::Max, None),
            _ => return None,
        })
    }

    /// Takes a point. `others` gives its other columns, which are asked for only if it is chosen.
    pub(super) fn push(
        &mut self,
        time_ns: i64,
        value: Value,
        others: impl FnOnce() -> Vec<Option<Value>>,
    ) {
        match self {
            Self::Count(count) => *count = count.saturating_add(1),
            Self::Sum(sum) => {
                *sum = match sum.take() {
                    Some(sum) => arithmetic::binary(Operator::Add, Some(&sum), Some(&value)),
                    None => Some(value),
                }
            }
            Self::Moments {
                count,
                mean,
                squares,
                ..
            } => {
                let number = value.as_float().unwrap_or(f64::NAN);
                *count += 1.0;
                let before = number - *mean;
                *mean += before / *count;
                *squares += before * (number - *mean);
            }
            Self::Chosen(choice, chosen) => {
                let is_preferred = match chosen {
                    None => true,
                    Some(chosen) => {
                        let times = time_ns.cmp(&chosen.time_ns);
                        let values = chosen.value.as_ref().and_then(|best| order(&value, best));
                        choice.prefers(times, values.unwrap_or(Ordering::Equal))
                    }
                };
                if is_preferred {
                    *chosen = Some(Point {
                        time_ns,
                        value: Some(value),
                        others: others(),
                    });
                }
            }
            Self::Spread(ends) => {
                *ends = Some(match ends.take() {
                    None => (value.clone(), value),
                    Some((low, high)) if order(&value, &low) == Some(Ordering::Less) => {
                        (value, high)
                    }
                    Some((low, high)) if order(&value, &high) == Some(Ordering::Greater) => {
                        (low, value)
                    }
                    Some(ends) => ends,
                });
            }
        }
    }

    /// Returns the result; `None` without points.
    pub(super) fn finish(self) -> Option<Cell> {
        Some(match self {
            Self::Count(0) => return None,
            Self::Count(count) => Cell::Value(Value::Integer(count)),
            Self::Sum(sum) => Cell::Value(sum?),
            Self::Moments { count, .. } if count < 1.0 => return None,
            Self::Moments {
                mean,
                is_mean: true,
                ..
            } => Cell::Value(Value::Float(mean)),
            // Of a single point it is no number.
            Self::Moments { count, squares, .. } => {
                Cell::Value(Value::Float((squares / (count - 1.0)).sqrt()))
            }
            Self::Chosen(_, chosen) => Cell::Chosen(chosen?),
            Self::Spread(ends) => {
                let (low, high) = ends?;
                let spread = arithmetic::binary(Operator::Subtract, Some(&high), Some(&low));
                Cell::Value(spread?)
            }
        })
    }
}
