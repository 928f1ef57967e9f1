//! Constants of an expression to one constant, as 1.x does before it looks at an expression.
//!
//! Only what two constants make is folded: `x + 1 + 2` stays. Integers divide to a float. A string
//! that looks like a time is one beside a duration.

use std::cmp::Ordering;

use super::super::ast::{Call, Expression, Literal, Operator};
use super::super::format_duration;
use super::functions::is_math;
use super::{Clock, time};

/// An expression with its constants folded.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Folded {
    /// A constant.
    Value(Value),
    /// Anything else.
    Tree(Expression),
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// One that can be written.
    Literal(Literal),
    /// A time, in nanoseconds since the epoch.
    Time(i128),
    /// A number whose value is of no interest here.
    Number,
    /// The result of mathematics on a constant that is not a number.
    Nothing,
}

/// The rules by which constants are folded.
#[derive(Clone, Copy, Default)]
pub(super) struct Folding<'a> {
    /// The time of `now()`, which without it stays a function.
    pub(super) clock: Option<&'a Clock>,
    /// The zone of strings that look like times.
    pub(super) zone: Option<&'a str>,
    /// True if mathematics on constants give a constant.
    pub(super) math: bool,
}

impl Folding<'_> {
    pub(super) fn fold(self, expression: &Expression) -> Folded {
        match expression {
            Expression::Literal(literal) => Folded::Value(Value::Literal(literal.clone())),
            Expression::Parenthesised(inner) => match self.fold(inner) {
                Folded::Tree(
                    tree @ (Expression::Binary { .. }
                    | Expression::Signed { .. }
                    | Expression::Logical { .. }),
                ) => Folded::Tree(Expression::Parenthesised(Box::new(tree))),
                folded => folded,
            },
            Expression::Signed { negative, operand } => self.signed(*negative, operand),
            Expression::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right),
            Expression::Call(call) => self.call(call),
            other => Folded::Tree(other.clone()),
        }
    }

    fn signed(self, negative: bool, operand: &Expression) -> Folded {
        let one = Value::Literal(Literal::Integer(if negative { -1 } else { 1 }));
        let folded = self.fold(operand);
        if let Folded::Value(value) = &folded
            && let Some(value) = self.join(Operator::Multiply, &one, value)
        {
            return Folded::Value(value);
        }
        let operand = Box::new(folded.into_expression());
        Folded::Tree(Expression::Signed { negative, operand })
    }

    fn binary(self, operator: Operator, left: &Expression, right: &Expression) -> Folded {
        let (left, right) = (self.fold(left), self.fold(right));
        if let (Folded::Value(left), Folded::Value(right)) = (&left, &right)
            && let Some(value) = self.join(operator, left, right)
        {
            return Folded::Value(value);
        }
        Folded::Tree(Expression::Binary {
            operator,
            left: Box::new(left.into_expression()),
            right: Box::new(right.into_expression()),
        })
    }

    fn call(self, call: &Call) -> Folded {
        if let Some(clock) = self.clock
            && call.name == "now"
            && call.arguments.is_empty()
        {
            return Folded::Value(Value::Time(i128::from(clock.now_ns)));
        }
        let folded: Vec<_> = call
            .arguments
            .iter()
            .map(|argument| self.fold(argument))
            .collect();
        if self.math
            && is_math(&call.name) == Some(folded.len())
            && folded.iter().all(Folded::is_constant)
        {
            let numbers = folded.iter().all(Folded::is_number);
            return Folded::Value(if numbers {
                Value::Number
            } else {
                Value::Nothing
            });
        }
        let arguments = folded.into_iter().map(Folded::into_expression).collect();
        Folded::Tree(Expression::Call(Call {
            name: call.name.clone(),
            arguments,
        }))
    }

    /// Returns what an operator makes of two constants, if it makes a constant.
    fn join(self, operator: Operator, left: &Value, right: &Value) -> Option<Value> {
        use Literal::{Boolean, Duration, Float, Integer, String, Unsigned};
        use Value::{Literal as L, Number, Time};
        match (left, right) {
            (Number, Number | L(Integer(_) | Float(_) | Unsigned(_)))
            | (L(Integer(_) | Float(_) | Unsigned(_)), Number) => {
                (!operator.compares()).then_some(Number)
            }
            (L(_) | Number, Value::Nothing) => Some(Value::Nothing),
            (L(Boolean(left)), L(Boolean(right))) => booleans(operator, *left, *right),
            (L(Integer(left)), L(Integer(right))) => integers(operator, *left, *right),
            (L(left), L(right)) if number(left).is_some() && number(right).is_some() => {
                floats(operator, number(left)?, number(right)?)
            }
            (L(Duration(left)), L(Duration(right))) => durations(operator, *left, *right),
            (L(Duration(left)), L(right @ (Integer(_) | Float(_)))) => {
                scaled(operator, *left, number(right)?)
            }
            (L(String(left)), L(String(right))) if operator == Operator::Equal => {
                Some(L(Boolean(left == right)))
            }
            (L(String(left)), L(String(right))) if operator == Operator::NotEqual => {
                Some(L(Boolean(left != right)))
            }
            (L(String(left)), L(String(right))) if operator == Operator::Add => {
                Some(L(String(format!("{left}{right}"))))
            }
            (L(String(left)), right) => {
                let left = Time(self.time_of(left)?);
                self.join(operator, &left, right)
            }
            (left, L(String(right))) => {
                let right = Time(self.time_of(right)?);
                self.join(operator, left, &right)
            }
            (L(Integer(left)), L(Duration(right))) => {
                shifted(operator, i128::from(*left), i128::from(*right))
            }
            (Time(left), L(Duration(right) | Integer(right))) => {
                shifted(operator, *left, i128::from(*right))
            }
            (L(Duration(left) | Integer(left)), Time(right)) if operator == Operator::Add => {
                Some(Time(i128::from(*left) + right))
            }
            (Time(left), Time(right)) if operator == Operator::Subtract => {
                i64::try_from(left - right)
                    .ok()
                    .map(|duration| L(Duration(duration)))
            }
            (Time(left), Time(right)) => compared(operator, left.partial_cmp(right)),
            _ => None,
        }
    }

    fn time_of(self, text: &str) -> Option<i128> {
        if !time::looks_like_time(text) {
            return None;
        }
        time::read(text, self.zone()).ok()
    }

    /// Returns the zone of times without an offset, and what knows it.
    pub(super) fn zone(&self) -> Option<(&str, &Clock)> {
        self.zone.zip(self.clock)
    }
}

impl Folded {
    /// Returns a tree that is the same to all who ask only of what kind its parts are.
    pub(super) fn into_expression(self) -> Expression {
        match self {
            Self::Tree(tree) => tree,
            Self::Value(Value::Literal(literal)) => Expression::Literal(literal),
            Self::Value(Value::Time(time)) => {
                Expression::Literal(Literal::String(time::format(time)))
            }
            Self::Value(Value::Number | Value::Nothing) => Expression::Literal(Literal::Float(0.0)),
        }
    }

    /// Returns true for values, to which 1.x counts regular expressions.
    fn is_constant(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Tree(Expression::Regex(_)))
    }

    fn is_number(&self) -> bool {
        match self {
            Self::Value(Value::Literal(literal)) => number(literal).is_some(),
            Self::Value(Value::Number) => true,
            _ => false,
        }
    }

    /// Returns the name of the type by which 1.x calls it in errors.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Value(Value::Time(_)) => "*influxql.TimeLiteral",
            Self::Value(Value::Number) => "*influxql.NumberLiteral",
            Self::Value(Value::Nothing) => "*influxql.nilLiteral",
            Self::Value(Value::Literal(literal)) => literal_name(literal),
            Self::Tree(tree) => type_name(tree),
        }
    }
}

/// Returns the name of the type of an expression by which 1.x calls it in errors.
pub(super) fn type_name(expression: &Expression) -> &'static str {
    match expression {
        Expression::Literal(literal) => literal_name(literal),
        Expression::Reference(_) => "*influxql.VarRef",
        Expression::Wildcard(_) => "*influxql.Wildcard",
        Expression::Regex(_) => "*influxql.RegexLiteral",
        Expression::Call(_) => "*influxql.Call",
        Expression::Distinct(_) => "*influxql.Distinct",
        Expression::Parenthesised(_) => "*influxql.ParenExpr",
        Expression::Signed { .. } | Expression::Binary { .. } | Expression::Logical { .. } => {
            "*influxql.BinaryExpr"
        }
    }
}

fn literal_name(literal: &Literal) -> &'static str {
    match literal {
        Literal::Float(_) => "*influxql.NumberLiteral",
        Literal::Integer(_) => "*influxql.IntegerLiteral",
        Literal::Unsigned(_) => "*influxql.UnsignedLiteral",
        Literal::String(_) => "*influxql.StringLiteral",
        Literal::Boolean(_) => "*influxql.BooleanLiteral",
        Literal::Duration(_) => "*influxql.DurationLiteral",
    }
}

/// Writes a duration as errors show it.
pub(super) fn shown_duration(duration_ns: i64) -> String {
    format_duration(duration_ns)
}

#[allow(clippy::cast_precision_loss, reason = "1.x calculates in floats here")]
fn number(literal: &Literal) -> Option<f64> {
    match literal {
        Literal::Float(value) => Some(*value),
        Literal::Integer(value) => Some(*value as f64),
        Literal::Unsigned(value) => Some(*value as f64),
        _ => None,
    }
}

fn compared(operator: Operator, order: Option<Ordering>) -> Option<Value> {
    let order = order?;
    let holds = match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => return None,
    };
    Some(Value::Literal(Literal::Boolean(holds)))
}

fn booleans(operator: Operator, left: bool, right: bool) -> Option<Value> {
    let value = match operator {
        Operator::Equal => left == right,
        Operator::NotEqual | Operator::BitXor => left != right,
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        _ => return None,
    };
    Some(Value::Literal(Literal::Boolean(value)))
}

fn integers(operator: Operator, left: i64, right: i64) -> Option<Value> {
    let value = match operator {
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide => {
            let (left, right) = (Literal::Integer(left), Literal::Integer(right));
            return floats(operator, number(&left)?, number(&right)?);
        }
        Operator::Modulo => left.checked_rem(right).unwrap_or(0),
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        _ => return compared(operator, left.partial_cmp(&right)),
    };
    Some(Value::Literal(Literal::Integer(value)))
}

fn floats(operator: Operator, left: f64, right: f64) -> Option<Value> {
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => 0.0,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        Operator::BitAnd | Operator::BitOr | Operator::BitXor => return None,
        _ => return compared(operator, left.partial_cmp(&right)),
    };
    Some(Value::Literal(Literal::Float(value)))
}

fn durations(operator: Operator, left: i64, right: i64) -> Option<Value> {
    let value = match operator {
        Operator::Add => left.checked_add(right)?,
        Operator::Subtract => left.checked_sub(right)?,
        Operator::Multiply | Operator::Divide | Operator::Modulo => return None,
        Operator::BitAnd | Operator::BitOr | Operator::BitXor => return None,
        _ => return compared(operator, left.partial_cmp(&right)),
    };
    Some(Value::Literal(Literal::Duration(value)))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "1.x calculates in floats here and cuts off"
)]
fn scaled(operator: Operator, duration: i64, factor: f64) -> Option<Value> {
    let value = match operator {
        Operator::Multiply => duration as f64 * factor,
        Operator::Divide if factor == 0.0 => 0.0,
        Operator::Divide => duration as f64 / factor,
        _ => return None,
    };
    Some(Value::Literal(Literal::Duration(value as i64)))
}

fn shifted(operator: Operator, time: i128, by: i128) -> Option<Value> {
    match operator {
        Operator::Add => Some(Value::Time(time + by)),
        Operator::Subtract => Some(Value::Time(time - by)),
        _ => None,
    }
}
