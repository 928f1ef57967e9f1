//! The frame of a rule that changes nodes of a physical plan, each by itself, from the leaves up.

use std::fmt::Debug;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

/// A node of a plan, and whether it was changed.
pub(crate) type Node = Transformed<Arc<dyn ExecutionPlan>>;

/// What is done about a node, whose columns stay as they are.
pub(crate) trait Change: Debug + Send + Sync + 'static {
    /// The name of the rule.
    const NAME: &'static str;

    /// Changes a node, or leaves it.
    ///
    /// # Errors
    /// The node cannot be made anew.
    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node>;
}

/// The rule that does so with each node. One of the last rules: others look for what is there.
#[derive(Debug)]
pub(crate) struct EachNode<C>(pub(crate) C);

impl<C: Change> PhysicalOptimizerRule for EachNode<C> {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| self.0.change(node)).data()
    }

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn schema_check(&self) -> bool {
        true
    }
}
