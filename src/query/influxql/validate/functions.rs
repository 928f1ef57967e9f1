//! Functions and what their arguments must be, apart from the first one.

use super::super::ast::{Call, Expression, Literal};
use super::ValidateError;
use super::fold::{shown_duration, type_name};

/// The effect of a function on points; decides what may be selected beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Chooses one point: `max`.
    Selector,
    /// Combines points: `mean`.
    Aggregate,
    /// `count`, which may have `distinct` in it.
    Count,
    /// `percentile` and `sample`: choose points.
    SelectorWithArgument,
    /// `top` and `bottom`.
    TopBottom,
    /// `distinct`.
    Distinct,
    /// Makes points from successive ones, or from those of a function: `derivative`.
    Transformation,
    /// `integral`: as a transformation, but of fields only.
    Integral,
    /// `holt_winters`: of a function only.
    Forecast,
}

/// Returns the number of arguments of a mathematical function, or `None` for other functions.
pub(super) fn is_math(name: &str) -> Option<usize> {
    match name {
        "abs" | "acos" | "asin" | "atan" | "ceil" | "cos" | "exp" | "floor" | "ln" | "log10"
        | "log2" | "round" | "sin" | "sqrt" | "tan" => Some(1),
        "atan2" | "log" | "pow" => Some(2),
        _ => None,
    }
}

/// Returns the kind of a function that is not mathematical.
pub(super) fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "max" | "min" | "first" | "last" => Kind::Selector,
        "sum" | "mean" | "median" | "mode" | "stddev" | "spread" => Kind::Aggregate,
        "count" => Kind::Count,
        "percentile" | "sample" => Kind::SelectorWithArgument,
        "top" | "bottom" => Kind::TopBottom,
        "distinct" => Kind::Distinct,
        "integral" => Kind::Integral,
        "holt_winters" | "holt_winters_with_fit" => Kind::Forecast,
        "derivative"
        | "non_negative_derivative"
        | "difference"
        | "non_negative_difference"
        | "cumulative_sum"
        | "moving_average"
        | "elapsed" => Kind::Transformation,
        "exponential_moving_average"
        | "double_exponential_moving_average"
        | "triple_exponential_moving_average"
        | "relative_strength_index"
        | "triple_exponential_derivative"
        | "kaufmans_efficiency_ratio"
        | "kaufmans_adaptive_moving_average"
        | "chande_momentum_oscillator" => Kind::Transformation,
        _ => return None,
    })
}

/// Returns the error of a function.
pub(super) fn refused<T>(text: String) -> Result<T, ValidateError> {
    Err(ValidateError::Function(text))
}

/// Refuses any other number of arguments.
pub(super) fn check_count(call: &Call, expected: usize) -> Result<(), ValidateError> {
    let (name, got) = (&call.name, call.arguments.len());
    if got == expected {
        return Ok(());
    }
    refused(format!(
        "invalid number of arguments for {name}, expected {expected}, got {got}"
    ))
}

/// Refuses a number of arguments outside of a range.
fn check_counts(call: &Call, least: usize, most: usize) -> Result<(), ValidateError> {
    let (name, got) = (&call.name, call.arguments.len());
    if (least..=most).contains(&got) {
        return Ok(());
    }
    refused(format!(
        "invalid number of arguments for {name}, expected at least {least} but no more than \
         {most}, got {got}"
    ))
}

/// Checks how many arguments a function has, and all but the first.
pub(super) fn check_arguments(call: &Call) -> Result<(), ValidateError> {
    let name = call.name.as_str();
    match name {
        "derivative" | "non_negative_derivative" | "elapsed" | "integral" => {
            check_counts(call, 1, 2)?;
            unit(call)
        }
        "moving_average" => {
            check_count(call, 2)?;
            window(call)
        }
        "percentile" => {
            check_count(call, 2)?;
            match call.arguments.get(1) {
                Some(Expression::Literal(Literal::Integer(_) | Literal::Float(_))) => Ok(()),
                _ => refused("expected float argument in percentile()".to_owned()),
            }
        }
        "sample" => {
            check_count(call, 2)?;
            match integer(call, 1) {
                Some(size) if size > 0 => Ok(()),
                Some(size) => refused(format!("sample window must be greater than 1, got {size}")),
                None => refused("expected integer argument in sample()".to_owned()),
            }
        }
        "holt_winters" | "holt_winters_with_fit" => forecast(call),
        "exponential_moving_average"
        | "double_exponential_moving_average"
        | "triple_exponential_moving_average"
        | "relative_strength_index"
        | "triple_exponential_derivative"
        | "chande_momentum_oscillator" => technical(call, 4),
        "kaufmans_efficiency_ratio" | "kaufmans_adaptive_moving_average" => technical(call, 3),
        _ => check_count(call, 1),
    }
}

/// Returns an argument that is an integer.
pub(super) fn integer(call: &Call, index: usize) -> Option<i64> {
    match call.arguments.get(index) {
        Some(Expression::Literal(Literal::Integer(value))) => Some(*value),
        _ => None,
    }
}

/// The unit of a derivative and its like: a positive duration.
fn unit(call: &Call) -> Result<(), ValidateError> {
    match call.arguments.get(1) {
        None => Ok(()),
        Some(Expression::Literal(Literal::Duration(unit))) if *unit > 0 => Ok(()),
        Some(Expression::Literal(Literal::Duration(unit))) => {
            let unit = shown_duration(*unit);
            refused(format!("duration argument must be positive, got {unit}"))
        }
        Some(_) if call.name == "integral" => {
            refused("second argument must be a duration".to_owned())
        }
        Some(other) => {
            let (name, got) = (&call.name, type_name(other));
            refused(format!(
                "second argument to {name} must be a duration, got {got}"
            ))
        }
    }
}

/// The size of a moving average.
fn window(call: &Call) -> Result<(), ValidateError> {
    match (integer(call, 1), call.arguments.get(1)) {
        (Some(size), _) if size > 1 => Ok(()),
        (Some(size), _) => refused(format!(
            "moving_average window must be greater than 1, got {size}"
        )),
        (None, argument) => {
            let got = argument.map_or("nothing", type_name);
            refused(format!(
                "second argument for moving_average must be an integer, got {got}"
            ))
        }
    }
}

/// The number of points and the season of a forecast.
fn forecast(call: &Call) -> Result<(), ValidateError> {
    check_count(call, 3)?;
    let name = &call.name;
    match integer(call, 1) {
        Some(points) if points > 0 => {}
        Some(points) => {
            return refused(format!(
                "second arg to {name} must be greater than 0, got {points}"
            ));
        }
        None => return refused(format!("expected integer argument as second arg in {name}")),
    }
    match integer(call, 2) {
        Some(season) if season >= 0 => Ok(()),
        Some(season) => refused(format!(
            "third arg to {name} cannot be negative, got {season}"
        )),
        None => refused(format!("expected integer argument as third arg in {name}")),
    }
}

/// The period, the hold period and the kind of warm-up of a technical analysis.
fn technical(call: &Call, most: usize) -> Result<(), ValidateError> {
    check_counts(call, 2, most)?;
    let name = call.name.as_str();
    match integer(call, 1) {
        Some(period) if period >= 1 => {}
        Some(_) => return refused(format!("{name} period must be greater than or equal to 1")),
        None => return refused(format!("{name} period must be an integer")),
    }
    let least = i64::from(name == "triple_exponential_derivative");
    match (call.arguments.len() > 2, integer(call, 2)) {
        (true, None) => return refused(format!("{name} hold period must be an integer")),
        (true, Some(hold)) if hold < least && hold != -1 => {
            let text = format!("{name} hold period must be greater than or equal to {least}");
            return refused(text);
        }
        _ => {}
    }
    let oscillator = name == "chande_momentum_oscillator";
    match call.arguments.get(3) {
        None => Ok(()),
        Some(Expression::Literal(Literal::String(warmup))) => match warmup.as_str() {
            "exponential" | "simple" => Ok(()),
            "none" if oscillator => Ok(()),
            _ => {
                let none = if oscillator { "'none' " } else { "" };
                let text = format!("warmup type must be one of: {none}'exponential' 'simple'");
                refused(format!("{name} {text}"))
            }
        },
        Some(_) => refused(format!("{name} warmup type must be a string")),
    }
}
