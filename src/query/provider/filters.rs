//! The conditions that go below the merge: bounds of the time, and values of tags.
//!
//! A condition is understood as a whole or not at all, and what is understood is decided exactly, so
//! that nothing above has to decide it again.

use arrow_schema::SchemaRef;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, expr::InList};

use crate::database::{ColumnKind, TagFilter};
use crate::times::{TimeBounds, said, same_instant};

/// A condition that a scan decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The time lies within these bounds, which may let none through.
    Times(TimeBounds),
    /// A tag has one of these values.
    Tag(TagFilter),
}

/// Tells the kind of a column by its name; none if the table lacks it.
pub(super) trait Kinds {
    fn kind(&self, column: &str) -> Option<ColumnKind>;
}

/// Understands a condition; none if it has to be decided above the merge.
pub(super) fn understand(condition: &Expr, kinds: &dyn Kinds) -> Option<Condition> {
    let is_time = |expr: &Expr| {
        let column = column(same_instant(expr));
        column.and_then(|column| kinds.kind(column)) == Some(ColumnKind::Time)
    };
    let said = said(condition, &is_time);
    match said.is_all {
        true => Some(Condition::Times(said.bounds)),
        false => of_tag(condition, kinds).map(Condition::Tag),
    }
}

/// Understands a condition on one tag.
fn of_tag(condition: &Expr, kinds: &dyn Kinds) -> Option<TagFilter> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Or => either(of_tag(left, kinds)?, of_tag(right, kinds)?),
            Operator::Eq => equal(left, right, kinds).or_else(|| equal(right, left, kinds)),
            _ => None,
        },
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
fn either(mut a: TagFilter, b: TagFilter) -> Option<TagFilter> {
    if a.column != b.column {
        return None;
    }
    a.one_of.extend(b.one_of);
    Some(a)
}

fn equal(column: &Expr, value: &Expr, kinds: &dyn Kinds) -> Option<TagFilter> {
    tag(column, vec![Some(text(value)?)], kinds)
}

fn tag(expr: &Expr, one_of: Vec<Option<String>>, kinds: &dyn Kinds) -> Option<TagFilter> {
    let column = column(expr)?;
    (kinds.kind(column)? == ColumnKind::Tag).then(|| TagFilter {
        column: column.to_owned(),
        one_of,
    })
}

fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(&column.name),
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
