//! Conditions that two columns of a table are equal, said so that nothing is concluded from them.
//!
//! From `host = dc` DataFusion 55.2 concludes that rows sorted by one are sorted by the other. Where
//! files and memory are read side by side, one of both knows that and the other does not, and it refuses
//! its own plan: "does not satisfy order requirements". `host IS NOT NULL AND host IS NOT DISTINCT FROM
//! dc` says the same about rows, and nothing is concluded.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator, binary_expr};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The rule, after those that make joins of such conditions.
#[derive(Debug)]
pub(crate) struct EqualColumns;

impl OptimizerRule for EqualColumns {
    fn name(&self) -> &'static str {
        "equal_columns"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        plan.transform_up_with_subqueries(|plan| {
            let LogicalPlan::Filter(filter) = &plan else {
                return Ok(Transformed::no(plan));
            };
            let parts = split_conjunction(&filter.predicate);
            let is_of_table = matches!(&*filter.input, LogicalPlan::TableScan(_));
            if !is_of_table || !parts.iter().any(|part| columns(part).is_some()) {
                return Ok(Transformed::no(plan));
            }
            let parts = parts.into_iter().map(|part| match columns(part) {
                Some((left, right)) => {
                    let same =
                        binary_expr(left.clone(), Operator::IsNotDistinctFrom, right.clone());
                    left.clone().is_not_null().and(same)
                }
                None => part.clone(),
            });
            let predicate = conjunction(parts).unwrap_or_else(|| filter.predicate.clone());
            let filter = Filter::try_new(predicate, Arc::clone(&filter.input))?;
            Ok(Transformed::yes(LogicalPlan::Filter(filter)))
        })
    }
}

/// The two columns that a condition wants to be equal.
fn columns(condition: &Expr) -> Option<(&Expr, &Expr)> {
    match condition {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => match (&**left, &**right) {
            (left @ Expr::Column(_), right @ Expr::Column(_)) => Some((left, right)),
            _ => None,
        },
        _ => None,
    }
}
