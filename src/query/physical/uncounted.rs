//! Rows that the engine holds and does not count: they are counted on their way to it.
//!
//! Two operators of DataFusion 55.2 collect all rows of an input and ask no memory for it: one that
//! computes windows over whole partitions, and a join whose left side has rows but no columns, as in
//! `count(*)` over a product of tables: a batch of such rows is of no bytes, and each one takes some.
//!
//! A third computes windows row by row, and keeps the rows of the longest frame, of each partition that
//! has not ended.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::window::{StandardWindowExpr, WindowExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use futures_util::StreamExt;

use crate::frame::{Frames, Last, Reach};
use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// What a batch takes beside its values: itself, and its place in a list.
const BATCH_BYTES: usize = 256;

/// What the value of a window takes.
const VALUE_BYTES: usize = 16;

/// The rows of a frame that are not worth counting: a batch, which all operators have.
const FRAME_ROWS_MIN: usize = 8192;

/// A row far from both ends of a partition.
const MIDDLE: usize = usize::MAX / 2;

/// Counts the rows that go to each such operator.
#[derive(Debug)]
pub(crate) struct CountHeld;

impl Change for CountHeld {
    const NAME: &'static str = "count_held";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let windows = node.downcast_ref::<WindowAggExec>();
        let windows = windows.map(|windows| Windows {
            count: windows.window_expr().len(),
            frames: None,
        });
        let windows = windows.or_else(|| Windows::of_frames(&node));
        let joins = node.is::<CrossJoinExec>() || node.is::<NestedLoopJoinExec>();
        let children: Vec<Arc<dyn ExecutionPlan>> = node.children().into_iter().cloned().collect();
        let Some((held, others)) = children.split_first() else {
            return Ok(Transformed::no(node));
        };
        let is_collected = windows.is_some() || joins && held.schema().fields().is_empty();
        if !is_collected {
            return Ok(Transformed::no(node));
        }
        let counted = Between::over(Arc::clone(held), Held { windows });
        let children = std::iter::once(counted).chain(others.iter().cloned());
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let node = node.replace_children(children.collect(), keep);
        node.map(Transformed::yes)
    }
}

/// What is computed of rows that are held.
#[derive(Clone, Debug)]
struct Windows {
    count: usize,
    /// What is held of the rows, the last ones; absent if all are.
    frames: Option<Arc<Frames>>,
}

impl Windows {
    /// The windows of a node that holds the rows of frames.
    fn of_frames(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let node = node.downcast_ref::<BoundedWindowAggExec>()?;
        let windows = node.window_expr();
        let reaches: Vec<Reach> = windows.iter().filter_map(reach_of).collect();
        let first = windows.first().filter(|_| !reaches.is_empty())?;
        let columns = first.partition_by();
        let partition_by = match &node.input_order_mode {
            InputOrderMode::Linear => Vec::new(),
            InputOrderMode::PartiallySorted(sorted) => {
                let sorted = sorted.iter();
                sorted
                    .filter_map(|column| columns.get(*column).cloned())
                    .collect()
            }
            InputOrderMode::Sorted => columns.to_vec(),
        };
        let frames = Frames {
            reaches,
            partition_by,
        };
        Some(Self {
            count: windows.len(),
            frames: Some(Arc::new(frames)),
        })
    }
}

/// The rows that a window needs for one of its values, if they are known, and worth counting.
fn reach_of(window: &Arc<dyn WindowExpr>) -> Option<Reach> {
    let reach = match window.as_any().downcast_ref::<StandardWindowExpr>() {
        None => Reach::of(&**window),
        Some(function) => {
            let function = function.get_standard_func_expr();
            let evaluator = function.create_evaluator().ok()?;
            if evaluator.uses_window_frame() {
                Reach::of(&**window)
            } else {
                // Those of a function such as lag, which looks a number of rows away from one in the
                // middle, or to an end as long as it does not know how far.
                let range = evaluator.get_range(MIDDLE, usize::MAX).ok()?;
                let is_known = range.start > 0 && range.end < usize::MAX;
                is_known.then_some(Reach::Rows(range.len()))?
            }
        }
    };
    match reach {
        Reach::Rows(rows) if rows <= FRAME_ROWS_MIN => None,
        reach => Some(reach),
    }
}

/// Rows that are counted for as long as they are held.
#[derive(Debug)]
struct Held {
    /// What is computed of them, if anything.
    windows: Option<Windows>,
}

impl Held {
    /// The memory that a batch will take.
    fn bytes(windows: Option<&Windows>, batch: &RecordBatch) -> usize {
        let columns = batch.columns().iter().map(|column| {
            let own = column.to_data().get_slice_memory_size();
            own.unwrap_or_else(|_| column.get_array_memory_size())
        });
        let values = match windows {
            // The batches are joined to one, beside which they still are.
            Some(windows) => {
                let windows = batch.num_rows().saturating_mul(windows.count);
                columns.sum::<usize>() * 2 + windows.saturating_mul(VALUE_BYTES)
            }
            None => 0,
        };
        values.saturating_add(BATCH_BYTES)
    }
}

impl Passing for Held {
    const NAME: &'static str = "HeldExec";

    fn anew(&self) -> Self {
        Self {
            windows: self.windows.clone(),
        }
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let held = MemoryConsumer::new(Self::NAME).register(context.memory_pool());
        let windows = self.windows.clone();
        let mut last = Last::default();
        let rows = input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let bytes = Self::bytes(windows.as_ref(), &batch);
            held.try_grow(bytes)?;
            if let Some(frames) = windows.as_ref().and_then(|windows| windows.frames.as_ref()) {
                held.shrink(last.push(frames, &batch, bytes)?);
            }
            Ok(batch)
        });
        let schema = input.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
