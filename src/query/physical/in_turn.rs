//! Few rows of several sources, read one source after the other: to read each on a thread of its own, and to hand
//! over what it has, takes longer.

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures_util::{TryStreamExt, stream};

use super::between::Passing;

/// The node. The partitions below become one, in no order.
#[derive(Debug)]
pub(super) struct InTurn;

impl Passing for InTurn {
    const NAME: &'static str = "InTurnExec";
    const IS_ORDERED: bool = false;

    fn anew(&self) -> Self {
        Self
    }

    fn properties(&self, below: &Arc<PlanProperties>) -> Arc<PlanProperties> {
        let schema = Arc::clone(below.eq_properties.schema());
        let properties = PlanProperties::clone(below)
            .with_eq_properties(EquivalenceProperties::new(schema))
            .with_partitioning(Partitioning::UnknownPartitioning(1))
            .with_scheduling_type(SchedulingType::Cooperative);
        Arc::new(properties)
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = Arc::clone(input);
        let schema = input.schema();
        let partitions = 0..input.output_partitioning().partition_count();
        let begun = partitions.map(move |partition| input.execute(partition, Arc::clone(&context)));
        let rows = stream::iter(begun).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
