//! Checks that 1.x makes before it runs a statement whose syntax is right.
//!
//! The order of the checks is the one of 1.x, so that a statement with several mistakes is refused
//! for the same one: the condition, the dimensions, the fields one by one, the fields together, and
//! then the subqueries in the same way. The texts become the `error` of the statement's result, not
//! of the request.
//!
//! Types are not known here: that a function does not fit the type of a field is for the engine.

mod condition;
mod dimensions;
mod fields;
mod fold;
mod functions;
mod time;

#[cfg(test)]
mod tests;

use super::ast::{Expression, Scope, Select, Show, Source, Statement};

pub use condition::{Split, TimeRange, split};
pub use dimensions::{Interval, Offset, interval};

/// The reason why a statement that was parsed cannot be run; its text is what the client reads.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    /// Fields, functions and clauses do not go together.
    #[error("{0}")]
    Fields(String),
    /// A function does not exist, or its arguments do not fit.
    #[error("{0}")]
    Function(String),
    /// GROUP BY has something that is no dimension.
    #[error("{0}")]
    Dimension(&'static str),
    /// WHERE has something that is no condition, or a time that is none.
    #[error("{0}")]
    Condition(String),
    /// A subquery does not go together with the query around it.
    #[error("{0}")]
    Subquery(&'static str),
}

/// The facts about times that validation needs.
#[derive(Clone, Copy)]
pub struct Clock {
    /// The time of the request, in nanoseconds since the epoch.
    pub now_ns: i64,
    /// Turns a local time in a named zone, in nanoseconds since the epoch as if the zone were UTC,
    /// into a time.
    pub to_utc_ns: fn(zone: &str, local_ns: i128) -> i128,
}

/// The results of the checks of a SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The condition without its times, and the times; not yet intersected with outer queries.
    pub split: Split,
    /// The windows of GROUP BY time(…); inherited ones are left out.
    pub interval: Option<Interval>,
    /// The number of functions that are not plain mathematics.
    pub functions: usize,
    /// True if all of these functions choose points instead of combining them.
    pub only_selectors: bool,
    /// True if fields or tags are selected outside of functions.
    pub has_plain_fields: bool,
    /// The name that `time AS name` gives the first column.
    pub time_alias: Option<String>,
}

/// Checks a statement of any kind.
///
/// # Errors
///
/// The first thing that 1.x refuses.
pub fn statement(statement: &Statement, clock: &Clock) -> Result<(), ValidateError> {
    match statement {
        Statement::Select(select) => self::select(select, clock).map(drop),
        Statement::Explain(explain) => self::select(&explain.select, clock).map(drop),
        Statement::Show(show) => match condition_of(show) {
            Some(condition) => split(condition, None, clock).map(drop),
            None => Ok(()),
        },
        Statement::Delete(deletion) => match &deletion.condition {
            Some(condition) => split(condition, None, clock).map(drop),
            None => Ok(()),
        },
        Statement::DropSeries(deletion) => match &deletion.condition {
            Some(condition) => {
                let found = split(condition, None, clock)?;
                if found.range == TimeRange::default() {
                    return Ok(());
                }
                let text = "DROP SERIES doesn't support time in WHERE clause";
                Err(ValidateError::Condition(text.to_owned()))
            }
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Checks a SELECT and its subqueries.
///
/// # Errors
///
/// The first thing that 1.x refuses.
pub fn select(select: &Select, clock: &Clock) -> Result<Summary, ValidateError> {
    checked(select, clock, None)
}

/// The properties that a query passes on to its subqueries.
#[derive(Clone, Copy)]
struct Outer {
    descending: bool,
    has_interval: bool,
}

fn checked(select: &Select, clock: &Clock, outer: Option<Outer>) -> Result<Summary, ValidateError> {
    let split = match &select.condition {
        Some(condition) => {
            let split = split(condition, select.zone.as_deref(), clock)?;
            condition::check_functions(split.predicate.as_ref())?;
            split
        }
        None => Split::default(),
    };
    let interval = interval(&select.dimensions)?;
    let descending = match outer {
        Some(outer) if select.order.is_some() && select.is_descending() != outer.descending => {
            return Err(ValidateError::Subquery(
                "subqueries must be ordered in the same direction as the query itself",
            ));
        }
        Some(outer) => outer.descending,
        None => select.is_descending(),
    };
    let has_own = interval.is_some_and(|interval| interval.duration_ns != 0);
    let inherited = outer.is_some_and(|outer| outer.has_interval) && !has_own;
    let windows = fields::Windows {
        any: has_own || inherited,
        inherited,
        inner: outer.is_some(),
    };
    let fields = fields::check(select, windows)?;
    let outer = Outer {
        descending,
        has_interval: has_own || inherited,
    };
    for source in &select.sources {
        if let Source::Subquery(subquery) = source {
            checked(subquery, clock, Some(outer))?;
        }
    }
    Ok(Summary {
        split,
        interval,
        functions: fields.functions,
        only_selectors: fields.only_selectors,
        has_plain_fields: fields.has_plain_fields,
        time_alias: fields.time_alias,
    })
}

/// Returns the condition of a SHOW statement.
fn condition_of(show: &Show) -> Option<&Expression> {
    let scope: &Scope = match show {
        Show::Measurements(show) => return show.condition.as_ref(),
        Show::Series(show) => &show.scope,
        Show::TagKeys(show) => &show.scope,
        Show::TagValues(show) => &show.scope,
        Show::Cardinality(show) => &show.scope,
        _ => return None,
    };
    scope.condition.as_ref()
}
