//! Names of the groups in `ROLLUP`, `CUBE` and `GROUPING SETS`.
//!
//! Each group is a column of the answer, by the name of its expression. The engine keeps the names of
//! expressions that it says in other words, as we do; but it knows all sets as one expression, and keeps
//! the name of that. So a group such as `host || '-'` lost its own, and nothing found its column. Here
//! each gets its name as an alias, before anything is said in other words.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// Names the groups of all sets of a plan.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let named = plan.transform_up_with_subqueries(|plan| {
        if !has_sets(&plan) {
            return Ok(Transformed::no(plan));
        }
        let named = plan.map_expressions(|expr| match expr {
            Expr::GroupingSet(_) => expr.map_children(named),
            expr => expr.transform_up(told),
        })?;
        match named.transformed {
            true => named.map_data(LogicalPlan::recompute_schema),
            false => Ok(named),
        }
    })?;
    Ok(named.data)
}

fn has_sets(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => {
            matches!(&aggregate.group_expr[..], [Expr::GroupingSet(_)])
        }
        _ => false,
    }
}

/// A group by its name. Columns have theirs whatever is done to the others.
fn named(group: Expr) -> Result<Transformed<Expr>> {
    Ok(match group {
        Expr::Column(_) | Expr::Alias(_) => Transformed::no(group),
        group => {
            let (relation, name) = group.qualified_name();
            Transformed::yes(group.alias_qualified(relation, name))
        }
    })
}

/// `grouping` tells of a group by its expression, which must be that of the sets.
fn told(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(ref call) if call.func.name() == "grouping" => {
            expr.map_children(named)
        }
        expr => Ok(Transformed::no(expr)),
    }
}
