//! GROUP BY: windows of time, tags, wildcards.

use super::super::ast::{Call, Expression, Literal, Reference};
use super::ValidateError;
use super::fold::{Folded, Folding, Value};
use super::time::looks_like_time;

/// The windows of GROUP BY time(…).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The length of a window, in nanoseconds; 0 for one window.
    pub duration_ns: i64,
    /// The second argument.
    pub offset: Offset,
}

/// The shift of the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// This many nanoseconds; 0 if there is no second argument.
    Nanoseconds(i64),
    /// `now()`
    Now,
    /// A time in a string: the second argument of the dimension has it.
    Time,
}

/// Checks dimensions and returns the windows among them.
///
/// # Errors
///
/// Something that is no dimension, or windows that are none.
pub fn interval(dimensions: &[Expression]) -> Result<Option<Interval>, ValidateError> {
    let mut found: Option<Interval> = None;
    for dimension in dimensions {
        match Folding::default().fold(dimension) {
            Folded::Tree(Expression::Wildcard(_) | Expression::Regex(_)) => {}
            Folded::Tree(Expression::Reference(Reference { name, .. })) => {
                if name.eq_ignore_ascii_case("time") {
                    return refused("time() is a function and expects at least one argument");
                }
            }
            Folded::Tree(Expression::Call(call)) => {
                let several = found.is_some_and(|interval| interval.duration_ns != 0);
                found = Some(window(&call, several)?);
            }
            _ => return refused("only time and tag dimensions allowed"),
        }
    }
    Ok(found)
}

fn refused<T>(text: &'static str) -> Result<T, ValidateError> {
    Err(ValidateError::Dimension(text))
}

fn window(call: &Call, several: bool) -> Result<Interval, ValidateError> {
    if call.name != "time" {
        return refused("only time() calls allowed in dimensions");
    }
    let (duration, offset) = match call.arguments.as_slice() {
        [duration] => (duration, None),
        [duration, offset] => (duration, Some(offset)),
        _ => return refused("time dimension expected 1 or 2 arguments"),
    };
    let Expression::Literal(Literal::Duration(duration_ns)) = duration else {
        return refused("time dimension must have duration argument");
    };
    if several {
        return refused("multiple time dimensions not allowed");
    }
    let offset = offset.map_or(Ok(Offset::Nanoseconds(0)), window_offset)?;
    Ok(Interval {
        duration_ns: *duration_ns,
        offset,
    })
}

fn window_offset(offset: &Expression) -> Result<Offset, ValidateError> {
    match Folding::default().fold(offset) {
        Folded::Value(Value::Literal(Literal::Duration(offset))) => Ok(Offset::Nanoseconds(offset)),
        Folded::Value(Value::Literal(Literal::String(text))) if looks_like_time(&text) => {
            Ok(Offset::Time)
        }
        Folded::Tree(Expression::Call(call)) if call.name != "now" => {
            refused("time dimension offset function must be now()")
        }
        Folded::Tree(Expression::Call(call)) if call.arguments.is_empty() => Ok(Offset::Now),
        Folded::Tree(Expression::Call(_)) => {
            refused("time dimension offset now() function requires no arguments")
        }
        _ => refused("time dimension offset must be duration or now()"),
    }
}
