//! Long constants of a question, of which a batch may have one copy per row.
//!
//! DataFusion writes a constant that is selected, or that a `CASE` gives, once per row of a batch and
//! counts none of it: a text of 1 MB takes 8 GB in a batch of 8192 rows. So a question with long
//! constants takes its rows in smaller batches. That holds for constants that the planner computed,
//! too: what counts is the plan once it is optimized.

use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The bytes of texts, binaries and lists that may be copied for each row of a batch.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn bytes_of_row(plan: &LogicalPlan) -> Result<usize> {
    let mut all = 0_usize;
    plan.apply_with_subqueries(|node| {
        // They are written once, as rows.
        if matches!(node, LogicalPlan::Values(_)) {
            return Ok(TreeNodeRecursion::Continue);
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| match expr {
                // A value is looked up among them.
                Expr::InList(_) => Ok(TreeNodeRecursion::Jump),
                Expr::Literal(value, _) => {
                    all = all.saturating_add(long(value));
                    Ok(TreeNodeRecursion::Continue)
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(all)
}

fn long(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => text.len(),
        ScalarValue::Binary(Some(bytes))
        | ScalarValue::LargeBinary(Some(bytes))
        | ScalarValue::BinaryView(Some(bytes))
        | ScalarValue::FixedSizeBinary(_, Some(bytes)) => bytes.len(),
        ScalarValue::Dictionary(_, value) => long(value),
        value => value.size().saturating_sub(size_of::<ScalarValue>()),
    }
}
