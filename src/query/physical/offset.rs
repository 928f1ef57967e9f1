//! The order of rows of which the first are left out, as in `(SELECT v FROM m ORDER BY v OFFSET 5)`.
//!
//! DataFusion 55.2 takes a sort away where nothing above needs its order, and moves another one below what
//! keeps an order, unless there is a limit. An offset alone counts as none, and other rows were left out
//! than the first. So a node below the offset wants the order, and one above lets no sort through. What the
//! rows are sorted by is often no column of theirs (`SELECT v FROM m ORDER BY i OFFSET 5`): it is kept to
//! the offset, and no further.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::limit::GlobalLimitExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
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
        let Some((input, order)) = with_order(limit.input())?.filter(|_| limit.skip() > 0) else {
            return Ok(Transformed::no(node));
        };
        let columns = limit.schema().fields().len();
        let ordered = Between::over(input, Skipped { order });
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let offset = node.replace_children(vec![ordered], recompute)?;
        let left = Between::over(offset, Left);
        Ok(Transformed::yes(first_columns(left, columns)?))
    }
}

/// A plan with the order of its rows, and what they are ordered by behind its columns where it is none of
/// them. None if its rows have no order.
fn with_order(
    plan: &Arc<dyn ExecutionPlan>,
) -> Result<Option<(Arc<dyn ExecutionPlan>, LexOrdering)>> {
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else {
        let order = plan.output_ordering();
        return Ok(order.map(|order| (Arc::clone(plan), order.clone())));
    };
    let Some((input, order)) = with_order(projection.input())? else {
        return Ok(None);
    };
    let mut columns = projection.expr().to_vec();
    let keys = order.iter().map(|key| {
        let there = columns.iter().position(|column| column.expr.eq(&key.expr));
        let at = there.unwrap_or(columns.len());
        let name = match columns.get(at) {
            Some(column) => column.alias.clone(),
            None => {
                let name = format!("__ordered_by_{at}");
                columns.push(ProjectionExpr::new(Arc::clone(&key.expr), name.clone()));
                name
            }
        };
        let column = Column::new(&name, at);
        PhysicalSortExpr::new(Arc::new(column), key.options)
    });
    let order = LexOrdering::new(keys.collect::<Vec<_>>());
    let plan: Arc<dyn ExecutionPlan> = Arc::new(ProjectionExec::try_new(columns, input)?);
    Ok(order.map(|order| (plan, order)))
}

/// The first columns of a plan; the plan itself if it has no others.
fn first_columns(plan: Arc<dyn ExecutionPlan>, count: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = plan.schema();
    if schema.fields().len() == count {
        return Ok(plan);
    }
    let fields = schema.fields().iter().take(count).enumerate();
    let columns = fields.map(|(at, field)| {
        let column = Column::new(field.name(), at);
        ProjectionExpr::new(Arc::new(column), field.name().clone())
    });
    Ok(Arc::new(ProjectionExec::try_new(columns, plan)?))
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
