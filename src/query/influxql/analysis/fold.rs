//! Constants of an expression to one constant, as 1.x does before it looks at types.
//!
//! Only what two constants make is folded: `x + 1 + 2` stays. Integers divide to a float. Parentheses
//! around what needs none go away, so that `(host) = ('a')` is `host = 'a'`.

use super::super::ast::{Call, Expression, Literal, Operator};
use super::super::value::ValueType;
use super::model::MathFunction;

/// Folds the constants of an expression.
pub(super) fn fold(expression: &Expression) -> Expression {
    match expression {
        Expression::Parenthesised(inner) => match fold(inner) {
            inner @ (Expression::Binary { .. }
            | Expression::Signed { .. }
            | Expression::Logical { .. }) => Expression::Parenthesised(Box::new(inner)),
            inner => inner,
        },
        Expression::Signed { negative, operand } => {
            let operand = fold(operand);
            let sign = Literal::Integer(if *negative { -1 } else { 1 });
            match joined(Operator::Multiply, &sign, &operand) {
                Some(literal) => Expression::Literal(literal),
                None => Expression::Signed {
                    negative: *negative,
                    operand: Box::new(operand),
                },
            }
        }
        Expression::Binary {
            operator,
            left,
            right,
        } => binary(*operator, fold(left), fold(right)),
        Expression::Logical { operator, terms } => Expression::Logical {
            operator: *operator,
            terms: terms.iter().map(fold).collect(),
        },
        Expression::Call(call) => {
            let arguments: Vec<_> = call.arguments.iter().map(fold).collect();
            match mathematics(&call.name, &arguments) {
                Some(literal) => Expression::Literal(literal),
                None => Expression::Call(Call {
                    name: call.name.clone(),
                    arguments,
                }),
            }
        }
        other => other.clone(),
    }
}

fn binary(operator: Operator, left: Expression, right: Expression) -> Expression {
    if let Expression::Literal(before) = &left
        && let Some(literal) = joined(operator, before, &right)
    {
        return Expression::Literal(literal);
    }
    Expression::Binary {
        operator,
        left: Box::new(left),
        right: Box::new(right),
    }
}

/// Returns what mathematics make of numbers that are all constants.
fn mathematics(name: &str, arguments: &[Expression]) -> Option<Literal> {
    let function = MathFunction::named(name)?;
    let mut literals = arguments.iter().map(|argument| match argument {
        Expression::Literal(literal) => Some(literal),
        _ => None,
    });
    let first = literals.next()??;
    let keeps_type = function.result(ValueType::Integer) == ValueType::Integer;
    if let (Literal::Integer(value), true) = (first, keeps_type) {
        let is_abs = function == MathFunction::Abs;
        return Some(Literal::Integer(if is_abs {
            value.wrapping_abs()
        } else {
            *value
        }));
    }
    let second = match literals.next() {
        Some(literal) => number(literal?)?,
        None => 0.0,
    };
    let value = float(function, number(first)?, second);
    Some(Literal::Float(value))
}

fn float(function: MathFunction, x: f64, y: f64) -> f64 {
    match function {
        MathFunction::Abs => x.abs(),
        MathFunction::Acos => x.acos(),
        MathFunction::Asin => x.asin(),
        MathFunction::Atan => x.atan(),
        MathFunction::Atan2 => x.atan2(y),
        MathFunction::Ceil => x.ceil(),
        MathFunction::Cos => x.cos(),
        MathFunction::Exp => x.exp(),
        MathFunction::Floor => x.floor(),
        MathFunction::Ln => x.ln(),
        MathFunction::Log => x.ln() / y.ln(),
        MathFunction::Log2 => x.log2(),
        MathFunction::Log10 => x.log10(),
        MathFunction::Pow => x.powf(y),
        MathFunction::Round => x.round(),
        MathFunction::Sin => x.sin(),
        MathFunction::Sqrt => x.sqrt(),
        MathFunction::Tan => x.tan(),
    }
}

/// Returns what an operator makes of two constants, if it makes one.
fn joined(operator: Operator, left: &Literal, right: &Expression) -> Option<Literal> {
    use Literal::{Boolean, Duration, Float, Integer, String};
    let Expression::Literal(right) = right else {
        return None;
    };
    match (left, right) {
        (Integer(left), Integer(right)) => integers(operator, *left, *right),
        (Boolean(left), Boolean(right)) => booleans(operator, *left, *right),
        (Duration(left), Duration(right)) => durations(operator, *left, *right),
        (Duration(left), Integer(_) | Float(_)) => scaled(operator, *left, number(right)?),
        (Integer(left), Duration(right)) if operator == Operator::Multiply => {
            left.checked_mul(*right).map(Duration)
        }
        (String(left), String(right)) => match operator {
            Operator::Add => Some(String(format!("{left}{right}"))),
            Operator::Equal => Some(Boolean(left == right)),
            Operator::NotEqual => Some(Boolean(left != right)),
            _ => None,
        },
        _ => floats(operator, number(left)?, number(right)?),
    }
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

fn compared<T: PartialOrd>(operator: Operator, left: &T, right: &T) -> Option<Literal> {
    let holds = match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        _ => return None,
    };
    Some(Literal::Boolean(holds))
}

fn integers(operator: Operator, left: i64, right: i64) -> Option<Literal> {
    let value = match operator {
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Modulo => left.checked_rem(right).unwrap_or(0),
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        Operator::Divide => {
            let (left, right) = (Literal::Integer(left), Literal::Integer(right));
            return floats(operator, number(&left)?, number(&right)?);
        }
        _ => return compared(operator, &left, &right),
    };
    Some(Literal::Integer(value))
}

fn floats(operator: Operator, left: f64, right: f64) -> Option<Literal> {
    let value = match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => 0.0,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        _ => return compared(operator, &left, &right),
    };
    Some(Literal::Float(value))
}

fn booleans(operator: Operator, left: bool, right: bool) -> Option<Literal> {
    let value = match operator {
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor | Operator::NotEqual => left != right,
        Operator::Equal => left == right,
        _ => return None,
    };
    Some(Literal::Boolean(value))
}

fn durations(operator: Operator, left: i64, right: i64) -> Option<Literal> {
    match operator {
        Operator::Add => left.checked_add(right).map(Literal::Duration),
        Operator::Subtract => left.checked_sub(right).map(Literal::Duration),
        _ => compared(operator, &left, &right),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "1.x calculates in floats here and cuts off"
)]
fn scaled(operator: Operator, duration_ns: i64, factor: f64) -> Option<Literal> {
    let value = match operator {
        Operator::Multiply => duration_ns as f64 * factor,
        Operator::Divide if factor == 0.0 => 0.0,
        Operator::Divide => duration_ns as f64 / factor,
        _ => return None,
    };
    Some(Literal::Duration(value as i64))
}
