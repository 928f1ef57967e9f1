//! Conditions: times apart from the rest.
//!
//! A comparison with `time` limits the range of the query wherever it stands. All of them are
//! intersected, under OR too, as 1.x does (contract 11.1), and removed from the condition.

use super::super::ast::{Expression, Literal, Logic, Operator, Reference};
use super::fold::{Folded, Folding, Value};
use super::functions::is_math;
use super::{Clock, ValidateError, time};

/// The latest time that can be asked for.
const TIME_MAX_NS: i128 = i64::MAX as i128 - 1;
/// The earliest time that can be asked for.
const TIME_MIN_NS: i128 = i64::MIN as i128 + 3;

/// A condition in its two parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// The condition on fields and tags; `None` if there is none.
    pub predicate: Option<Expression>,
    /// The range of times.
    pub range: TimeRange,
}

/// Times with both ends included, in nanoseconds since the epoch; `None` for an open end.
///
/// A range whose end is before its start has no times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The earliest time.
    pub min_ns: Option<i64>,
    /// The latest time.
    pub max_ns: Option<i64>,
}

impl TimeRange {
    /// Returns the times that are in both ranges.
    pub fn intersect(self, other: Self) -> Self {
        Self {
            min_ns: self.min_ns.max(other.min_ns),
            max_ns: match (self.max_ns, other.max_ns) {
                (Some(one), Some(two)) => Some(one.min(two)),
                (one, two) => one.or(two),
            },
        }
    }
}

/// Takes the times out of a condition; `zone` is the one of `tz(…)`.
///
/// # Errors
///
/// Something that is no condition, or that no time can be compared with.
pub fn split(
    condition: &Expression,
    zone: Option<&str>,
    clock: &Clock,
) -> Result<Split, ValidateError> {
    let folding = Folding {
        clock: Some(clock),
        zone,
        math: false,
    };
    let mut split = Splitting { folding }.split(condition)?;
    if let Some(Expression::Parenthesised(inner)) = split.predicate {
        split.predicate = Some(*inner);
    }
    if split.predicate == Some(Expression::Literal(Literal::Boolean(true))) {
        split.predicate = None;
    }
    Ok(split)
}

/// Refuses functions in a condition that are not plain mathematics.
pub(super) fn check_functions(predicate: Option<&Expression>) -> Result<(), ValidateError> {
    let Some(expression) = predicate else {
        return Ok(());
    };
    if let Expression::Call(call) = expression
        && !(call.name == "now" && call.arguments.is_empty())
    {
        let Some(expected) = is_math(&call.name) else {
            let text = format!("invalid function call in condition: {call}");
            return Err(ValidateError::Condition(text));
        };
        super::functions::check_count(call, expected)?;
    }
    expression
        .children()
        .into_iter()
        .try_for_each(|child| check_functions(Some(child)))
}

struct Splitting<'a> {
    folding: Folding<'a>,
}

impl Splitting<'_> {
    fn split(&self, condition: &Expression) -> Result<Split, ValidateError> {
        match condition {
            Expression::Logical { operator, terms } => self.joined(*operator, terms),
            Expression::Binary {
                operator,
                left,
                right,
            } => {
                let range = if is_time(left) {
                    self.range(*operator, right)?
                } else if is_time(right) {
                    self.range(mirrored(*operator), left)?
                } else {
                    return Ok(Split {
                        predicate: Some(condition.clone()),
                        ..Split::default()
                    });
                };
                Ok(Split {
                    predicate: None,
                    range,
                })
            }
            Expression::Parenthesised(inner) => {
                let split = self.split(inner)?;
                let predicate = split.predicate.map(parenthesised);
                Ok(Split { predicate, ..split })
            }
            Expression::Literal(Literal::Boolean(_)) | Expression::Signed { .. } => Ok(Split {
                predicate: Some(condition.clone()),
                ..Split::default()
            }),
            other => Err(ValidateError::Condition(format!(
                "invalid condition expression: {other}"
            ))),
        }
    }

    fn joined(&self, operator: Logic, terms: &[Expression]) -> Result<Split, ValidateError> {
        let mut range = TimeRange::default();
        let mut left = Vec::new();
        for term in terms {
            let split = self.split(term)?;
            range = range.intersect(split.range);
            left.extend(split.predicate);
        }
        let predicate = match left.pop() {
            Some(only) if left.is_empty() => Some(only),
            Some(last) => {
                left.push(last);
                Some(Expression::Logical {
                    operator,
                    terms: left,
                })
            }
            None => None,
        };
        Ok(Split { predicate, range })
    }

    /// Returns the times that compare in this way with an expression.
    fn range(&self, operator: Operator, other: &Expression) -> Result<TimeRange, ValidateError> {
        let value = self.value(other)?;
        let clamped = |value: i128| {
            let value = value.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            i64::try_from(value).ok()
        };
        let (min_ns, max_ns) = match operator {
            Operator::Equal => (clamped(value), clamped(value)),
            Operator::Greater => (clamped(value + 1), None),
            Operator::GreaterOrEqual => (clamped(value), None),
            Operator::Less => (None, clamped(value - 1)),
            Operator::LessOrEqual => (None, clamped(value)),
            other => {
                let text = format!("invalid time comparison operator: {}", other.text());
                return Err(ValidateError::Condition(text));
            }
        };
        Ok(TimeRange { min_ns, max_ns })
    }

    /// Returns the time that an expression is, in nanoseconds since the epoch.
    fn value(&self, expression: &Expression) -> Result<i128, ValidateError> {
        let folded = match expression {
            Expression::Literal(Literal::String(text)) if time::looks_like_time(text) => {
                Folded::Value(Value::Time(time::read(text, self.folding.zone())?))
            }
            other => self.folding.fold(other),
        };
        match folded {
            Folded::Value(Value::Time(time)) if time > TIME_MAX_NS => {
                Err(out_of_range(time, "overflows"))
            }
            Folded::Value(Value::Time(time)) if time < TIME_MIN_NS => {
                Err(out_of_range(time, "underflows"))
            }
            Folded::Value(Value::Time(time)) => Ok(time),
            Folded::Value(Value::Literal(Literal::Duration(value) | Literal::Integer(value))) => {
                Ok(i128::from(value))
            }
            Folded::Value(Value::Literal(Literal::Float(value))) => Ok(i128::from(whole(value))),
            other => {
                let name = other.type_name();
                let text = format!("invalid operation: time and {name} are not compatible");
                Err(ValidateError::Condition(text))
            }
        }
    }
}

/// Puts what is left of an expression in parentheses back into them, if it needs them.
fn parenthesised(inner: Expression) -> Expression {
    match inner {
        Expression::Binary { .. } | Expression::Logical { .. } | Expression::Signed { .. } => {
            Expression::Parenthesised(Box::new(inner))
        }
        other => other,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a float beyond all times is the first or the last one"
)]
fn whole(value: f64) -> i64 {
    value as i64
}

fn is_time(expression: &Expression) -> bool {
    match expression {
        Expression::Reference(Reference { name, .. }) => name.eq_ignore_ascii_case("time"),
        _ => false,
    }
}

/// Returns the operator with its sides exchanged.
fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        other => other,
    }
}

fn out_of_range(time: i128, how: &str) -> ValidateError {
    ValidateError::Condition(format!("time {} {how} time literal", time::format(time)))
}
