//! The bounds of time that the filters below a node set.
//!
//! A filter that is not understood sets none: it may only make the bounds wider than the rows.

use std::ops::RangeInclusive;

use datafusion::common::{DFSchemaRef, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use crate::times::{TimeBounds, plain, said, same_instant};

/// Gives an expression its constants; the schema is the one that it is about.
pub(super) type Simplify<'a> = dyn Fn(Expr, &DFSchemaRef) -> Result<Expr> + 'a;

/// The first and the last time that bounds let through.
///
/// # Errors
/// One of them is missing, or both are.
pub(super) fn range(bounds: TimeBounds) -> Result<RangeInclusive<i64>> {
    let missing = match (bounds.lower, bounds.upper) {
        (Some(lower), Some(upper)) => return Ok(lower..=upper),
        (None, Some(_)) => "lower time bound",
        (Some(_), None) => "upper time bound",
        (None, None) => "both upper and lower time bounds",
    };
    plan_err!("gap-filling query is missing {missing}")
}

/// The bounds of a column of a plan, which is named by its place.
///
/// # Errors
/// An expression has no value.
pub(super) fn of(plan: &LogicalPlan, place: usize, simplify: &Simplify<'_>) -> Result<TimeBounds> {
    let input = |place| match plan.inputs().as_slice() {
        [only] => of(only, place, simplify),
        _ => Ok(TimeBounds::default()),
    };
    let through = |expr: Option<&Expr>| match (expr.map(plain), plan.inputs().as_slice()) {
        (Some(Expr::Column(column)), [only]) => input(only.schema().index_of_column(column)?),
        _ => Ok(TimeBounds::default()),
    };
    let from_filter = |predicate: &Expr, schema| {
        let predicate = simplify(predicate.clone(), schema)?;
        let is_time = |expr: &Expr| match same_instant(expr) {
            Expr::Column(column) => schema.maybe_index_of_column(column) == Some(place),
            _ => false,
        };
        Ok(said(&predicate, &is_time).bounds)
    };
    match plan {
        LogicalPlan::Filter(filter) => {
            Ok(from_filter(&filter.predicate, filter.input.schema())?.and(input(place)?))
        }
        LogicalPlan::TableScan(scan) => {
            let filters = scan.filters.iter();
            let each = filters.map(|filter| from_filter(filter, &scan.projected_schema));
            let all: Result<Vec<TimeBounds>> = each.collect();
            Ok(all?
                .into_iter()
                .fold(TimeBounds::default(), TimeBounds::and))
        }
        LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => input(place),
        LogicalPlan::Window(window) if place < window.input.schema().fields().len() => input(place),
        LogicalPlan::Projection(projection) => through(projection.expr.get(place)),
        LogicalPlan::Aggregate(aggregate) => through(aggregate.group_expr.get(place)),
        LogicalPlan::Union(union) => {
            let inputs = union.inputs.iter();
            let each = inputs.map(|input| of(input, place, simplify));
            let all: Result<Vec<TimeBounds>> = each.collect();
            Ok(all?.into_iter().fold(TimeBounds::NOTHING, TimeBounds::or))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let left = join.left.schema().fields().len();
            match place.checked_sub(left) {
                None => of(&join.left, place, simplify),
                Some(place) => of(&join.right, place, simplify),
            }
        }
        _ => Ok(TimeBounds::default()),
    }
}
