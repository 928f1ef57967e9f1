//! Joins that make room for others, and end with their question.
//!
//! A join may work for hours on two batches of rows: each row of one side meets all of the other, and
//! DataFusion 55.2 lets nothing else run meanwhile, neither what ends a question whose client has left
//! nor a timer. Two things are done about it. What a join gives to the plan above it counts as work
//! of its task, which then lets others run; and where a condition decides what it gives, which may be
//! nothing at all, the condition looks whether the question is over.
//!
//! There are three kinds of joins here: a session hashes wherever a join asks for equal values, so that
//! nothing is planned that would sort both sides.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, FieldRef, Schema};
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
};

use crate::deadline::Deadline;
use crate::physical::each_node::{Change, Node};

/// Does so with each join of one question.
#[derive(Debug)]
pub(crate) struct WatchJoins {
    pub(crate) deadline: Deadline,
}

impl Change for WatchJoins {
    const NAME: &'static str = "joins";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let join: Arc<dyn ExecutionPlan> =
            if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
                let filter = self.condition(join.filter());
                Arc::new(
                    NestedLoopJoinExecBuilder::from(join)
                        .with_filter(filter)
                        .build()?,
                )
            } else if let Some(join) = node.downcast_ref::<HashJoinExec>() {
                let filter = self.condition(join.filter());
                Arc::new(
                    HashJoinExecBuilder::from(join)
                        .with_filter(filter)
                        .build()?,
                )
            } else if node.is::<CrossJoinExec>() {
                node
            } else {
                return Ok(Transformed::no(node));
            };
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(join))))
    }
}

impl WatchJoins {
    fn condition(&self, filter: Option<&JoinFilter>) -> Option<JoinFilter> {
        let filter = filter?;
        let watched = Watched {
            condition: Arc::clone(filter.expression()),
            deadline: self.deadline.clone(),
        };
        let columns = filter.column_indices().to_vec();
        let schema = Arc::clone(filter.schema());
        Some(JoinFilter::new(Arc::new(watched), columns, schema))
    }
}

/// A condition that fails once the question is over. It equals another by what it says of rows.
#[derive(Debug)]
struct Watched {
    condition: Arc<dyn PhysicalExpr>,
    deadline: Deadline,
}

impl PartialEq for Watched {
    fn eq(&self, other: &Self) -> bool {
        self.condition.eq(&other.condition)
    }
}

impl Eq for Watched {}

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl PhysicalExpr for Watched {
    fn data_type(&self, input_schema: &Schema) -> Result<DataType> {
        self.condition.data_type(input_schema)
    }

    fn nullable(&self, input_schema: &Schema) -> Result<bool> {
        self.condition.nullable(input_schema)
    }

    fn return_field(&self, input_schema: &Schema) -> Result<FieldRef> {
        self.condition.return_field(input_schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let goes_on = self.deadline.check();
        goes_on.map_err(|over| DataFusionError::External(Box::new(over)))?;
        self.condition.evaluate(batch)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.condition]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let condition = children.pop();
        Ok(Arc::new(Self {
            condition: condition.ok_or_else(|| internal_datafusion_err!("no condition"))?,
            deadline: self.deadline.clone(),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt_sql(f)
    }
}
