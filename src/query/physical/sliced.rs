//! Rows on their way to an operator that makes much of each one, and counts it batch by batch: one that
//! groups by many sets.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{TryStreamExt, stream};

use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// The divisor of the memory of questions for what a batch of each partition makes uncounted.
const UNCOUNTED_SHARE: usize = 16;

/// What a value of a new group takes: itself, in a list that has room for as many again.
const VALUE_BYTES: usize = 16;

/// The values of a group beside its keys and aggregates: its set, and its place among all groups.
const VALUES_OF_GROUP: usize = 2;

/// The fewest rows of a batch with which several partitions group by sets.
const ROWS_MIN: usize = 128;

/// The rows of a batch of which each may make so many bytes that nobody counts.
pub(crate) fn batch_rows(
    config: &ConfigOptions,
    memory: MemoryLimit,
    bytes_of_row: usize,
) -> usize {
    let config = &config.execution;
    let rows_max = config.batch_size.get().max(1);
    let MemoryLimit::Finite(bytes) = memory else {
        return rows_max;
    };
    let each = bytes / UNCOUNTED_SHARE / config.target_partitions.max(1);
    (each / bytes_of_row.max(1)).clamp(1, rows_max)
}

/// Hands the rows to each operator that groups by sets in smaller batches.
#[derive(Debug)]
pub(crate) struct SliceForSets;

impl Change for SliceForSets {
    const NAME: &'static str = "slice_for_sets";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let Some(aggregate) = node.downcast_ref::<AggregateExec>() else {
            return Ok(Transformed::no(node));
        };
        if aggregate.group_expr().is_single() {
            return Ok(Transformed::no(node));
        }
        let bytes_of_row = bytes_of_row(aggregate);
        let sliced = Between::over(Arc::clone(aggregate.input()), Sliced { bytes_of_row });
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let node = node.replace_children(vec![sliced], keep);
        node.map(Transformed::yes)
    }
}

/// Returns true if a node groups by so many sets, beside so little memory, that batches of very few rows
/// could be grouped at once in each partition.
pub(crate) fn are_crowded(
    node: &Arc<dyn ExecutionPlan>,
    config: &ConfigOptions,
    memory_bytes: usize,
) -> bool {
    let Some(aggregate) = node.downcast_ref::<AggregateExec>() else {
        return false;
    };
    let memory = MemoryLimit::Finite(memory_bytes);
    let has_sets = !aggregate.group_expr().is_single();
    has_sets && batch_rows(config, memory, bytes_of_row(aggregate)) < ROWS_MIN
}

/// The bytes that a row may take in the groups of all sets.
fn bytes_of_row(aggregate: &AggregateExec) -> usize {
    let groups = aggregate.group_expr();
    let values = groups.expr().len() + aggregate.aggr_expr().len() + VALUES_OF_GROUP;
    let sets = groups.groups().len();
    sets.saturating_mul(values).saturating_mul(VALUE_BYTES)
}

/// The rows, in batches of as many as may be.
#[derive(Debug)]
struct Sliced {
    bytes_of_row: usize,
}

impl Passing for Sliced {
    const NAME: &'static str = "SlicedExec";

    fn anew(&self) -> Self {
        Self {
            bytes_of_row: self.bytes_of_row,
        }
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let config = context.session_config().options();
        let memory = context.memory_pool().memory_limit();
        let most = batch_rows(config, memory, self.bytes_of_row);
        let rows = input.execute(partition, context)?;
        let schema = rows.schema();
        let slices = rows.map_ok(move |batch| {
            let begins = (0..batch.num_rows()).step_by(most);
            let slices = begins.map(move |begin| {
                let rows = most.min(batch.num_rows() - begin);
                Ok(batch.slice(begin, rows))
            });
            stream::iter(slices)
        });
        let slices = slices.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, slices)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch};
    use datafusion::arrow::compute::concat_batches;
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::execution::TaskContext;
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionConfig;

    use super::{Between, Sliced};

    /// Returns the rows of the batches that one of 1,000 rows comes in.
    async fn sliced(memory_bytes: usize, bytes_of_row: usize) -> Vec<usize> {
        let values = Int64Array::from_iter_values(0..1000);
        let batch = RecordBatch::try_from_iter([("v", Arc::new(values) as _)]).expect("one column");
        let rows = MemorySourceConfig::try_new_exec(&[vec![batch.clone()]], batch.schema(), None);
        let plan = Between::over(rows.expect("a plan"), Sliced { bytes_of_row });
        let memory = Arc::new(GreedyMemoryPool::new(memory_bytes));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(memory)
            .build_arc();
        let context = TaskContext::default()
            .with_session_config(SessionConfig::new().with_target_partitions(2))
            .with_runtime(runtime.expect("an environment"));
        let batches = collect(plan, Arc::new(context)).await.expect("rows");
        let whole = concat_batches(&batch.schema(), &batches);
        assert_eq!(whole.expect("the same columns"), batch);
        batches.iter().map(RecordBatch::num_rows).collect()
    }

    #[tokio::test]
    async fn each_batch_makes_no_more_than_its_share_of_the_memory() {
        assert_eq!(sliced(32 << 10, 1).await, [1000]);
        assert_eq!(sliced(32 << 10, 2).await, [512, 488]);
        assert_eq!(sliced(32 << 10, 4).await, [256, 256, 256, 232]);
        assert_eq!(sliced(32 << 10, usize::MAX).await, [1; 1000]);
    }
}
