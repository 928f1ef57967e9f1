//! What the places of parameters ask for.

use std::collections::BTreeMap;

use arrow_schema::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The parameters of a plan, with the type that their places ask for, if they agree.
///
/// The engine takes `$1 + INTERVAL '1 day'` for a sum of two intervals; it may as well be of a time. So what
/// another place asks for counts.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn of(plan: &LogicalPlan) -> Result<BTreeMap<String, Option<DataType>>> {
    let mut asked: BTreeMap<String, Vec<DataType>> = BTreeMap::new();
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::Placeholder(Placeholder { id, field }) = expr {
                    let types = asked.entry(id.clone()).or_default();
                    types.extend(field.iter().map(|field| field.data_type().clone()));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    let agreed = asked.into_iter().map(|(id, types)| (id, agreed(types)));
    Ok(agreed.collect())
}

fn agreed(mut types: Vec<DataType>) -> Option<DataType> {
    let is_interval = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
    if !types.iter().all(is_interval) {
        types.retain(|data_type| !is_interval(data_type));
    }
    types.dedup();
    match <[DataType; 1]>::try_from(types) {
        Ok([data_type]) => Some(data_type),
        Err(_) => None,
    }
}
