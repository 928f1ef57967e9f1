//! The intervals into which time is cut, looked at before anything is read.
//!
//! Grafana asks for `interval '0 second'` if a panel is narrower than a second per bin. DataFusion
//! finds that out at the first row, if there is one.

use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, expr::ScalarFunction};

use crate::error::QueryError;
use crate::logical::each_expression::find_in_plan;
use crate::times::DAY_NS;

/// The length of a constant interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    /// Months have no fixed length.
    pub(super) months: i32,
    /// Days of 24 hours, and the rest, in nanoseconds.
    pub(super) rest_ns: i128,
}

impl Length {
    /// Measures an interval; none if it is none, or is not known.
    pub(super) fn of(interval: &ScalarValue) -> Option<Self> {
        let days_ns = |days: i32| i128::from(days) * i128::from(DAY_NS);
        match interval {
            ScalarValue::IntervalMonthDayNano(Some(parts)) => Some(Self {
                months: parts.months,
                rest_ns: days_ns(parts.days) + i128::from(parts.nanoseconds),
            }),
            ScalarValue::IntervalDayTime(Some(parts)) => Some(Self {
                months: 0,
                rest_ns: days_ns(parts.days) + i128::from(parts.milliseconds) * 1_000_000,
            }),
            _ => None,
        }
    }

    /// Returns true if time can be cut by it.
    fn is_positive(self) -> bool {
        (self.months, self.rest_ns) > (0, 0)
    }
}

/// Checks that no bin of a plan is without length.
///
/// # Errors
/// [`QueryError::Invalid`], with the function's name.
pub(crate) fn check(plan: &LogicalPlan) -> Result<(), QueryError> {
    let without_length = find_in_plan(plan, binned_by_nothing)?;
    without_length.map_or(Ok(()), |name| {
        Err(QueryError::Invalid(format!(
            "the interval of {name} must be longer than 0; a dashboard asks for 0 seconds if its \
             panel shows less than a second per point: ask for a longer time or for fewer points"
        )))
    })
}

/// The name of a function that cuts time by an interval of zero or less.
fn binned_by_nothing(expr: &Expr) -> Option<String> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = expr else {
        return None;
    };
    let Some(Expr::Literal(interval, _)) = args.first() else {
        return None;
    };
    let bins = func.name().starts_with("date_bin");
    let length = Length::of(interval)?;
    (bins && !length.is_positive()).then(|| func.name().to_owned())
}
