//! Plans of one stream, as they are made: most rules have nothing to do there.
//!
//! ```text
//! rows of one stream, few or made one by one > filter, projection, aggregate, sort
//! ```
//!
//! Each rule of DataFusion looks at a whole plan, and there are two dozen of them: together they take longer
//! than to read and to add up a few thousand values. Their work is to deal rows to partitions, to choose
//! among ways to join, to move limits and filters into sources that can use them. Where there is one stream,
//! which no node needs in an order that it does not have, nothing of that is to be done.

use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::combine_partial_final_agg::CombinePartialFinalAggregate;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_optimizer::{PhysicalOptimizerContext, PhysicalOptimizerRule};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::between::Between;
use super::in_turn::InTurn;
use crate::provider::{FEW_VALUES, values_at_most};

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// Keeps a rule to plans that it may have something to do for.
pub(crate) fn unless_plain(rule: Rule) -> Rule {
    // Two halves of an aggregate become one, and sources make room for others, in plain plans, too.
    let is_for_all = [
        CombinePartialFinalAggregate::new().name(),
        EnsureCooperative::new().name(),
    ]
    .contains(&rule.name());
    match is_for_all {
        true => rule,
        false => Arc::new(UnlessPlain(rule)),
    }
}

/// A rule, but for plain plans.
#[derive(Debug)]
struct UnlessPlain(Rule);

impl PhysicalOptimizerRule for UnlessPlain {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match is_plain(&plan) {
            true => Ok(plan),
            false => self.0.optimize(plan, config),
        }
    }

    fn optimize_with_context(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        context: &dyn PhysicalOptimizerContext,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match is_plain(&plan) {
            true => Ok(plan),
            false => self.0.optimize_with_context(plan, context),
        }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Returns true if a plan is a chain of nodes that can run as they were made.
fn is_plain(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.output_partitioning().partition_count() != 1 {
        return false;
    }
    let children = plan.children();
    let [child] = children[..] else {
        return children.is_empty() && is_plain_source(plan);
    };
    let is_known = plan.is::<ProjectionExec>()
        || plan.is::<FilterExec>()
        || is_of_one_set(plan)
        || plan.is::<SortExec>()
        || plan.is::<CooperativeExec>()
        || plan.is::<AnalyzeExec>();
    let needs_order = plan.required_input_ordering().iter().any(Option::is_some);
    is_known && !needs_order && is_plain(child)
}

/// Rows that are read as one stream.
pub(super) struct Stream {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) are_few: bool,
}

/// What reads rows as one stream to which nothing is to be added: a source that does, or sources of few rows in
/// turn. None if there are more.
pub(super) fn stream_of(rows: &Arc<dyn ExecutionPlan>) -> Option<Stream> {
    if is_source(rows) {
        return Some(Stream {
            plan: Arc::clone(rows),
            are_few: reads_few(rows),
        });
    }
    let sources = rows.children();
    if !rows.is::<UnionExec>() || !sources.iter().all(|source| is_source(source)) {
        return None;
    }
    let values: usize = sources.into_iter().map(values_at_most).sum::<Option<_>>()?;
    (values <= FEW_VALUES).then(|| Stream {
        plan: Between::over(Arc::clone(rows), InTurn),
        are_few: true,
    })
}

/// Returns true if few rows are read.
fn reads_few(source: &Arc<dyn ExecutionPlan>) -> bool {
    values_at_most(source).is_some_and(|most| most <= FEW_VALUES)
}

/// Returns true if rows are read as one stream to which nothing is to be added.
fn is_source(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let makes_room = plan.properties().scheduling_type == SchedulingType::Cooperative;
    plan.children().is_empty() && makes_room && is_plain(plan)
}

/// An aggregate by one set of keys. Of the rows of several it says too much, which another rule keeps from who
/// sorts them ([`Distrust`](super::distrusted::Distrust)).
fn is_of_one_set(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let aggregate = plan.downcast_ref::<AggregateExec>();
    aggregate.is_some_and(|aggregate| aggregate.group_expr().is_single())
}

/// A source of few values, or one that makes its rows itself, which takes longer than what is done with them.
fn is_plain_source(leaf: &Arc<dyn ExecutionPlan>) -> bool {
    leaf.is::<StreamingTableExec>() || reads_few(leaf)
}
