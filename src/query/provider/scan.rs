//! The merged pieces of a scan as a source of a plan.

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source::DataSource;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet};
use datafusion::physical_plan::{DisplayFormatType, Partitioning};
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::files::FEW_VALUES;
use super::in_order::InOrder;
use crate::database::{Merged, Scan};
use crate::deadline;

/// Merged pieces, dealt to as many partitions as are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    scan: Scan,
    schema: SchemaRef,
    partitions: Vec<Vec<Arc<dyn Merged>>>,
    /// The most rows that anybody wants of a partition.
    fetch: Option<usize>,
    /// The most values; none if that is not known.
    values: Option<usize>,
    /// The order of the rows of each partition, if they have one.
    order: Option<InOrder>,
    metrics: ExecutionPlanMetricsSet,
}

impl Pieces {
    pub(super) fn new(
        scan: Scan,
        schema: SchemaRef,
        pieces: Vec<Arc<dyn Merged>>,
        partitions_max: usize,
        fetch: Option<usize>,
    ) -> Self {
        let values = values_at_most(&pieces, &schema);
        let are_few = values.is_some_and(|most| most <= FEW_VALUES);
        let partitions_max = if are_few { 1 } else { partitions_max };
        let count = pieces.len().clamp(1, partitions_max.max(1));
        let mut partitions = vec![Vec::new(); count];
        for (piece, place) in pieces.into_iter().zip((0..count).cycle()) {
            if let Some(partition) = partitions.get_mut(place) {
                partition.push(piece);
            }
        }
        Self {
            scan,
            schema,
            partitions,
            fetch,
            values,
            order: None,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// Pieces that have this order, each in a partition of its own.
    pub(super) fn in_order(
        scan: Scan,
        schema: SchemaRef,
        pieces: Vec<Arc<dyn Merged>>,
        order: InOrder,
        fetch: Option<usize>,
    ) -> Self {
        let values = values_at_most(&pieces, &schema);
        let partitions = pieces.into_iter().map(|piece| vec![piece]);
        Self {
            values,
            order: Some(order),
            partitions: partitions.collect(),
            ..Self::new(scan, schema, Vec::new(), 1, fetch)
        }
    }

    /// The most values that are read; none if that is not known.
    pub(super) fn values_at_most(&self) -> Option<usize> {
        self.values
    }
}

/// The most values of these columns that pieces have; none if that is not known.
fn values_at_most(pieces: &[Arc<dyn Merged>], columns: &SchemaRef) -> Option<usize> {
    let rows = pieces.iter().map(|piece| piece.rows_at_most());
    let rows: usize = rows.sum::<Option<usize>>()?;
    Some(rows.saturating_mul(columns.fields().len().max(1)))
}

impl DataSource for Pieces {
    fn open(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(pieces) = self.partitions.get(partition) else {
            let text = format!("a scan has no partition {partition}");
            return Err(DataFusionError::Internal(text));
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows_max = context.session_config().batch_size();
        let mut left = self.fetch.unwrap_or(usize::MAX);
        let batches = stream::iter(pieces.clone())
            .flat_map(|piece| piece.read())
            .map_err(|error| DataFusionError::External(Box::new(error)))
            .map_ok(move |batch| stream::iter(cut(batch, rows_max)).map(Ok))
            .try_flatten()
            .map_ok(move |batch| {
                let batch = batch.slice(0, batch.num_rows().min(left));
                left -= batch.num_rows();
                metrics.record_output(batch.num_rows());
                (batch, left)
            });
        // The batch that fills the limit is the last one that is read.
        let batches = batches.scan(false, |is_full, next| {
            let goes_on = !std::mem::replace(is_full, matches!(&next, Ok((_, 0))));
            future::ready(goes_on.then(|| next.map(|(batch, _)| batch)))
        });
        Ok(deadline::watched_source(&context, &self.schema, batches))
    }

    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = form;
        let pieces: usize = self.partitions.iter().map(Vec::len).sum();
        write!(f, "pieces={pieces}, {}", self.scan)
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        let mut properties = EquivalenceProperties::new(Arc::clone(&self.schema));
        if let Some(order) = &self.order {
            order.add_to(&mut properties);
        }
        properties
    }

    /// Else a node above would be put into the plan, and all that are above that made anew.
    fn scheduling_type(&self) -> SchedulingType {
        SchedulingType::Cooperative
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema)))
    }

    fn with_fetch(&self, fetch: Option<usize>) -> Option<Arc<dyn DataSource>> {
        let fetch = match (fetch, self.fetch) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        Some(Arc::new(Self {
            fetch,
            ..self.clone()
        }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.metrics.clone()
    }

    fn try_swapping_with_projection(
        &self,
        _projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

/// The batch in parts of at most so many rows. An empty one is a part.
fn cut(batch: RecordBatch, rows_max: usize) -> impl Iterator<Item = RecordBatch> {
    let rows = batch.num_rows();
    let rows_max = rows_max.max(1);
    let starts = (0..rows.max(1)).step_by(rows_max);
    starts.map(move |start| batch.slice(start, rows_max.min(rows - start)))
}
