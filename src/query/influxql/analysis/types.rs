//! Types of arithmetic (contract 11.11).

use super::super::ast::{Expression, Operator};
use super::super::value::ValueType;
use super::AnalysisError;
use super::schema::Kind;

/// Returns the type of what an operator makes of two types; `None` if it makes nothing of them.
///
/// `whole` says that integers divide to an integer, as they do in conditions.
pub(super) fn arithmetic(
    operator: Operator,
    left: ValueType,
    right: ValueType,
    whole: bool,
) -> Option<ValueType> {
    use ValueType::{Boolean, Float, Integer, Unsigned};
    match operator {
        Operator::BitAnd | Operator::BitOr | Operator::BitXor => match (left, right) {
            (Boolean, Boolean) => Some(Boolean),
            (Integer, Integer) => Some(Integer),
            (Integer | Unsigned, Integer | Unsigned) => Some(Unsigned),
            _ => None,
        },
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Modulo => {
            number(left, right)
        }
        Operator::Divide => match number(left, right)? {
            Integer if !whole => Some(Float),
            other => Some(other),
        },
        _ => None,
    }
}

fn number(left: ValueType, right: ValueType) -> Option<ValueType> {
    use ValueType::{Float, Integer, Unsigned};
    match (left, right) {
        (left, right) if !left.is_number() || !right.is_number() => None,
        (Float, _) | (_, Float) => Some(Float),
        (Unsigned, _) | (_, Unsigned) => Some(Unsigned),
        _ => Some(Integer),
    }
}

/// An operand as the check of types sees it.
pub(super) struct Checked<'a> {
    pub(super) expression: &'a Expression,
    pub(super) kind: Option<Kind>,
}

/// Checks whether two operands can be joined, and returns the type that the check goes on with.
///
/// What is nowhere has no type and goes with everything. Integers divide to an integer here, though
/// not when the query is run.
pub(super) fn check(
    whole: &Expression,
    operator: Operator,
    left: &Checked<'_>,
    right: &Checked<'_>,
) -> Result<Option<Kind>, AnalysisError> {
    let refused = |reason: String| {
        Err(AnalysisError::Type {
            expression: whole.to_string(),
            reason,
        })
    };
    let sign = operator.text();
    let mixed = match (left.kind, right.kind) {
        (Some(Kind::Unsigned), Some(Kind::Integer)) => Some((left, right)),
        (Some(Kind::Integer), Some(Kind::Unsigned)) => Some((right, left)),
        _ => None,
    };
    if let Some((unsigned, integer)) = mixed {
        if is_literal(unsigned.expression) {
            return refused(format!(
                "cannot use {sign} with an integer and unsigned literal"
            ));
        }
        if !is_literal(integer.expression) {
            return refused(format!(
                "cannot use {sign} between an integer and unsigned, an explicit cast is required"
            ));
        }
    }
    let (Some(left), Some(right)) = (left.kind, right.kind) else {
        return Ok(left.kind.or(right.kind));
    };
    let bits = matches!(
        operator,
        Operator::BitAnd | Operator::BitOr | Operator::BitXor
    );
    let joined = match (left, right) {
        // A boolean joins bit by bit with everything, and 1.x takes a tag after it for one.
        (Kind::Boolean, _) | (Kind::Tag, Kind::Boolean) if bits => Some(ValueType::Boolean),
        (Kind::Tag, _) | (_, Kind::Tag) => None,
        _ => arithmetic(operator, left.value_type(), right.value_type(), true),
    };
    match joined {
        Some(value_type) => Ok(Some(Kind::from(value_type))),
        None => refused(format!(
            "incompatible types: {} and {}",
            left.word(),
            right.word()
        )),
    }
}

fn is_literal(expression: &Expression) -> bool {
    match expression {
        Expression::Literal(_) => true,
        Expression::Parenthesised(inner) => is_literal(inner),
        _ => false,
    }
}
