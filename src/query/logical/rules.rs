//! The rules that optimize a plan, chosen by what the plan holds.
//!
//! DataFusion runs each of its rules over each plan, and again until nothing changes. Most of
//! them look for joins, subqueries or unions, of which a question about a range of time has none, and
//! one makes every aggregate anew to find that no key of it is there twice. A rule of the [table](NEEDS)
//! is left out where the plan has nothing that it acts on, and no other rule makes such a thing of what
//! the plan has. A rule that is not in the table always runs, such as one that a newer DataFusion has.
//!
//! The plan that comes out is the same: each question of the tests is optimized in both ways.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use datafusion::optimizer::{Optimizer, OptimizerConfig, OptimizerRule};

use crate::logical::each_expression::{asks_elsewhere, find_in_node};

/// A rule of an optimizer.
type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// What a plan may hold that rules look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Union,
    /// `SELECT DISTINCT`.
    Distinct,
    /// An aggregate of distinct values.
    DistinctValues,
    Limit,
    /// A sort or a grouping by more than one expression.
    Keys,
    /// A join, a subquery in an expression, or a node that is none of these and none of the plainest.
    /// Rules make anything of them.
    Other,
}

/// The parts of which a rule needs one to do anything. All rules run where there are [others](Part::Other).
const NEEDS: &[(&str, &[Part])] = &[
    ("resolve_bins", &[]),
    ("rewrite_set_comparison", &[]),
    ("optimize_unions", &[Part::Union]),
    ("unions_to_filter", &[Part::Union]),
    ("replace_distinct_aggregate", &[Part::Distinct]),
    ("eliminate_join", &[]),
    ("computed_sides", &[]),
    ("decorrelate_predicate_subquery", &[]),
    ("scalar_subquery_to_join", &[]),
    ("decorrelate_lateral_join", &[]),
    ("extract_equijoin_predicate", &[]),
    ("eliminate_duplicated_expr", &[Part::Keys]),
    ("eliminate_cross_join", &[]),
    ("eliminate_limit", &[Part::Limit]),
    ("filter_null_join_keys", &[]),
    ("eliminate_outer_join", &[]),
    ("push_down_limit", &[Part::Limit]),
    (
        "single_distinct_aggregation_to_group_by",
        &[Part::DistinctValues],
    ),
];

/// Optimizes a plan whose types are settled by those of the rules that may change it.
///
/// # Errors
/// A rule fails.
pub(crate) fn optimize(
    plan: LogicalPlan,
    all: &Optimizer,
    config: &dyn OptimizerConfig,
) -> Result<LogicalPlan> {
    let chosen = Optimizer::with_rules(chosen(&plan, &all.rules)?);
    #[cfg(test)]
    let given = plan.clone();
    let optimized = chosen.optimize(plan, config, |_, _| {})?;
    #[cfg(test)]
    tests::assert_same(given, &optimized, all, config);
    Ok(optimized)
}

/// Returns the rules that may change a plan, in their order.
fn chosen(plan: &LogicalPlan, all: &[Rule]) -> Result<Vec<Rule>> {
    let parts = parts(plan)?;
    let runs = |rule: &&Rule| {
        let listed = NEEDS.iter().find(|(name, _)| *name == rule.name());
        listed.is_none_or(|(_, needs)| needs.iter().any(|need| parts.contains(need)))
    };
    if parts.contains(&Part::Other) {
        return Ok(all.to_vec());
    }
    Ok(all.iter().filter(runs).cloned().collect())
}

/// What a plan holds, and what rules make of it.
fn parts(plan: &LogicalPlan) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    plan.apply(|node| {
        parts.extend_from_slice(parts_of(node)?);
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(parts)
}

fn parts_of(node: &LogicalPlan) -> Result<&'static [Part]> {
    if has_subquery(node)? {
        return Ok(&[Part::Other]);
    }
    Ok(match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_) => &[],
        LogicalPlan::Sort(sort) if sort.expr.len() < 2 => &[],
        LogicalPlan::Sort(_) => &[Part::Keys],
        LogicalPlan::Aggregate(aggregate) => parts_of_aggregate(aggregate),
        LogicalPlan::Limit(_) => &[Part::Limit],
        LogicalPlan::Union(_) => &[Part::Union],
        // It becomes a grouping by all of its columns, or a limit if it has none.
        LogicalPlan::Distinct(_) => &[Part::Distinct, Part::Union, Part::Keys, Part::Limit],
        _ => &[Part::Other],
    })
}

fn parts_of_aggregate(aggregate: &Aggregate) -> &'static [Part] {
    let is_distinct = |expr: &Expr| match expr {
        Expr::AggregateFunction(call) => call.params.distinct,
        // An alias, or what else may stand around a call.
        _ => true,
    };
    if aggregate.aggr_expr.iter().any(is_distinct) {
        // It becomes a grouping by the values, too.
        return &[Part::DistinctValues, Part::Keys];
    }
    match &aggregate.group_expr[..] {
        [] => &[],
        [key] if !matches!(key, Expr::GroupingSet(_)) => &[],
        _ => &[Part::Keys],
    }
}

fn has_subquery(node: &LogicalPlan) -> Result<bool> {
    let found = find_in_node(node, |expr| asks_elsewhere(expr).then_some(()))?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests;
