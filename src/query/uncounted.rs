//! Rows that the engine holds and does not count: they are counted on their way to it.
//!
//! Two operators of DataFusion 55.2 collect all rows of an input and ask no memory for it: one that
//! computes windows over whole partitions, and a join whose left side has rows but no columns, as in
//! `count(*)` over a product of tables: a batch of such rows is of no bytes, and each one takes some.

use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures_util::StreamExt;

use crate::each_node::{Change, Node};

/// What a batch takes beside its values: itself, and its place in a list.
const BATCH_BYTES: usize = 256;

/// What the value of a window takes.
const VALUE_BYTES: usize = 16;

/// Counts the rows that go to each such operator.
#[derive(Debug)]
pub(crate) struct CountHeld;

impl Change for CountHeld {
    const NAME: &'static str = "count_held";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let windows = node.downcast_ref::<WindowAggExec>();
        let windows = windows.map(|windows| windows.window_expr().len());
        let joins = node.is::<CrossJoinExec>() || node.is::<NestedLoopJoinExec>();
        let children: Vec<Arc<dyn ExecutionPlan>> = node.children().into_iter().cloned().collect();
        let Some((held, others)) = children.split_first() else {
            return Ok(Transformed::no(node));
        };
        let is_collected = windows.is_some() || joins && held.schema().fields().is_empty();
        if !is_collected {
            return Ok(Transformed::no(node));
        }
        let counted: Arc<dyn ExecutionPlan> = Arc::new(HeldExec {
            input: Arc::clone(held),
            windows,
        });
        let children = std::iter::once(counted).chain(others.iter().cloned());
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let node = node.replace_children(children.collect(), keep);
        node.map(Transformed::yes)
    }
}

/// The rows of a plan, counted for as long as they come.
#[derive(Debug)]
struct HeldExec {
    input: Arc<dyn ExecutionPlan>,
    /// The number of windows that are computed of them, if any.
    windows: Option<usize>,
}

impl HeldExec {
    /// The memory that a batch will take.
    fn bytes(windows: Option<usize>, batch: &RecordBatch) -> usize {
        let columns = batch.columns().iter().map(|column| {
            let own = column.to_data().get_slice_memory_size();
            own.unwrap_or_else(|_| column.get_array_memory_size())
        });
        let values = match windows {
            // The batches are joined to one, beside which they still are.
            Some(windows) => {
                let windows = batch.num_rows().saturating_mul(windows);
                columns.sum::<usize>() * 2 + windows.saturating_mul(VALUE_BYTES)
            }
            None => 0,
        };
        values.saturating_add(BATCH_BYTES)
    }
}

impl DisplayAs for HeldExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldExec")
    }
}

impl ExecutionPlan for HeldExec {
    fn name(&self) -> &'static str {
        "HeldExec"
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
        let input = input.ok_or_else(|| internal_datafusion_err!("nothing is held"))?;
        Ok(Arc::new(Self {
            input,
            windows: self.windows,
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
        let held = MemoryConsumer::new("HeldExec").register(context.memory_pool());
        let windows = self.windows;
        let rows = self.input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            held.try_grow(Self::bytes(windows, &batch))?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}
