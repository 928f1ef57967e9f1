//! Planning that ends with its question: a plan of a thousand sources takes seconds, in which no timer
//! runs.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use crate::deadline::Deadline;
use crate::physical::rules::PhysicalRules;

/// A rule that changes nothing and fails once the question is over.
#[derive(Debug)]
struct Watch(Deadline);

impl Watch {
    fn check<T>(&self, plan: T) -> Result<T> {
        let over = |over| DataFusionError::External(Box::new(over));
        self.0.check().map(|()| plan).map_err(over)
    }
}

impl OptimizerRule for Watch {
    fn name(&self) -> &str {
        "watch_deadline"
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        self.check(plan).map(Transformed::no)
    }
}

impl PhysicalOptimizerRule for Watch {
    fn name(&self) -> &str {
        "watch_deadline"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.check(plan)
    }

    fn schema_check(&self) -> bool {
        false
    }
}

/// These rules, each of them after a look at the deadline.
pub(crate) fn logical(
    rules: Vec<Arc<dyn OptimizerRule + Send + Sync>>,
    deadline: &Deadline,
) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let watch: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(Watch(deadline.clone()));
    let rules = rules.into_iter();
    rules.flat_map(|rule| [Arc::clone(&watch), rule]).collect()
}

/// These rules for plans that run, each of them after a look at the deadline.
pub(crate) fn physical(rules: &PhysicalRules, deadline: &Deadline) -> PhysicalRules {
    let watch: Arc<dyn PhysicalOptimizerRule + Send + Sync> = Arc::new(Watch(deadline.clone()));
    let rules = rules.iter().cloned();
    rules.flat_map(|rule| [Arc::clone(&watch), rule]).collect()
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{LogicalPlanBuilder, lit};

    use crate::QueryEngine;
    use crate::tests::limits;

    /// From a bug: a statement of 1,200 sources was planned for seconds after its time, or after its client
    /// had left.
    #[tokio::test]
    async fn a_plan_that_is_made_ends_with_its_question() {
        let engine = QueryEngine::new(limits()).expect("an engine");
        let deadline = engine.deadline(None, None);
        let state = engine.state_of_statements(engine.runtime(None), &deadline);
        let plan = LogicalPlanBuilder::empty(true)
            .project([lit(1_i64).alias("x")])
            .and_then(LogicalPlanBuilder::build)
            .expect("a plan");
        let plan = state.optimize(&plan).expect("there is time");
        let planner = state.query_planner();
        planner
            .create_physical_plan(&plan, &state)
            .await
            .expect("there is time");
        deadline.leave();
        assert!(state.optimize(&plan).is_err());
        let refused = planner.create_physical_plan(&plan, &state).await;
        let refused = crate::QueryError::from(refused.expect_err("it is over"));
        assert_eq!(refused.to_string(), "query interrupted");
    }
}
