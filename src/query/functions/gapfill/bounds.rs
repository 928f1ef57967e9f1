//! The bounds of time that the filters below a node set.
//!
//! A filter that is not understood sets none: it may only make the bounds wider than the rows.

use std::ops::RangeInclusive;

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::{DFSchemaRef, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Between, BinaryExpr, Distinct, Expr, JoinType, LogicalPlan, Operator, expr::InList,
};

/// Bounds of a time in nanoseconds, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    lower: Option<i64>,
    upper: Option<i64>,
}

/// Gives an expression its constants; the schema is the one that it is about.
pub(super) type Simplify<'a> = dyn Fn(Expr, &DFSchemaRef) -> Result<Expr> + 'a;

impl Bounds {
    const NOTHING: Self = Self {
        lower: Some(i64::MAX),
        upper: Some(i64::MIN),
    };

    /// Both bounds.
    ///
    /// # Errors
    /// One is missing, or both are.
    pub(super) fn range(self) -> Result<RangeInclusive<i64>> {
        let missing = match (self.lower, self.upper) {
            (Some(lower), Some(upper)) => return Ok(lower..=upper),
            (None, Some(_)) => "lower time bound",
            (Some(_), None) => "upper time bound",
            (None, None) => "both upper and lower time bounds",
        };
        plan_err!("gap-filling query is missing {missing}")
    }

    fn and(self, other: Self) -> Self {
        Self {
            lower: self.lower.into_iter().chain(other.lower).max(),
            upper: self.upper.into_iter().chain(other.upper).min(),
        }
    }

    fn or(self, other: Self) -> Self {
        let both = |a: Option<i64>, b: Option<i64>| a.zip(b);
        Self {
            lower: both(self.lower, other.lower).map(|(a, b)| a.min(b)),
            upper: both(self.upper, other.upper).map(|(a, b)| a.max(b)),
        }
    }

    fn all_of(bounds: impl Iterator<Item = Result<Self>>) -> Result<Self> {
        let mut bounds = bounds;
        bounds.try_fold(Self::default(), |sum, next| Ok(sum.and(next?)))
    }

    fn any_of(bounds: impl Iterator<Item = Result<Self>>) -> Result<Self> {
        let mut bounds = bounds;
        bounds.try_fold(Self::NOTHING, |sum, next| Ok(sum.or(next?)))
    }
}

/// The bounds of a column of a plan, which is named by its place.
///
/// # Errors
/// An expression has no value.
pub(super) fn of(plan: &LogicalPlan, place: usize, simplify: &Simplify<'_>) -> Result<Bounds> {
    let input = |place| match plan.inputs().as_slice() {
        [only] => of(only, place, simplify),
        _ => Ok(Bounds::default()),
    };
    let through = |expr: Option<&Expr>| match (expr.map(plain), plan.inputs().as_slice()) {
        (Some(Expr::Column(column)), [only]) => input(only.schema().index_of_column(column)?),
        _ => Ok(Bounds::default()),
    };
    let from_filter = |predicate: &Expr, schema| {
        let predicate = simplify(predicate.clone(), schema)?;
        let is_time = |expr: &Expr| match same_instant(expr) {
            Expr::Column(column) => schema.maybe_index_of_column(column) == Some(place),
            _ => false,
        };
        Ok(of_filter(&predicate, &is_time))
    };
    match plan {
        LogicalPlan::Filter(filter) => {
            Ok(from_filter(&filter.predicate, filter.input.schema())?.and(input(place)?))
        }
        LogicalPlan::TableScan(scan) => {
            let filters = scan.filters.iter();
            Bounds::all_of(filters.map(|filter| from_filter(filter, &scan.projected_schema)))
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
            Bounds::any_of(inputs.map(|input| of(input, place, simplify)))
        }
        LogicalPlan::Join(join) if join.join_type == JoinType::Inner => {
            let left = join.left.schema().fields().len();
            match place.checked_sub(left) {
                None => of(&join.left, place, simplify),
                Some(place) => of(&join.right, place, simplify),
            }
        }
        _ => Ok(Bounds::default()),
    }
}

fn of_filter(predicate: &Expr, is_time: &dyn Fn(&Expr) -> bool) -> Bounds {
    match predicate {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And => of_filter(left, is_time).and(of_filter(right, is_time)),
            Operator::Or => of_filter(left, is_time).or(of_filter(right, is_time)),
            op => match op.swap() {
                _ if is_time(left) => compare(*op, right),
                Some(op) if is_time(right) => compare(op, left),
                _ => Bounds::default(),
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
            let values = list.iter().map(|value| compare(Operator::Eq, value));
            values.fold(Bounds::NOTHING, Bounds::or)
        }
        _ => Bounds::default(),
    }
}

/// The bounds of a time that compares like this with a value.
fn compare(op: Operator, value: &Expr) -> Bounds {
    let Expr::Literal(ScalarValue::TimestampNanosecond(Some(value), _), _) = value else {
        return Bounds::default();
    };
    let (lower, upper) = match op {
        Operator::Eq => (Some(*value), Some(*value)),
        Operator::GtEq => (Some(*value), None),
        Operator::LtEq => (None, Some(*value)),
        Operator::Gt => match value.checked_add(1) {
            Some(lower) => (Some(lower), None),
            None => return Bounds::NOTHING,
        },
        Operator::Lt => match value.checked_sub(1) {
            Some(upper) => (None, Some(upper)),
            None => return Bounds::NOTHING,
        },
        _ => (None, None),
    };
    Bounds { lower, upper }
}

/// An expression without the names that it was given.
pub(super) fn plain(mut expr: &Expr) -> &Expr {
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    expr
}

/// An expression without what leaves its instant as it is: another name, or another zone.
pub(super) fn same_instant(expr: &Expr) -> &Expr {
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
            matches!(zone.as_ref(), "+00" | "+00:00" | "UTC" | "Z")
        }
        _ => false,
    }
}
