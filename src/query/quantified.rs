//! Comparisons with any or all rows of another question, as in `v >= ALL (SELECT v FROM m)`.
//!
//! The engine moves the left side into the question on the right. A column there whose table both read
//! would then be taken for that of the inside, so the inside gets a name of its own.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::SetComparison;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Subquery};

/// Names the inside of each such comparison of a plan.
///
/// # Errors
/// The inside can have no name.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut count = 0_usize;
    let named = plan.transform_up_with_subqueries(|plan| {
        plan.map_expressions(|expr| {
            expr.transform_up(|expr| match expr {
                Expr::SetComparison(comparison) => {
                    count = count.saturating_add(1);
                    named(comparison, count).map(Transformed::yes)
                }
                expr => Ok(Transformed::no(expr)),
            })
        })
    })?;
    Ok(named.data)
}

/// A comparison whose inside, or its column, has a name that no question can use. What is asked of rows
/// of the question outside cannot be moved out of an inside with a name of its own.
fn named(mut comparison: SetComparison, number: usize) -> Result<Expr> {
    let Subquery {
        subquery,
        outer_ref_columns,
        spans,
    } = comparison.subquery;
    let name = format!("__compared_{number}");
    let columns = subquery.schema().columns();
    let inside = LogicalPlanBuilder::from(Arc::unwrap_or_clone(subquery));
    let inside = match outer_ref_columns.is_empty() {
        true => inside.alias(name)?,
        false => {
            let columns = columns
                .into_iter()
                .map(|column| Expr::Column(column).alias(&name));
            inside.project(columns)?
        }
    };
    comparison.subquery = Subquery {
        subquery: Arc::new(inside.build()?),
        outer_ref_columns,
        spans,
    };
    Ok(Expr::SetComparison(comparison))
}
