//! Calls as they are written, to functions.

use super::super::ast::{Call, Expression, Literal};
use super::AnalysisError;
use super::function::{Function, Ranked};
use super::model::Window;

const SECOND_NS: i64 = 1_000_000_000;

/// A function as it is written.
pub(super) enum Written<'a> {
    Plain(Function),
    /// `top` or `bottom`, whose tags are not looked up yet.
    Ranked {
        count: usize,
        tags: &'a [Expression],
        build: fn(Ranked) -> Function,
    },
}

/// Returns the function of a call that is valid.
pub(super) fn function<'a>(
    call: &'a Call,
    window: Option<&Window>,
) -> Result<Written<'a>, AnalysisError> {
    let function = match call.name.as_str() {
        "count" => Function::Count,
        "sum" => Function::Sum,
        "mean" => Function::Mean,
        "min" => Function::Min,
        "max" => Function::Max,
        "first" => Function::First,
        "last" => Function::Last,
        "spread" => Function::Spread,
        "stddev" => Function::Stddev,
        "median" => Function::Median,
        "mode" => Function::Mode,
        "percentile" => Function::Percentile(number(call)),
        "distinct" => Function::Distinct,
        "top" => return Ok(ranked(call, Function::Top)),
        "bottom" => return Ok(ranked(call, Function::Bottom)),
        "sample" => Function::Sample(count(call)),
        "integral" => Function::Integral {
            unit_ns: duration(call).unwrap_or(SECOND_NS),
        },
        "derivative" | "non_negative_derivative" => Function::Derivative {
            // The window is the unit even where it is the one of a query around this one.
            unit_ns: duration(call)
                .or(window.map(|window| window.interval_ns))
                .unwrap_or(SECOND_NS),
            non_negative: call.name == "non_negative_derivative",
        },
        "difference" | "non_negative_difference" => Function::Difference {
            non_negative: call.name == "non_negative_difference",
        },
        "cumulative_sum" => Function::CumulativeSum,
        "moving_average" => Function::MovingAverage(count(call)),
        "elapsed" => Function::Elapsed {
            unit_ns: duration(call).unwrap_or(1),
        },
        name => return Err(AnalysisError::Unsupported(format!("{name}()"))),
    };
    Ok(Written::Plain(function))
}

fn ranked(call: &Call, build: fn(Ranked) -> Function) -> Written<'_> {
    let tags = match call.arguments.as_slice() {
        [_, tags @ .., _] => tags,
        _ => &[],
    };
    Written::Ranked {
        count: count(call),
        tags,
        build,
    }
}

/// Returns the last argument, which validation has found to be a whole number of at least 1.
fn count(call: &Call) -> usize {
    match call.arguments.last() {
        Some(Expression::Literal(Literal::Integer(count))) => {
            usize::try_from(*count).unwrap_or(usize::MAX)
        }
        _ => 1,
    }
}

/// Returns the second argument, if it is a duration.
fn duration(call: &Call) -> Option<i64> {
    match call.arguments.get(1) {
        Some(Expression::Literal(Literal::Duration(duration_ns))) => Some(*duration_ns),
        _ => None,
    }
}

/// Returns the second argument, which validation has found to be a number.
#[allow(clippy::cast_precision_loss, reason = "a rank needs no more digits")]
fn number(call: &Call) -> f64 {
    match call.arguments.get(1) {
        Some(Expression::Literal(Literal::Integer(value))) => *value as f64,
        Some(Expression::Literal(Literal::Float(value))) => *value,
        _ => f64::NAN,
    }
}
