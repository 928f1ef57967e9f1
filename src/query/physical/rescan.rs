//! Joins whose left side does not fit into memory, and read it again to put it on disk.
//!
//! DataFusion's `NestedLoopJoinExec` does so, and asks the plan on its left side for its rows a second
//! time. Many plans cannot give them twice (one that deals its rows out to several streams panics),
//! so a fresh copy of the plan gives them here. Where several streams read the right side and rows of
//! the left side without a match count, the join would tell such rows once per stream: there the
//! second reading is refused, for want of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::common::JoinType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::{
    ChildrenPropertiesMode, ReplaceChildrenOptions, reset_plan_states,
};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// Puts a node below the left side of each such join.
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
        let rescan = Rescan {
            refusal: is_refused.then(|| Arc::clone(&self.all_is_taken)),
            is_read: AtomicBool::new(false),
        };
        let left = Between::over(Arc::clone(join.left()), rescan);
        let children = vec![left, Arc::clone(right)];
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        node.replace_children(children, keep).map(Transformed::yes)
    }
}

/// The rows of a plan, as often as they are asked for.
#[derive(Debug)]
struct Rescan {
    /// The reason for which they are not read again, if they must not be.
    refusal: Option<Arc<str>>,
    is_read: AtomicBool,
}

impl Passing for Rescan {
    const NAME: &'static str = "RescanExec";

    fn anew(&self) -> Self {
        Self {
            refusal: self.refusal.clone(),
            is_read: AtomicBool::new(false),
        }
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if !self.is_read.swap(true, Ordering::Relaxed) {
            return input.execute(partition, context);
        }
        if let Some(refusal) = &self.refusal {
            return Err(DataFusionError::ResourcesExhausted(refusal.to_string()));
        }
        reset_plan_states(Arc::clone(input))?.execute(partition, context)
    }
}
