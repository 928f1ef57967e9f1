//! The frame of a node of a physical plan that passes the rows of the one below on, with its columns.

use std::fmt;
use std::sync::Arc;

use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{Distribution, LexOrdering, OrderingRequirements, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// What such a node does.
pub(crate) trait Passing: fmt::Debug + Send + Sync + 'static {
    /// The name of the node.
    const NAME: &'static str;

    /// Whether an order of the rows below may be taken for one of the node's.
    const IS_ORDERED: bool = true;

    /// The same for other rows, none of which was read.
    fn anew(&self) -> Self;

    /// The order in which the rows must come, all in one partition; any order if there is none.
    fn order(&self) -> Option<&LexOrdering> {
        None
    }

    /// What is known of the rows, by what is known of them below.
    fn properties(&self, below: &Arc<PlanProperties>) -> Arc<PlanProperties> {
        Arc::clone(below)
    }

    /// The rows of a partition.
    ///
    /// # Errors
    /// They cannot be read.
    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        input.execute(partition, context)
    }
}

/// The node.
#[derive(Debug)]
pub(crate) struct Between<P> {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    passing: P,
}

impl<P: Passing> Between<P> {
    /// A node that passes the rows of a plan on.
    pub(crate) fn over(input: Arc<dyn ExecutionPlan>, passing: P) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            properties: passing.properties(input.properties()),
            input,
            passing,
        })
    }
}

impl<P: Passing> DisplayAs for Between<P> {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(P::NAME)
    }
}

impl<P: Passing> ExecutionPlan for Between<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![P::IS_ORDERED]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let order = self.passing.order();
        vec![order.map(|order| OrderingRequirements::from(order.clone()))]
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![match self.passing.order() {
            Some(_) => Distribution::SinglePartition,
            None => Distribution::UnspecifiedDistribution,
        }]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = children.pop();
        let input = input.ok_or_else(|| internal_datafusion_err!("{} has no input", P::NAME))?;
        Ok(Self::over(input, self.passing.anew()))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, recompute)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.passing.execute(&self.input, partition, context)
    }
}
