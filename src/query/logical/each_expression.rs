//! The expressions of a plan: said in other words, or looked through until one is found.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Says each expression of a plan anew, those of subqueries too, the inner ones first. Columns keep
/// their names.
pub(crate) fn each_expression(
    plan: LogicalPlan,
    say: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    let said = plan.transform_up_with_subqueries(|plan| {
        let schema = merge_schema(&plan.inputs());
        let names = NamePreserver::new(&plan);
        let said = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let said = expr.transform_up(|expr| say(expr, &schema))?;
            Ok(said.update_data(|expr| name.restore(expr)))
        })?;
        match said.transformed {
            true => said.map_data(LogicalPlan::recompute_schema),
            false => Ok(said),
        }
    })?;
    Ok(said.data)
}

/// Returns true if an expression is a question about other rows, or a column of a row outside.
pub(crate) fn asks_elsewhere(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Exists(_)
            | Expr::InSubquery(_)
            | Expr::SetComparison(_)
            | Expr::ScalarSubquery(_)
            | Expr::OuterReferenceColumn(..)
    )
}

/// The first thing that is found in the expressions of a plan, those of subqueries too.
///
/// # Errors
/// The plan cannot be walked through.
pub(crate) fn find_in_plan<T>(
    plan: &LogicalPlan,
    look: impl Fn(&Expr) -> Option<T>,
) -> Result<Option<T>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        found = find_in_node(node, &look)?;
        Ok(until(&found))
    })?;
    Ok(found)
}

/// The first thing that is found in the expressions of a node.
///
/// # Errors
/// The node cannot be walked through.
pub(crate) fn find_in_node<T>(
    node: &LogicalPlan,
    look: impl Fn(&Expr) -> Option<T>,
) -> Result<Option<T>> {
    let mut found = None;
    node.apply_expressions(|expr| {
        found = find(expr, &look);
        Ok(until(&found))
    })?;
    Ok(found)
}

/// The first thing that is found in an expression and those that it is made of.
pub(crate) fn find<T>(expr: &Expr, look: impl Fn(&Expr) -> Option<T>) -> Option<T> {
    let mut found = None;
    // It looks and cannot fail.
    let _ = expr.apply(|expr| {
        found = look(expr);
        Ok(until(&found))
    });
    found
}

fn until<T>(found: &Option<T>) -> TreeNodeRecursion {
    match found {
        Some(_) => TreeNodeRecursion::Stop,
        None => TreeNodeRecursion::Continue,
    }
}
