//! Plans that read few values, or group by many sets in little memory, run in one part.
//!
//! To deal rows to several partitions, and to bring them together again, takes a task for each of them and a
//! dozen hand-overs between threads, which is longer than to read and to add up a few thousand values.
//!
//! Groups are made twice in each partition, and all partitions share the memory. With many sets each row
//! makes so many of them that a share is soon full, and is given away before much of it has met its like.

use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use crate::physical::sliced::are_crowded;
use crate::provider::{FEW_VALUES, values_at_most};

/// DataFusion's rule that adds partitions, exchanges and sorts where nodes need them, with one partition for
/// such plans.
#[derive(Debug)]
pub(crate) struct Undivided {
    rule: EnsureRequirements,
    /// The settings of all plans, with one partition.
    config: ConfigOptions,
    /// The memory of all questions.
    memory_bytes: usize,
}

impl Undivided {
    /// The name of DataFusion's rule.
    pub(crate) const NAME: &'static str = "EnsureRequirements";

    /// The rule beside one with the settings of all plans, which share this memory.
    pub(crate) fn new(config: &ConfigOptions, memory_bytes: usize) -> Self {
        let mut config = config.clone();
        config.execution.target_partitions = 1;
        Self {
            rule: EnsureRequirements::new(),
            config,
            memory_bytes,
        }
    }
}

impl PhysicalOptimizerRule for Undivided {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let are_few = values(&plan).is_some_and(|values| values <= FEW_VALUES);
        let is_one = are_few || has_crowded_sets(&plan, config, self.memory_bytes);
        let config = if is_one { &self.config } else { config };
        self.rule.optimize(plan, config)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
    }
}

/// Returns true if a plan groups by too many sets for several partitions, and does not join.
fn has_crowded_sets(
    plan: &Arc<dyn ExecutionPlan>,
    config: &ConfigOptions,
    memory_bytes: usize,
) -> bool {
    let is_below = |child| has_crowded_sets(child, config, memory_bytes);
    match *plan.children() {
        [child] => are_crowded(plan, config, memory_bytes) || is_below(child),
        ref children if plan.is::<UnionExec>() => children.iter().copied().any(is_below),
        _ => false,
    }
}

/// The most values that a plan reads; none if that is not known, as of what makes rows by itself, or if it
/// joins: it may then make many rows of few.
fn values(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    match *plan.children() {
        [] => values_at_most(plan),
        [child] => values(child),
        ref children if plan.is::<UnionExec>() => children.iter().map(|child| values(child)).sum(),
        _ => None,
    }
}
