//! Keys of a sort that have the name of a column that they are not, as in `ORDER BY v::BIGINT, v`.
//!
//! Of groups and of distinct rows DataFusion 55.2 knows which columns follow from which, and leaves out the
//! keys of a sort that follow from those before them. It knows a key by its name, and a cast has the name of
//! what it casts: after `v::BIGINT` the group `v` counted as known, and neither it nor any aggregate was a key
//! any more. Here such a key gets a name that no column has.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, Sort, SortExpr};
use datafusion::optimizer::AnalyzerRule;

/// The rule, once types are known.
#[derive(Debug)]
pub(crate) struct SortKeys;

impl AnalyzerRule for SortKeys {
    fn name(&self) -> &str {
        "sort_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let named = plan.transform_up_with_subqueries(|node| {
            Ok(match node {
                LogicalPlan::Sort(sort) if sort.expr.len() > 1 => named(sort),
                node => Transformed::no(node),
            })
        })?;
        Ok(named.data)
    }
}

fn named(mut sort: Sort) -> Transformed<LogicalPlan> {
    let columns = sort.input.schema().field_names();
    let mut is_named = false;
    for (place, key) in sort.expr.iter_mut().enumerate() {
        if is_mistaken(&key.expr, &columns, sort.input.schema()) {
            let expr = key.expr.clone().unalias().alias(free_name(place, &columns));
            *key = SortExpr::new(expr, key.asc, key.nulls_first);
            is_named = true;
        }
    }
    Transformed::new_transformed(LogicalPlan::Sort(sort), is_named)
}

/// Returns true if a key has the name of a column that it is not.
fn is_mistaken(key: &Expr, columns: &[String], schema: &DFSchema) -> bool {
    let name = key.schema_name().to_string();
    let Some(taken_for) = columns.iter().position(|column| *column == name) else {
        return false;
    };
    match key {
        Expr::Column(column) => schema.maybe_index_of_column(column) != Some(taken_for),
        _ => true,
    }
}

fn free_name(place: usize, columns: &[String]) -> String {
    let mut name = format!("__key_{}", place.saturating_add(1));
    while columns.contains(&name) {
        name.push('_');
    }
    name
}
