//! The bounds that a condition sets for a time.
//!
//! A scan asks it which conditions it can decide, and the bins with filled gaps where the first and
//! the last of them are: both read the same forms.

use std::ops::RangeInclusive;

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList};

/// The length of a day, in nanoseconds.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// Bounds of a time in nanoseconds, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TimeBounds {
    /// Absent if any time may be the first.
    pub(crate) lower: Option<i64>,
    /// Absent if any time may be the last.
    pub(crate) upper: Option<i64>,
}

impl TimeBounds {
    /// Those of no time.
    pub(crate) const NOTHING: Self = Self {
        lower: Some(i64::MAX),
        upper: Some(i64::MIN),
    };

    /// The bounds of what both let through.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            lower: self.lower.into_iter().chain(other.lower).max(),
            upper: self.upper.into_iter().chain(other.upper).min(),
        }
    }

    /// The bounds of what either lets through: what is between them may pass too.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        let both = |a: Option<i64>, b: Option<i64>| a.zip(b);
        Self {
            lower: both(self.lower, other.lower).map(|(a, b)| a.min(b)),
            upper: both(self.upper, other.upper).map(|(a, b)| a.max(b)),
        }
    }

    /// The times within the bounds.
    pub(crate) fn times(self) -> RangeInclusive<i64> {
        self.lower.unwrap_or(i64::MIN)..=self.upper.unwrap_or(i64::MAX)
    }
}

/// What a condition says of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// No time outside of them passes.
    pub(crate) bounds: TimeBounds,
    /// True if every time within them passes, whatever else is in the row.
    pub(crate) is_all: bool,
}

impl Said {
    /// What is said by a condition that is not understood.
    const NOTHING: Self = Self {
        bounds: TimeBounds {
            lower: None,
            upper: None,
        },
        is_all: false,
    };

    fn and(self, other: Self) -> Self {
        Self {
            bounds: self.bounds.and(other.bounds),
            is_all: self.is_all && other.is_all,
        }
    }
}

/// What a condition says of the time that `is_time` knows.
pub(crate) fn said(condition: &Expr, is_time: &dyn Fn(&Expr) -> bool) -> Said {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => said(left, is_time).and(said(right, is_time)),
            Operator::Or => Said {
                bounds: said(left, is_time).bounds.or(said(right, is_time).bounds),
                is_all: false,
            },
            op => match op.swap() {
                _ if is_time(left) => compare(*op, right),
                Some(op) if is_time(right) => compare(op, left),
                _ => Said::NOTHING,
            },
        },
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) if is_time(expr) => compare(Operator::GtEq, low).and(compare(Operator::LtEq, high)),
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) if is_time(expr) => {
            let values = list.iter().map(|value| compare(Operator::Eq, value).bounds);
            Said {
                bounds: values.fold(TimeBounds::NOTHING, TimeBounds::or),
                is_all: false,
            }
        }
        _ => Said::NOTHING,
    }
}

/// What is said of a time that compares like this with a value.
fn compare(op: Operator, value: &Expr) -> Said {
    let Expr::Literal(ScalarValue::TimestampNanosecond(Some(value), _), _) = value else {
        return Said::NOTHING;
    };
    let bounds = |lower, upper| TimeBounds { lower, upper };
    let after = |next: Option<i64>| next.map(|lower| bounds(Some(lower), None));
    let before = |last: Option<i64>| last.map(|upper| bounds(None, Some(upper)));
    let bounds = match op {
        Operator::Eq => Some(bounds(Some(*value), Some(*value))),
        Operator::GtEq => after(Some(*value)),
        Operator::LtEq => before(Some(*value)),
        Operator::Gt => after(value.checked_add(1)),
        Operator::Lt => before(value.checked_sub(1)),
        _ => return Said::NOTHING,
    };
    Said {
        bounds: bounds.unwrap_or(TimeBounds::NOTHING),
        is_all: true,
    }
}

/// An expression without the names that it was given.
pub(crate) fn plain(mut expr: &Expr) -> &Expr {
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    expr
}

/// An expression without what leaves its instant as it is: another name, or another zone.
pub(crate) fn same_instant(expr: &Expr) -> &Expr {
    match plain(expr) {
        Expr::ScalarFunction(call) if call.func.name() == "tz" => {
            call.args.first().map_or(expr, same_instant)
        }
        Expr::Cast(cast) if is_utc(cast.field.data_type()) => same_instant(&cast.expr),
        other => other,
    }
}

/// Returns true for times in nanoseconds that carry the zone of UTC: a time without a zone is read as
/// one of UTC on its way there, and one with any zone keeps its instant.
fn is_utc(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) => {
            matches!(zone.as_ref(), "+00" | "+00:00" | "UTC" | "Etc/UTC" | "Z")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::common::ScalarValue;
    use datafusion::logical_expr::{Expr, col, lit};

    use super::{Said, TimeBounds, said};

    fn at(time_ns: i64) -> Expr {
        lit(ScalarValue::TimestampNanosecond(Some(time_ns), None))
    }

    fn of(condition: &Expr) -> Said {
        said(condition, &|expr| *expr == col("time"))
    }

    #[test]
    fn a_condition_is_exact_only_if_it_says_nothing_but_its_bounds() {
        let time = || col("time");
        let bounds = |lower, upper| TimeBounds { lower, upper };
        for (condition, expected, is_all) in [
            (time().gt(at(3)), bounds(Some(4), None), true),
            (at(3).gt_eq(time()), bounds(None, Some(3)), true),
            (time().gt(at(i64::MAX)), TimeBounds::NOTHING, true),
            (time().lt(at(i64::MIN)), TimeBounds::NOTHING, true),
            (time().between(at(1), at(5)), bounds(Some(1), Some(5)), true),
            (
                time().gt(at(1)).and(time().lt(at(5))),
                bounds(Some(2), Some(4)),
                true,
            ),
            (
                time().gt(at(1)).and(col("host").eq(lit("a"))),
                bounds(Some(2), None),
                false,
            ),
            (
                time().eq(at(1)).or(time().eq(at(5))),
                bounds(Some(1), Some(5)),
                false,
            ),
            (
                time().in_list(vec![at(5), at(1)], false),
                bounds(Some(1), Some(5)),
                false,
            ),
            (time().not_eq(at(1)), TimeBounds::default(), false),
            (time().gt(col("other")), TimeBounds::default(), false),
        ] {
            let found = of(&condition);
            assert_eq!(
                (found.bounds, found.is_all),
                (expected, is_all),
                "{condition}"
            );
        }
        assert!(TimeBounds::NOTHING.times().is_empty());
    }
}
