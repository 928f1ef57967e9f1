//! Rows that the engine holds and does not count: they are counted on their way to it.
//!
//! Two operators of DataFusion 55.2 collect all rows of an input and ask no memory for it: one that
//! computes windows over whole partitions, and a join whose left side has rows but no columns, as in
//! `count(*)` over a product of tables: a batch of such rows is of no bytes, and each one takes some.
//!
//! A third computes windows row by row, and keeps as many rows as the longest frame has, of each
//! partition that has not ended. They are counted as if there was one partition. Not counted is a frame
//! whose rows are not known before they come, as of `RANGE`.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::window::{StandardWindowExpr, WindowExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use futures_util::StreamExt;

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
            rows_max: None,
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
#[derive(Clone, Copy, Debug)]
struct Windows {
    count: usize,
    /// The rows that are held at most, the last ones; absent if all are.
    rows_max: Option<usize>,
}

impl Windows {
    /// The windows of a node that holds the rows of long frames.
    fn of_frames(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let windows = node.downcast_ref::<BoundedWindowAggExec>()?.window_expr();
        let rows_max = windows.iter().filter_map(rows_of).max()?;
        (rows_max > FRAME_ROWS_MIN).then_some(Self {
            count: windows.len(),
            rows_max: Some(rows_max),
        })
    }
}

/// The rows that a window needs for one of its values, if that is known.
fn rows_of(window: &Arc<dyn WindowExpr>) -> Option<usize> {
    let function = window.as_any().downcast_ref::<StandardWindowExpr>();
    let Some(function) = function else {
        return rows_of_frame(window.get_window_frame());
    };
    let evaluator = function.get_standard_func_expr().create_evaluator().ok()?;
    if evaluator.uses_window_frame() {
        return rows_of_frame(window.get_window_frame());
    }
    // Those of a function such as lag, which looks a number of rows away from one in the middle, or to
    // an end as long as it does not know how far.
    let range = evaluator.get_range(MIDDLE, usize::MAX).ok()?;
    (range.start > 0 && range.end < usize::MAX).then(|| range.len())
}

fn rows_of_frame(frame: &WindowFrame) -> Option<usize> {
    if frame.units != WindowFrameUnits::Rows {
        return None;
    }
    let rows = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows)))
        | WindowFrameBound::Following(ScalarValue::UInt64(Some(rows))) => {
            usize::try_from(*rows).unwrap_or(usize::MAX)
        }
        // Rows from the first one on are let go as soon as they are computed.
        _ => 0,
    };
    Some(rows(&frame.start_bound).saturating_add(rows(&frame.end_bound)))
}

/// The last rows that came, batch by batch.
#[derive(Debug, Default)]
struct Last {
    rows: usize,
    /// The rows and bytes of each batch.
    batches: VecDeque<(usize, usize)>,
}

impl Last {
    /// Returns the bytes of the batches that are let go once so many rows more have come.
    fn push(&mut self, rows: usize, bytes: usize, rows_max: usize) -> usize {
        self.rows = self.rows.saturating_add(rows);
        self.batches.push_back((rows, bytes));
        let mut gone = 0;
        while let Some((rows, bytes)) = self.batches.front().copied()
            && self.rows.saturating_sub(rows) >= rows_max
        {
            self.batches.pop_front();
            self.rows = self.rows.saturating_sub(rows);
            gone += bytes;
        }
        gone
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
    fn bytes(windows: Option<Windows>, batch: &RecordBatch) -> usize {
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
            windows: self.windows,
        }
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let held = MemoryConsumer::new(Self::NAME).register(context.memory_pool());
        let windows = self.windows;
        let mut last = Last::default();
        let rows = input.execute(partition, context)?.map(move |batch| {
            let batch = batch?;
            let bytes = Self::bytes(windows, &batch);
            held.try_grow(bytes)?;
            if let Some(rows_max) = windows.and_then(|windows| windows.rows_max) {
                held.shrink(last.push(batch.num_rows(), bytes, rows_max));
            }
            Ok(batch)
        });
        let schema = input.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
