//! Windows whose value is all that their frame has, as of `array_agg` and `string_agg`.
//!
//! The engine makes the values of a batch in one step that nothing interrupts, and counts none of them:
//! those of 8192 rows with frames of 5,000 rows each are forty million. So a question with such windows
//! takes its rows in smaller batches. Frames whose rows are not known before they come are not counted:
//! most are short, as those of many partitions, and very small batches would only make them slow.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, LogicalPlan, WindowFrame, WindowFrameUnits, WindowFunctionDefinition,
};

use crate::frame::rows_to;

/// What a value of a frame takes: itself, and what it was collected in.
const VALUE_BYTES: usize = 16;

/// The most rows of a frame that are counted. With more, each value is long in coming anyway.
const ROWS_MAX: usize = 1 << 16;

/// The bytes that each row of a batch may take in the values of such windows of a plan.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn bytes_of_row(plan: &LogicalPlan) -> Result<usize> {
    let mut all = 0_usize;
    plan.apply_with_subqueries(|plan| {
        let LogicalPlan::Window(window) = plan else {
            return Ok(TreeNodeRecursion::Continue);
        };
        for expr in &window.window_expr {
            expr.apply(|expr| {
                all = all.saturating_add(rows(expr).saturating_mul(VALUE_BYTES));
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(all)
}

/// The rows that a value has, if it is one of such a window.
fn rows(expr: &Expr) -> usize {
    let Expr::WindowFunction(window) = expr else {
        return 0;
    };
    match &window.fun {
        WindowFunctionDefinition::AggregateUDF(function)
            if matches!(function.name(), "array_agg" | "string_agg") =>
        {
            rows_of(&window.params.window_frame)
        }
        _ => 0,
    }
}

fn rows_of(frame: &WindowFrame) -> usize {
    if frame.units != WindowFrameUnits::Rows {
        return 0;
    }
    match (rows_to(&frame.start_bound), rows_to(&frame.end_bound)) {
        (Some(before), Some(after)) => {
            let rows = before.saturating_add(after).saturating_add(1);
            rows.min(ROWS_MAX)
        }
        _ => 0,
    }
}
