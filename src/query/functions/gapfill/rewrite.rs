//! The rewriting of a question as it was planned: the node above the aggregate, and a column of it in
//! the place of each call of `locf` and `interpolate`.
//!
//! It needs no values of parameters and looks at no bounds.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection, ScalarUDFImpl};

use super::calls::{Fill, FillCall, GapBin};
use super::node::{GapFill, Layout};
use crate::logical::each_expression::find;
use crate::times::plain;

/// Rewrites a question. One without gaps to fill stays as it is.
///
/// # Errors
/// A function stands where it means nothing.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut is_plain = true;
    plan.apply_with_subqueries(|node| {
        is_plain &= !mentions(&node.expressions());
        Ok(TreeNodeRecursion::Continue)
    })?;
    if is_plain {
        return Ok(plan);
    }
    let rewritten =
        plan.transform_up_with_subqueries(|node| Ok(Transformed::yes(rewrite_node(node)?)))?;
    Ok(rewritten.data)
}

/// Rewrites a node above inputs that are rewritten already.
fn rewrite_node(plan: LogicalPlan) -> Result<LogicalPlan> {
    let plan = match plan {
        LogicalPlan::Aggregate(aggregate) if mentions(&aggregate.group_expr) => fill(aggregate)?,
        // Columns below it may be null since they were rewritten.
        plan @ (LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::SubqueryAlias(_)) => pull(plan.recompute_schema()?)?,
        plan => pull(plan)?,
    };
    match stray(&plan.expressions()) {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

/// Returns true if one of our functions is called in an expression.
fn mentions(exprs: &[Expr]) -> bool {
    stray(exprs).is_some()
}

/// The complaint about one of our functions that is called in an expression.
fn stray(exprs: &[Expr]) -> Option<DataFusionError> {
    let misplaced = |expr: &Expr| match gap_bin(expr) {
        Some((bin, _)) => Some(bin.misplaced()),
        None => fill_call(expr).map(|(call, _)| call.misplaced()),
    };
    exprs.iter().find_map(|expr| find(expr, misplaced))
}

fn gap_bin(expr: &Expr) -> Option<(&GapBin, &ScalarFunction)> {
    match expr {
        Expr::ScalarFunction(call) => Some((call.func.inner().downcast_ref()?, call)),
        _ => None,
    }
}

fn fill_call(expr: &Expr) -> Option<(&FillCall, &Expr)> {
    match expr {
        Expr::ScalarFunction(call) => Some((call.func.inner().downcast_ref()?, call.args.first()?)),
        _ => None,
    }
}

/// Puts the node above an aggregate by a function that fills gaps.
fn fill(aggregate: Aggregate) -> Result<LogicalPlan> {
    let Aggregate {
        input,
        mut group_expr,
        aggr_expr,
        schema,
        ..
    } = aggregate;
    if let Some(Expr::GroupingSet(_)) = group_expr.first() {
        return plan_err!(
            "gaps are not filled over GROUPING SETS, ROLLUP and CUBE: write one GROUP BY per question"
        );
    }
    let mut places = (0..).zip(&group_expr);
    let found = places.find_map(|(place, expr)| Some((place, gap_bin(plain(expr))?)));
    let (bin, replacement) = match found {
        Some((bin, (gap_bin, call))) => {
            let (relation, field) = schema.qualified_field(bin);
            let call = ScalarFunction::new_udf(gap_bin.bin().clone(), call.args.clone());
            let call = Expr::ScalarFunction(call).alias_qualified(relation.cloned(), field.name());
            (bin, call)
        }
        None => return Err(stray(&group_expr).unwrap_or_else(nowhere)),
    };
    if let Some(expr) = group_expr.get_mut(bin) {
        *expr = replacement;
    }
    let layout = Layout {
        bin,
        groups: group_expr.len(),
        fills: vec![Fill::Null; aggr_expr.len()],
    };
    let aggregate = LogicalPlan::Aggregate(Aggregate::try_new(input, group_expr, aggr_expr)?);
    // One that is still there is a second one, or stands inside of another expression.
    match stray(&aggregate.expressions()) {
        Some(error) => Err(error),
        None => Ok(GapFill::new(aggregate, layout, None)?.plan()),
    }
}

fn nowhere() -> DataFusionError {
    DataFusionError::Internal("a group that fills gaps has no function that does".to_owned())
}

/// Replaces the calls in a node's expressions by columns of the node that fills gaps, which stands
/// below it.
fn pull(plan: LogicalPlan) -> Result<LogicalPlan> {
    let exprs = plan.expressions();
    let [input] = plan.inputs()[..] else {
        return Ok(plan);
    };
    if !mentions(&exprs) {
        return Ok(plan);
    }
    let mut input = input.clone();
    let names = NamePreserver::new(&plan);
    let pulled = exprs.into_iter().map(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_down(|expr| {
            let Some((call, argument)) = fill_call(&expr) else {
                return Ok(Transformed::no(expr));
            };
            let Some((wider, column)) = add(&input, call, argument)? else {
                return Err(call.misplaced());
            };
            input = wider;
            let column = Expr::Column(column);
            Ok(Transformed::new(column, true, TreeNodeRecursion::Jump))
        })?;
        Ok(name.restore(expr.data))
    });
    let pulled = pulled.collect::<Result<Vec<_>>>()?;
    let columns = plan.schema().columns().into_iter();
    let columns: Vec<Expr> = columns.map(Expr::Column).collect();
    let has_own_columns = matches!(plan, LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_));
    let plan = plan.with_new_exprs(pulled, vec![input])?;
    if has_own_columns {
        return Ok(plan);
    }
    // It hands on what it gets: the columns that it has got now are not for those above it.
    Ok(LogicalPlan::Projection(Projection::try_new(
        columns,
        plan.into(),
    )?))
}

/// Adds a filled column to the rows of a plan, and names it; none if they are not those of an
/// aggregate whose gaps are filled.
fn add(
    plan: &LogicalPlan,
    call: &FillCall,
    argument: &Expr,
) -> Result<Option<(LogicalPlan, Column)>> {
    if let Some(node) = GapFill::of(plan) {
        return widen(node, call, argument);
    }
    let argument = match plan {
        LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) => argument.clone(),
        LogicalPlan::Projection(projection) => below(projection, argument)?,
        _ => return Ok(None),
    };
    let [input] = plan.inputs()[..] else {
        return Ok(None);
    };
    let Some((wider, column)) = add(input, call, &argument)? else {
        return Ok(None);
    };
    let mut exprs = plan.expressions();
    if matches!(plan, LogicalPlan::Projection(_)) && !plan.schema().has_column(&column) {
        exprs.push(Expr::Column(column.clone()));
    }
    let plan = plan.with_new_exprs(exprs, vec![wider])?;
    Ok(Some((plan, column)))
}

/// An expression about the columns of a projection, as one about the columns below it.
fn below(projection: &Projection, expr: &Expr) -> Result<Expr> {
    let expr = expr.clone().transform_down(|expr| match &expr {
        Expr::Column(column) => {
            let place = projection.schema.maybe_index_of_column(column);
            let below = place
                .and_then(|place| projection.expr.get(place))
                .map(plain);
            Ok(match below {
                Some(below) => Transformed::new(below.clone(), true, TreeNodeRecursion::Jump),
                None => Transformed::no(expr),
            })
        }
        _ => Ok(Transformed::no(expr)),
    })?;
    Ok(expr.data)
}

/// Adds a filled column to those of the node, unless it has it.
fn widen(
    node: &GapFill,
    call: &FillCall,
    argument: &Expr,
) -> Result<Option<(LogicalPlan, Column)>> {
    let below = node.input.schema();
    let places = argument.column_refs().into_iter();
    let places = places.map(|column| below.maybe_index_of_column(column));
    match places.collect::<Option<Vec<usize>>>() {
        Some(places) if places.iter().any(|place| *place >= node.layout.groups) => {}
        _ => return Ok(None),
    }
    call.check(argument, below)?;
    // Not the name in a schema, which says nothing of casts.
    let name = format!("{}({argument})", call.name());
    let column = Column::new_unqualified(&name);
    if below.has_column(&column) {
        return Ok(Some((node.clone().plan(), column)));
    }
    let (mut exprs, rows) = match &node.input {
        LogicalPlan::Projection(projection) => (projection.expr.clone(), projection.input.clone()),
        aggregate => {
            let columns = below.columns().into_iter();
            let columns = columns.map(Expr::Column).collect();
            (columns, aggregate.clone().into())
        }
    };
    exprs.push(argument.clone().alias(name));
    let input = LogicalPlan::Projection(Projection::try_new(exprs, rows)?);
    let mut layout = node.layout.clone();
    layout.fills.push(call.fill());
    Ok(Some((GapFill::new(input, layout, None)?.plan(), column)))
}
