//! A plan whose expressions are said in other words.

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
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
