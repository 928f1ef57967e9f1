//! Points on their way through a call.

use std::cmp::Ordering;

use super::super::value::Value;

/// A value at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
    /// The value; `None` for a window that was filled with null.
    pub value: Option<Value>,
    /// The values of the point's other columns, beside a selector; else empty.
    pub others: Vec<Option<Value>>,
}

/// What the aggregation gives for one call and one window, or the scan for one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// The value of an aggregate, or of the row.
    Value(Value),
    /// The point that a selector chose: its own time, its value, its other columns.
    Chosen(Point),
    /// The points of the window with a value, the oldest first.
    Points(Vec<Point>),
}

impl Point {
    /// Returns a point without other columns.
    pub fn new(time_ns: i64, value: Value) -> Self {
        Self {
            time_ns,
            value: Some(value),
            others: Vec::new(),
        }
    }
}

/// A place in the order of the answer: times of a descending query are turned round.
pub(super) fn key(time_ns: i64, descending: bool) -> i64 {
    if descending { !time_ns } else { time_ns }
}

/// Compares values of one type; false comes before true, NaN before all.
pub(super) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => {
            let order = left.partial_cmp(right);
            order.unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
        }
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Unsigned(left), Value::Unsigned(right)) => left.cmp(right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => Ordering::Equal,
    }
}

/// Compares the values of two points; those without one come first.
pub(super) fn compare_values(left: &Point, right: &Point) -> Ordering {
    match (&left.value, &right.value) {
        (Some(left), Some(right)) => compare(left, right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}
