//! The conditions that go below the merge: bounds of the time, and values of tags.
//!
//! A condition is understood as a whole or not at all, and what is understood is decided exactly, so
//! that nothing above has to decide it again.

use std::ops::RangeInclusive;

use arrow_schema::{DataType, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList};

use crate::database::{ColumnKind, TagFilter};

/// A condition that a scan decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The time lies in this range, nanoseconds, both ends included. It may be empty.
    Times(RangeInclusive<i64>),
    /// A tag has one of these values.
    Tag(TagFilter),
}

/// Every time.
pub(super) const ALL_TIMES: RangeInclusive<i64> = i64::MIN..=i64::MAX;

/// No time.
fn no_times() -> RangeInclusive<i64> {
    RangeInclusive::new(i64::MAX, i64::MIN)
}

/// The times that are in both ranges.
pub(super) fn intersect(a: &RangeInclusive<i64>, b: &RangeInclusive<i64>) -> RangeInclusive<i64> {
    *a.start().max(b.start())..=*a.end().min(b.end())
}

/// Tells the kind of a column by its name; none if the table lacks it.
pub(super) trait Kinds {
    fn kind(&self, column: &str) -> Option<ColumnKind>;
}

/// Understands a condition; none if it has to be decided above the merge.
pub(super) fn understand(condition: &Expr, kinds: &dyn Kinds) -> Option<Condition> {
    match condition {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => either(understand(left, kinds)?, understand(right, kinds)?),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            compare(left, *op, right, kinds).or_else(|| compare(right, op.swap()?, left, kinds))
        }
        Expr::Between(Between {
            expr,
            negated: false,
            low,
            high,
        }) => {
            is_time(expr, kinds)?;
            Some(Condition::Times(time(low)?..=time(high)?))
        }
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => {
            let one_of: Option<Vec<_>> = list.iter().map(|value| text(value).map(Some)).collect();
            tag(expr, one_of?, kinds)
        }
        Expr::IsNull(expr) => tag(expr, vec![None], kinds),
        _ => None,
    }
}

/// Understands that one of two conditions holds, if both are on the same tag.
fn either(a: Condition, b: Condition) -> Option<Condition> {
    match (a, b) {
        (Condition::Tag(mut a), Condition::Tag(b)) if a.column == b.column => {
            a.one_of.extend(b.one_of);
            Some(Condition::Tag(a))
        }
        _ => None,
    }
}

fn compare(column: &Expr, op: Operator, value: &Expr, kinds: &dyn Kinds) -> Option<Condition> {
    if op == Operator::Eq
        && let Some(value) = text(value)
    {
        return tag(column, vec![Some(value)], kinds);
    }
    is_time(column, kinds)?;
    let value = time(value)?;
    let times = match op {
        Operator::Eq => value..=value,
        Operator::GtEq => value..=i64::MAX,
        Operator::LtEq => i64::MIN..=value,
        Operator::Gt => value
            .checked_add(1)
            .map_or_else(no_times, |start| start..=i64::MAX),
        Operator::Lt => value
            .checked_sub(1)
            .map_or_else(no_times, |end| i64::MIN..=end),
        _ => return None,
    };
    Some(Condition::Times(times))
}

fn is_time(expr: &Expr, kinds: &dyn Kinds) -> Option<()> {
    let expr = match expr {
        Expr::Cast(cast) if is_same_instant(cast.field.data_type()) => &*cast.expr,
        expr => expr,
    };
    (kinds.kind(column(expr)?)? == ColumnKind::Time).then_some(())
}

/// Returns true if a time cast to this type still counts nanoseconds of UTC: DataFusion casts the
/// column to compare it with a time that has a zone.
fn is_same_instant(cast: &DataType) -> bool {
    match cast {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => is_utc(zone.as_deref()),
        _ => false,
    }
}

fn is_utc(zone: Option<&str>) -> bool {
    matches!(zone, None | Some("+00:00" | "UTC" | "Etc/UTC" | "Z"))
}

fn tag(expr: &Expr, one_of: Vec<Option<String>>, kinds: &dyn Kinds) -> Option<Condition> {
    let column = column(expr)?;
    (kinds.kind(column)? == ColumnKind::Tag).then(|| {
        Condition::Tag(TagFilter {
            column: column.to_owned(),
            one_of,
        })
    })
}

fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(&column.name),
        _ => None,
    }
}

/// A time in nanoseconds, of the type that the column has or is cast to: everything else was made
/// one of it before, or is compared above the merge.
fn time(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::TimestampNanosecond(Some(time_ns), zone), _)
            if is_utc(zone.as_deref()) =>
        {
            Some(*time_ns)
        }
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<String> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::Dictionary(_, value) => value.try_as_str().flatten().map(str::to_owned),
        value => value.try_as_str().flatten().map(str::to_owned),
    }
}

impl Kinds for SchemaRef {
    fn kind(&self, column: &str) -> Option<ColumnKind> {
        crate::kinds::of(self.field_with_name(column).ok()?)
    }
}
