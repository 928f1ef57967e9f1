//! Questions within another that ask of a row of it, as in `EXISTS (SELECT 1 FROM n WHERE n.host = m.host)`.
//!
//! The engine moves such a condition out of the inside and joins the inside to the rows outside. It does
//! so past nodes that make other rows then: an aggregate of all rows has no row where there are none, a
//! window is of the rows for all rows outside, a limit is left out, and an outer join loses what has no
//! match. What is known without a join is said here, and where the engine would be wrong it is refused.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchemaRef, JoinType, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    Aggregate, Distinct, Expr, FetchType, Limit, LogicalPlan, SkipType,
};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

const CUT: &str = "LIMIT or OFFSET";

const AGGREGATE: &str = "aggregate of all its rows";

/// Where an inside is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In a comparison with any or all of its rows.
    Compared,
    /// Behind `IN`, as a join.
    Listed,
    Exists,
    /// In the place of a value or, behind `LATERAL`, of a table.
    Value,
}

/// Checks an inside of which any or all rows are compared.
///
/// # Errors
/// It asks of a row outside what cannot be moved out of it.
pub(crate) fn check_compared(inside: &LogicalPlan) -> Result<()> {
    check(inside, Place::Compared)
}

/// Checks an inside to whose rows those outside are joined that are among them.
///
/// # Errors
/// It asks of a row outside what cannot be moved out of it.
pub(crate) fn check_listed(inside: &LogicalPlan) -> Result<()> {
    if !asks(inside) {
        return Ok(());
    }
    let Some(OfNone { rows, row }) = of_none(inside)? else {
        return check(inside, Place::Listed);
    };
    let value = row.as_ref().map(|row| row.first().cloned().flatten());
    let is_found = value.is_some_and(|value| value.is_none_or(|value| !value.is_null()));
    if is_found {
        return refuse(Place::Listed, AGGREGATE);
    }
    check(rows, Place::Listed)
}

/// Checks an inside in the place of a value or a table.
///
/// # Errors
/// It asks of a row outside what cannot be moved out of it.
pub(crate) fn check_value(inside: &LogicalPlan) -> Result<()> {
    let mut node = inside;
    loop {
        node = match node {
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::Limit(limit) if cut(limit)? == Cut::None => &limit.input,
            // The engine adds the row where there are none.
            LogicalPlan::Aggregate(aggregate) if is_of_all(aggregate) => {
                return check(&aggregate.input, Place::Value);
            }
            other => match same_rows(other) {
                Some(input) => input,
                None => return check(inside, Place::Value),
            },
        };
    }
}

/// Whether an inside has rows, if that is known of every row outside.
///
/// # Errors
/// It asks of a row outside what cannot be moved out of it.
pub(crate) fn exists(inside: &LogicalPlan) -> Result<Option<bool>> {
    if !asks(inside) {
        return Ok(None);
    }
    let mut node = inside;
    loop {
        node = match node {
            LogicalPlan::Window(window) => &window.input,
            LogicalPlan::Limit(limit) => match cut(limit)? {
                Cut::All => return Ok(Some(false)),
                Cut::Some => return refuse(Place::Exists, CUT),
                Cut::None => &limit.input,
            },
            LogicalPlan::Aggregate(aggregate) if is_of_all(aggregate) => return Ok(Some(true)),
            other => match same_rows(other) {
                Some(input) => input,
                None => break,
            },
        };
    }
    match of_none(node)? {
        Some(OfNone { row: Some(_), .. }) => refuse(Place::Exists, AGGREGATE),
        Some(OfNone { rows, row: None }) => check(rows, Place::Exists).map(|()| None),
        None => check(node, Place::Exists).map(|()| None),
    }
}

/// An inside of which it only counts whether it has rows, without an order: the engine moves nothing out
/// of one.
pub(crate) fn without_order(inside: LogicalPlan) -> Result<LogicalPlan> {
    let unordered = inside.transform_down(|node| match node {
        LogicalPlan::Sort(sort) => Ok(Transformed::yes(Arc::unwrap_or_clone(sort.input))),
        LogicalPlan::Limit(_) => Ok(Transformed::no(node)),
        node => {
            let recursion = match same_rows(&node) {
                Some(_) => TreeNodeRecursion::Continue,
                None => TreeNodeRecursion::Jump,
            };
            Ok(Transformed::new(node, false, recursion))
        }
    })?;
    Ok(unordered.data)
}

/// Returns true if an inside has a row whatever there is.
pub(crate) fn has_row(inside: &LogicalPlan) -> bool {
    let mut node = inside;
    loop {
        node = match node {
            LogicalPlan::Aggregate(aggregate) => return is_of_all(aggregate),
            LogicalPlan::EmptyRelation(relation) => return relation.produce_one_row,
            other => match same_rows(other) {
                Some(input) => input,
                None => return false,
            },
        };
    }
}

fn asks(node: &LogicalPlan) -> bool {
    !node.all_out_ref_exprs().is_empty()
}

fn is_of_all(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.is_empty()
}

/// The input of a node that has rows where its input has.
fn same_rows(node: &LogicalPlan) -> Option<&LogicalPlan> {
    match node {
        LogicalPlan::Projection(projection) => Some(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => Some(&alias.input),
        LogicalPlan::Sort(sort) => Some(&sort.input),
        LogicalPlan::Distinct(Distinct::All(input)) => Some(input),
        _ => None,
    }
}

/// Which rows a limit cuts off, if only one matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    All,
    /// Some of them, or as many as is not known yet.
    Some,
    None,
}

fn cut(limit: &Limit) -> Result<Cut> {
    Ok(match (limit.get_skip_type()?, limit.get_fetch_type()?) {
        (_, FetchType::Literal(Some(0))) => Cut::All,
        (SkipType::Literal(0), FetchType::Literal(_)) => Cut::None,
        _ => Cut::Some,
    })
}

/// What an aggregate of all rows makes where there are none.
struct OfNone<'a> {
    /// The rows that are aggregated.
    rows: &'a LogicalPlan,
    /// The row, if any, as far as its values are known.
    row: Option<Vec<Option<ScalarValue>>>,
}

/// What comes of no rows, if all are aggregated.
fn of_none(plan: &LogicalPlan) -> Result<Option<OfNone<'_>>> {
    match plan {
        LogicalPlan::Aggregate(aggregate) if is_of_all(aggregate) => {
            let fields = aggregate.schema.fields().iter();
            let calls = aggregate.aggr_expr.iter().zip(fields);
            let row = calls.map(|(call, field)| match call.clone().unalias() {
                Expr::AggregateFunction(call) => call.func.default_value(field.data_type()).ok(),
                _ => None,
            });
            Ok(Some(OfNone {
                rows: &aggregate.input,
                row: Some(row.collect()),
            }))
        }
        LogicalPlan::Projection(projection) => {
            let schema = projection.input.schema();
            Ok(of_none(&projection.input)?.map(|of| OfNone {
                row: of.row.map(|row| {
                    let values = projection.expr.iter();
                    values.map(|expr| value(expr, schema, &row)).collect()
                }),
                ..of
            }))
        }
        LogicalPlan::Filter(filter) => {
            let schema = filter.input.schema();
            Ok(of_none(&filter.input)?.map(|of| OfNone {
                row: of.row.filter(|row| {
                    let passes = value(&filter.predicate, schema, row);
                    !matches!(passes, Some(ScalarValue::Boolean(None | Some(false))))
                }),
                ..of
            }))
        }
        other => same_rows(other).map_or(Ok(None), of_none),
    }
}

/// What an expression is of a row, if that is known.
fn value(expr: &Expr, schema: &DFSchemaRef, row: &[Option<ScalarValue>]) -> Option<ScalarValue> {
    let known = expr.clone().unalias().transform_up(|expr| {
        let Expr::Column(column) = &expr else {
            return Ok(Transformed::no(expr));
        };
        let place = schema.maybe_index_of_column(column);
        let value = place.and_then(|place| row.get(place).cloned().flatten());
        Ok(match value {
            Some(value) => Transformed::yes(Expr::Literal(value, None)),
            None => Transformed::no(expr),
        })
    });
    let context = SimplifyContext::builder().with_schema(Arc::clone(schema));
    let simplifier = ExprSimplifier::new(context.build());
    let coerced = simplifier.coerce(known.ok()?.data, schema).ok()?;
    match simplifier.simplify(coerced).ok()? {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// Refuses what the engine would move out of an inside past what depends on the rows that are left.
fn check(inside: &LogicalPlan, place: Place) -> Result<()> {
    inside.apply(|node| {
        if !asks(node) {
            return Ok(TreeNodeRecursion::Jump);
        }
        match obstacle(node, place)? {
            Some(what) => refuse(place, what),
            None => Ok(TreeNodeRecursion::Continue),
        }
    })?;
    Ok(())
}

/// What a condition cannot be moved past.
fn obstacle(node: &LogicalPlan, place: Place) -> Result<Option<&'static str>> {
    Ok(match node {
        LogicalPlan::Limit(_) => Some(CUT),
        LogicalPlan::Window(_) => Some("window"),
        LogicalPlan::Sort(_) => Some("ORDER BY"),
        LogicalPlan::Union(_) => Some("UNION"),
        LogicalPlan::RecursiveQuery(_) => Some("WITH RECURSIVE"),
        LogicalPlan::Distinct(Distinct::On(_)) => Some("DISTINCT ON"),
        LogicalPlan::Aggregate(aggregate) => match &aggregate.group_expr[..] {
            [] | [Expr::GroupingSet(_)] => Some(AGGREGATE),
            _ => None,
        },
        LogicalPlan::Join(join) => {
            let (left, right) = kept_sides(join.join_type);
            if !left && asks(&join.left) || !right && asks(&join.right) {
                return Ok(Some("outer join, INTERSECT or EXCEPT around what asks"));
            }
            // The engine leaves out limits once it has found such a condition, wherever they are.
            let leaves_out = matches!(place, Place::Compared | Place::Exists);
            let is_cut = leaves_out && asks(&join.left) && has_limit(&join.right)?;
            is_cut.then_some(CUT)
        }
        _ => None,
    })
}

/// The sides of a join of which every row that passes a condition is as good before as after it.
fn kept_sides(join: JoinType) -> (bool, bool) {
    match join {
        JoinType::Inner => (true, true),
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => {
            (true, false)
        }
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
            (false, true)
        }
        JoinType::Full => (false, false),
    }
}

fn has_limit(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| Ok(matches!(node, LogicalPlan::Limit(_))))
}

fn refuse<T>(place: Place, what: &str) -> Result<T> {
    let inside = match place {
        Place::Compared => "behind NOT IN, ANY or ALL, or behind IN within a larger condition,",
        Place::Listed => "behind IN",
        Place::Exists => "behind EXISTS",
        Place::Value => "in the place of a value or behind LATERAL",
    };
    let instead = match what == AGGREGATE && place != Place::Value {
        true => "compare with the value itself, as in 0 = (SELECT count(*) …), or join the tables",
        false => "join the tables",
    };
    plan_err!("a SELECT {inside} that asks of a row outside can have no {what}: {instead}")
}
