//! Plans that read few values run in one part.
//!
//! To deal rows to several partitions, and to bring them together again, takes a task for each of them and a
//! dozen hand-overs between threads, which is longer than to read and to add up a few thousand values.

use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_requirements::EnsureRequirements;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

use crate::provider::{FEW_VALUES, values_at_most};

/// DataFusion's rule that adds partitions, exchanges and sorts where nodes need them, with one partition for
/// plans that read few values.
#[derive(Debug)]
pub(crate) struct Undivided {
    rule: EnsureRequirements,
    /// The settings of all plans, with one partition.
    config: ConfigOptions,
}

impl Undivided {
    /// The name of DataFusion's rule.
    pub(crate) const NAME: &'static str = "EnsureRequirements";

    /// The rule beside one with the settings of all plans.
    pub(crate) fn new(config: &ConfigOptions) -> Self {
        let mut config = config.clone();
        config.execution.target_partitions = 1;
        Self {
            rule: EnsureRequirements::new(),
            config,
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
        let config = if are_few { &self.config } else { config };
        self.rule.optimize(plan, config)
    }

    fn name(&self) -> &str {
        self.rule.name()
    }

    fn schema_check(&self) -> bool {
        self.rule.schema_check()
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
