//! The node of a physical plan that adds the missing rows, and its stream.
//!
//! One group at a time is in memory, and that is taken from the pool; the rows that are added are made
//! batch by batch, as they are asked for. However many there are, a question can be stopped between
//! two batches.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef, SortOptions};
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::common::internal_datafusion_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions, SchedulingType,
};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements,
    Partitioning, PlanProperties,
};
use futures_util::stream;

use super::bins::Bins;
use super::group::{Group, Groups};
use super::node::Layout;

/// The node.
#[derive(Debug)]
pub(super) struct GapFillExec {
    input: Arc<dyn ExecutionPlan>,
    layout: Arc<Layout>,
    bins: Arc<Bins>,
    ordering: LexOrdering,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl GapFillExec {
    /// Puts the node above rows.
    ///
    /// # Errors
    /// The rows have other columns.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        layout: Arc<Layout>,
        bins: Arc<Bins>,
    ) -> Result<Self> {
        let fields = input.schema();
        let tags = (0..layout.groups).filter(|place| *place != layout.bin);
        let by = tags.chain([layout.bin]).map(|place| {
            let column: Arc<dyn PhysicalExpr> =
                Arc::new(Column::new(fields.field(place).name(), place));
            PhysicalSortExpr::new(column, SortOptions::new(false, false))
        });
        let ordering = LexOrdering::new(by)
            .ok_or_else(|| internal_datafusion_err!("gaps are filled in no bins"))?;
        let schema = filled(&fields, &layout);
        let equivalence = EquivalenceProperties::new_with_orderings(schema, [ordering.clone()]);
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            input,
            layout,
            bins,
            ordering,
            properties: Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative)),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// The columns of the rows above: those of the rows below, which may be null where gaps are filled.
fn filled(below: &Schema, layout: &Layout) -> SchemaRef {
    let fields = below.fields().iter().enumerate().map(|(place, field)| {
        let is_nullable = field.is_nullable() || place >= layout.groups;
        Field::clone(field).with_nullable(is_nullable)
    });
    let fields: Vec<Field> = fields.collect();
    Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()))
}

impl DisplayAs for GapFillExec {
    fn fmt_as(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        write!(
            f,
            "GapFillExec: {}, {}",
            self.layout.describe(&schema),
            self.bins
        )
    }
}

impl ExecutionPlan for GapFillExec {
    fn name(&self) -> &'static str {
        "GapFillExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![Some(OrderingRequirements::from(self.ordering.clone()))]
    }

    /// It does, but a sort by other columns must not move below the node, where rows are missing.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = &children[..] else {
            return Err(internal_datafusion_err!("gaps are filled in one input"));
        };
        let (layout, bins) = (Arc::clone(&self.layout), Arc::clone(&self.bins));
        Ok(Arc::new(Self::new(Arc::clone(input), layout, bins)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(
            children,
            ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute),
        )
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let memory = MemoryConsumer::new("GapFillExec").register(context.memory_pool());
        let batch_rows = context.session_config().batch_size();
        let filling = Filling {
            groups: Groups::new(input, Arc::clone(&self.layout), memory),
            group: None,
            layout: Arc::clone(&self.layout),
            bins: Arc::clone(&self.bins),
            batches: BatchCoalescer::new(self.schema(), batch_rows)
                .with_biggest_coalesce_batch_size(Some(batch_rows / 2)),
            batch_rows,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(filling, |mut filling| async {
            let batch = filling.next().await?;
            Ok(batch.map(|batch| (batch, filling)))
        });
        let batches = RecordBatchStreamAdapter::new(self.schema(), batches);
        Ok(make_cooperative(Box::pin(batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// The rows of the stream, and what they are made of.
struct Filling {
    groups: Groups,
    /// The group whose rows are made.
    group: Option<Group>,
    layout: Arc<Layout>,
    bins: Arc<Bins>,
    /// Small groups share a batch.
    batches: BatchCoalescer,
    batch_rows: usize,
    metrics: BaselineMetrics,
}

impl Filling {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.batches.next_completed_batch() {
                self.metrics.record_output(batch.num_rows());
                return Ok(Some(batch));
            }
            if let Some(group) = &mut self.group {
                match group.next(&self.layout, &self.bins, self.batch_rows)? {
                    Some(rows) => self.batches.push_batch(rows)?,
                    None => self.group = None,
                }
                continue;
            }
            match self.groups.next().await? {
                Some(rows) => {
                    let group = Group::new(&rows, self.batches.schema(), &self.layout, &self.bins)?;
                    self.group = Some(group);
                }
                None if self.batches.is_empty() => return Ok(None),
                None => self.batches.finish_buffered_batch()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, TimestampNanosecondArray};
    use arrow_schema::{DataType, TimeUnit};
    use datafusion::common::ScalarValue;
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryPool};
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::functions::datetime::date_bin;
    use futures_util::TryStreamExt;

    use super::super::calls::Fill;
    use super::*;

    #[tokio::test]
    async fn the_rows_of_a_group_are_taken_from_the_pool_and_given_back() {
        let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let fields = vec![
            Field::new("bin", time, true),
            Field::new("n", DataType::Int64, true),
        ];
        let schema = Arc::new(Schema::new(fields));
        let batches = (0..100).map(|batch| {
            let values = || batch * 100..(batch + 1) * 100;
            let times = TimestampNanosecondArray::from_iter_values(values());
            let numbers = Int64Array::from_iter_values(values());
            RecordBatch::try_new(
                Arc::clone(&schema),
                vec![Arc::new(times), Arc::new(numbers)],
            )
        });
        let batches = batches.collect::<Result<Vec<_>, _>>().unwrap();
        let input =
            MemorySourceConfig::try_new_exec(&[batches], Arc::clone(&schema), None).unwrap();
        let (bin, groups, fills) = (0, 1, vec![Fill::Interpolate]);
        let layout = Arc::new(Layout { bin, groups, fills });
        let bins = Bins::new(
            date_bin(),
            ScalarValue::new_interval_mdn(0, 0, 1),
            None,
            None,
            0..=19_999,
        );
        let exec = GapFillExec::new(input, layout, Arc::new(bins.unwrap())).unwrap();
        for (bytes, fits) in [(1_000_000, true), (100_000, false)] {
            let pool: Arc<dyn MemoryPool> = Arc::new(GreedyMemoryPool::new(bytes));
            let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::clone(&pool));
            let context = TaskContext::default().with_runtime(Arc::new(runtime.build().unwrap()));
            let rows = exec.execute(0, Arc::new(context)).unwrap();
            let rows: Result<Vec<RecordBatch>> = rows.try_collect().await;
            match rows {
                Ok(rows) => {
                    assert!(fits);
                    assert_eq!(
                        rows.iter().map(RecordBatch::num_rows).sum::<usize>(),
                        20_000
                    );
                }
                Err(error) => assert!(
                    !fits && error.to_string().contains("GapFillExec"),
                    "{error}"
                ),
            }
            assert_eq!(pool.reserved(), 0);
        }
    }
}
