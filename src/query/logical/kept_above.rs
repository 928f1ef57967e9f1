//! Conditions that stay above an aggregate that makes a row of no rows.
//!
//! DataFusion 55.2 moves a condition below an aggregate if all of its columns are groups. A condition
//! without columns has none that is not, so `SELECT count(*) FROM m HAVING 5 = (SELECT max(j) FROM o)`
//! lost its rows below the aggregate, which then made one of nothing: 0, where there is no answer. Its rule
//! for plans that run knows better.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan};
use datafusion::optimizer::optimizer::ApplyOrder;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The name of DataFusion's rule that moves conditions down.
const PUSH_DOWN: &str = "push_down_filter";

/// The rules, with that one within its limits.
pub(crate) fn within_limits(rules: Vec<Rule>) -> Vec<Rule> {
    let rules = rules.into_iter().map(|rule| match rule.name() {
        PUSH_DOWN => Arc::new(KeepAbove(rule)) as Rule,
        _ => rule,
    });
    rules.collect()
}

/// The rule, but for what it must not move.
#[derive(Debug)]
struct KeepAbove(Rule);

impl OptimizerRule for KeepAbove {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let Some((conditions, aggregate)) = over_row_of_nothing(&plan) else {
            return self.0.rewrite(plan, config);
        };
        let is_kept = |condition: &Expr| condition.column_refs().is_empty();
        let (kept, moved): (Vec<_>, Vec<_>) = conditions.into_iter().partition(is_kept);
        let Some(kept) = conjunction(kept) else {
            return self.0.rewrite(plan, config);
        };
        let Some(moved) = conjunction(moved) else {
            return Ok(Transformed::no(plan));
        };
        let moved = LogicalPlan::Filter(Filter::try_new(moved, aggregate)?);
        let moved = self.0.rewrite(moved, config)?;
        moved.map_data(|below| Filter::try_new(kept, Arc::new(below)).map(LogicalPlan::Filter))
    }
}

/// The conditions right above an aggregate that makes a row of no rows, and the aggregate.
fn over_row_of_nothing(plan: &LogicalPlan) -> Option<(Vec<Expr>, Arc<LogicalPlan>)> {
    let mut conditions = Vec::new();
    let mut above = plan;
    // The rule puts filters that follow each other together before it looks below them.
    while let LogicalPlan::Filter(filter) = above {
        conditions.extend(split_conjunction_owned(filter.predicate.clone()));
        match &*filter.input {
            LogicalPlan::Aggregate(aggregate) if makes_row_of_nothing(aggregate) => {
                return Some((conditions, Arc::clone(&filter.input)));
            }
            below => above = below,
        }
    }
    None
}

fn makes_row_of_nothing(aggregate: &Aggregate) -> bool {
    matches!(&aggregate.group_expr[..], [] | [Expr::GroupingSet(_)])
}
