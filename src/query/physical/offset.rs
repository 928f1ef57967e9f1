//! The order of rows of which the first are left out, as in `(SELECT v FROM m ORDER BY v OFFSET 5)`.
//!
//! DataFusion 55.2 takes a sort away where nothing above needs its order, and moves another one below what
//! keeps an order, unless there is a limit. An offset alone counts as none, and other rows were left out
//! than the first. So a node below the offset wants the order, and one above lets no sort through.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// Puts such nodes around each offset of rows in order. One of the first rules: later, the sort is gone.
#[derive(Debug)]
pub(crate) struct OrderSkipped;

impl Change for OrderSkipped {
    const NAME: &'static str = "order_skipped";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let Some(limit) = node.downcast_ref::<GlobalLimitExec>() else {
            return Ok(Transformed::no(node));
        };
        let Some(order) = limit.input().output_ordering().filter(|_| limit.skip() > 0) else {
            return Ok(Transformed::no(node));
        };
        let skipped = Skipped {
            order: order.clone(),
        };
        let ordered = Between::over(Arc::clone(limit.input()), skipped);
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let offset = node.replace_children(vec![ordered], recompute)?;
        Ok(Transformed::yes(Between::over(offset, Left)))
    }
}

/// Rows that are left.
#[derive(Debug)]
struct Left;

impl Passing for Left {
    const NAME: &'static str = "LeftExec";

    const IS_ORDERED: bool = false;

    fn anew(&self) -> Self {
        Self
    }
}

/// Rows that must come in an order.
#[derive(Debug)]
struct Skipped {
    order: LexOrdering,
}

impl Passing for Skipped {
    const NAME: &'static str = "OrderedExec";

    fn anew(&self) -> Self {
        Self {
            order: self.order.clone(),
        }
    }

    fn order(&self) -> Option<&LexOrdering> {
        Some(&self.order)
    }
}
