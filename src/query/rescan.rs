//! Joins whose left side does not fit into memory, and read it again to put it on disk.
//!
//! DataFusion's `NestedLoopJoinExec` does so, and asks the plan on its left side for its rows a second
//! time. Many plans cannot give them twice (one that deals its rows out to several streams panics),
//! so a fresh copy of the plan gives them here. Where several streams read the right side and rows of
//! the left side without a match count, the join would tell such rows once per stream: there the
//! second reading is refused, for want of memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::JoinType;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
};

use crate::each_node::{Change, Node};

/// Puts a [`RescanExec`] below the left side of each such join.
#[derive(Debug)]
pub(crate) struct RescanJoins {
    /// The text of a refusal.
    pub(crate) all_is_taken: Arc<str>,
}

impl Change for RescanJoins {
    const NAME: &'static str = "rescan";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else {
            return Ok(Transformed::no(node));
        };
        let right = join.right();
        let counts_left_rows = matches!(
            join.join_type(),
            JoinType::Left
                | JoinType::LeftSemi
                | JoinType::LeftAnti
                | JoinType::LeftMark
                | JoinType::Full
        );
        let is_refused = counts_left_rows && right.output_partitioning().partition_count() > 1;
        let left: Arc<dyn ExecutionPlan> = Arc::new(RescanExec {
            input: Arc::clone(join.left()),
            refusal: is_refused.then(|| Arc::clone(&self.all_is_taken)),
            is_read: AtomicBool::new(false),
        });
        let children = vec![left, Arc::clone(right)];
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        node.replace_children(children, keep).map(Transformed::yes)
    }
}

/// The rows of a plan, as often as they are asked for.
#[derive(Debug)]
struct RescanExec {
    input: Arc<dyn ExecutionPlan>,
    /// The reason for which they are not read again, if they must not be.
    refusal: Option<Arc<str>>,
    is_read: AtomicBool,
}

impl DisplayAs for RescanExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RescanExec")
    }
}

impl ExecutionPlan for RescanExec {
    fn name(&self) -> &'static str {
        "RescanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
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
        let input = input.ok_or_else(|| internal_datafusion_err!("nothing is read again"))?;
        Ok(Arc::new(Self {
            input,
            refusal: self.refusal.clone(),
            is_read: AtomicBool::new(false),
        }))
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
        if !self.is_read.swap(true, Ordering::Relaxed) {
            return self.input.execute(partition, context);
        }
        if let Some(refusal) = &self.refusal {
            return Err(DataFusionError::ResourcesExhausted(refusal.to_string()));
        }
        reset_plan_states(Arc::clone(&self.input))?.execute(partition, context)
    }
}
