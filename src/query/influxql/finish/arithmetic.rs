//! Arithmetic and mathematical functions on values.
//!
//! Integers wrap, except that they divide to a float; unsigned integers divide to unsigned ones, and an
//! integer beside an unsigned one becomes unsigned. A division by zero gives 0, a modulo by zero 0 of
//! integers and NaN of floats. What has no meaning is null.

use super::super::ast::Operator;
use super::super::value::Value;
use super::number;

/// A mathematical function, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Math {
    /// abs
    Abs,
    /// sin
    Sin,
    /// cos
    Cos,
    /// tan
    Tan,
    /// asin
    Asin,
    /// acos
    Acos,
    /// atan
    Atan,
    /// atan2(y, x)
    Atan2,
    /// exp
    Exp,
    /// log(x, base)
    Log,
    /// ln
    Ln,
    /// log2
    Log2,
    /// log10
    Log10,
    /// sqrt
    Sqrt,
    /// pow(x, y)
    Pow,
    /// floor
    Floor,
    /// ceil
    Ceil,
    /// round: halves away from zero
    Round,
}

impl Math {
    /// Returns the function of a name in lower case.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "tan" => Self::Tan,
            "asin" => Self::Asin,
            "acos" => Self::Acos,
            "atan" => Self::Atan,
            "atan2" => Self::Atan2,
            "exp" => Self::Exp,
            "log" => Self::Log,
            "ln" => Self::Ln,
            "log2" => Self::Log2,
            "log10" => Self::Log10,
            "sqrt" => Self::Sqrt,
            "pow" => Self::Pow,
            "floor" => Self::Floor,
            "ceil" => Self::Ceil,
            "round" => Self::Round,
            _ => return None,
        })
    }

    /// Returns the result for one argument, or for two where the function has two.
    pub fn apply(self, first: Option<&Value>, second: Option<&Value>) -> Option<Value> {
        let first = first?;
        if let Some(value) = self.keep_type(first) {
            return Some(value);
        }
        let x = first.as_float()?;
        if matches!(self, Self::Atan2 | Self::Log | Self::Pow) {
            return self.of_two(x, second?.as_float()?).map(Value::Float);
        }
        self.of_one(x).map(Value::Float)
    }

    /// The functions that give an integer for an integer.
    fn keep_type(self, value: &Value) -> Option<Value> {
        match (self, value) {
            (Self::Abs, Value::Integer(number)) => Some(Value::Integer(number.wrapping_abs())),
            (Self::Floor | Self::Ceil | Self::Round, Value::Integer(_) | Value::Unsigned(_))
            | (Self::Abs, Value::Unsigned(_)) => Some(value.clone()),
            _ => None,
        }
    }

    fn of_one(self, x: f64) -> Option<f64> {
        Some(match self {
            Self::Abs => x.abs(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Exp => x.exp(),
            Self::Ln => x.ln(),
            Self::Log2 => x.log2(),
            Self::Log10 => x.log10(),
            Self::Sqrt => x.sqrt(),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round(),
            Self::Atan2 | Self::Log | Self::Pow => return None,
        })
    }

    fn of_two(self, x: f64, y: f64) -> Option<f64> {
        match self {
            Self::Atan2 => Some(x.atan2(y)),
            Self::Log => Some(x.ln() / y.ln()),
            Self::Pow => Some(x.powf(y)),
            _ => None,
        }
    }
}

/// Returns the result of an arithmetic operator; `None` for null and for operators that compare.
/// Beside a boolean null counts as false; beside anything else the result is null.
pub fn binary(operator: Operator, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
    match (left, right) {
        (Some(left), Some(right)) => both(operator, left, right),
        (Some(Value::Boolean(left)), None) => boolean(operator, *left, false),
        (None, Some(Value::Boolean(right))) => boolean(operator, false, *right),
        _ => None,
    }
}

fn both(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => boolean(operator, *left, *right),
        (Value::Integer(left), Value::Integer(right)) => integer(operator, *left, *right),
        (Value::Unsigned(left), Value::Unsigned(right)) => unsigned(operator, *left, *right),
        (Value::Integer(left), Value::Unsigned(right)) => {
            unsigned(operator, left.cast_unsigned(), *right)
        }
        (Value::Unsigned(left), Value::Integer(right)) => {
            unsigned(operator, *left, right.cast_unsigned())
        }
        _ => float(operator, left.as_float()?, right.as_float()?),
    }
}

fn boolean(operator: Operator, left: bool, right: bool) -> Option<Value> {
    Some(Value::Boolean(match operator {
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        _ => return None,
    }))
}

fn float(operator: Operator, left: f64, right: f64) -> Option<Value> {
    Some(Value::Float(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide if right == 0.0 => 0.0,
        Operator::Divide => left / right,
        Operator::Modulo => left % right,
        _ => return None,
    }))
}

fn integer(operator: Operator, left: i64, right: i64) -> Option<Value> {
    Some(Value::Integer(match operator {
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide => return float(operator, number::float(left), number::float(right)),
        Operator::Modulo if right == 0 => 0,
        Operator::Modulo => left.wrapping_rem(right),
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        _ => return None,
    }))
}

fn unsigned(operator: Operator, left: u64, right: u64) -> Option<Value> {
    Some(Value::Unsigned(match operator {
        Operator::Add => left.wrapping_add(right),
        Operator::Subtract => left.wrapping_sub(right),
        Operator::Multiply => left.wrapping_mul(right),
        Operator::Divide => left.checked_div(right).unwrap_or(0),
        Operator::Modulo => left.checked_rem(right).unwrap_or(0),
        Operator::BitAnd => left & right,
        Operator::BitOr => left | right,
        Operator::BitXor => left ^ right,
        _ => return None,
    }))
}
