//! Conversions between numbers, in one place with their reasons.

use super::super::value::{Value, ValueType};

/// Returns the nearest float.
#[expect(
    clippy::cast_precision_loss,
    reason = "an integer beyond 2^53 becomes the nearest float, as in 1.x"
)]
pub(super) fn float(value: i64) -> f64 {
    value as f64
}

/// Returns the nearest float.
#[expect(
    clippy::cast_precision_loss,
    reason = "sums of 128 bits become the nearest float"
)]
pub(super) fn wide_float(value: i128) -> f64 {
    value as f64
}

/// Returns the nearest float of a count.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count of points in memory is far below 2^53"
)]
pub(super) fn count_float(value: usize) -> f64 {
    value as f64
}

/// Returns the integer towards zero; what is beyond the range becomes its end, NaN becomes 0.
#[expect(
    clippy::cast_possible_truncation,
    reason = "truncation is what a cast of a float means"
)]
pub(super) fn integer(value: f64) -> i64 {
    value as i64
}

/// Returns the unsigned integer towards zero; what is beyond the range becomes its end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "truncation is what a cast of a float means"
)]
pub(super) fn unsigned(value: f64) -> u64 {
    value as u64
}

/// Returns a value as another type; `None` where there is no such cast: only numbers become numbers.
/// A float loses its fraction, integers of the other sign wrap.
pub fn cast(value: &Value, to: ValueType) -> Option<Value> {
    if value.value_type() == to {
        return Some(value.clone());
    }
    Some(match (to, value) {
        (ValueType::Float, _) => Value::Float(value.as_float()?),
        (ValueType::Integer, Value::Float(number)) => Value::Integer(integer(*number)),
        (ValueType::Integer, Value::Unsigned(number)) => Value::Integer(number.cast_signed()),
        (ValueType::Unsigned, Value::Float(number)) => Value::Unsigned(unsigned(*number)),
        (ValueType::Unsigned, Value::Integer(number)) => Value::Unsigned(number.cast_unsigned()),
        _ => return None,
    })
}
