//! Files that are named if their bytes make no sense.
//!
//! What unpacks the pages of a file says what is wrong with them, and not in which file. Each partition
//! of a scan reads one file at a time, so it is the one whose pages were asked for last. What we unpack
//! ourselves has that name already.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::ArrowError;
use datafusion::common::Statistics;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::{DataSource, DataSourceExec, OpenArgs};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::filter_pushdown::FilterPushdownPropagation;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, ExecutionPlan, Partitioning};
use futures_util::TryStreamExt;

use super::super::in_order::InOrder;
use super::unconditioned;
use crate::database::ParquetFile;
use crate::deadline;
use crate::physical::each_node::{Change, Node};

/// The file of a scan whose pages each partition has asked for last.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<HashMap<usize, Arc<dyn ParquetFile>>>);

impl Latest {
    pub(super) fn reads(&self, partition: usize, file: &Arc<dyn ParquetFile>) {
        self.lock().insert(partition, Arc::clone(file));
    }

    /// The error with the name of the file that it is about, if it has none.
    fn named(&self, partition: usize, error: DataFusionError) -> DataFusionError {
        match self.lock().get(&partition) {
            Some(file) => named(&**file, error),
            None => error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Arc<dyn ParquetFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error of reading a file, with the name of that if it is about its bytes.
pub(super) fn named(file: &dyn ParquetFile, error: DataFusionError) -> DataFusionError {
    match reason(&error) {
        Some(reason) => DataFusionError::External(Box::new(file.damaged(reason))),
        None => error,
    }
}

/// What is wrong with the bytes of a file; none if the error is another one.
fn reason(error: &DataFusionError) -> Option<String> {
    match error {
        DataFusionError::ParquetError(error) => match &**error {
            ParquetError::External(_) => None,
            error => Some(error.to_string()),
        },
        DataFusionError::ArrowError(error, _) => match &**error {
            ArrowError::ParquetError(reason) => Some(reason.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Does so with each scan of files, or reads them without DataFusion's source where that has nothing to
/// decide. Other rules look for what is there, so it is the last.
#[derive(Debug)]
pub(crate) struct NameFiles;

impl Change for NameFiles {
    const NAME: &'static str = "name_files";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let scan = node.downcast_ref::<DataSourceExec>();
        let scan = scan.and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        let read = scan.map(read).transpose()?.flatten();
        Ok(match read {
            Some(read) => Transformed::yes(read),
            None => Transformed::no(node),
        })
    }
}

/// A scan of files that are named, if it is one of ours.
fn read(scan: &FileScanConfig) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(decoded) = unconditioned::decoded(scan)? {
        return Ok(Some(DataSourceExec::from_data_source(decoded)));
    }
    let mut files = scan.file_groups.iter().flat_map(|group| group.iter());
    let latest = files
        .next()
        .and_then(|file| file.extension::<Arc<Latest>>());
    let named = latest.map(|latest| Named {
        scan: Arc::new(scan.clone()),
        latest: Arc::clone(latest),
        order: None,
    });
    Ok(named.map(|named| DataSourceExec::from_data_source(named) as _))
}

/// A scan of files, as it was but for its errors, and for an order that no statistics tell.
#[derive(Clone, Debug)]
pub(super) struct Named {
    scan: Arc<dyn DataSource>,
    latest: Arc<Latest>,
    /// The order of the rows of each partition, if it has one that only we know of.
    order: Option<InOrder>,
}

impl Named {
    /// A scan whose partitions have this order.
    pub(super) fn in_order(scan: FileScanConfig, latest: Arc<Latest>, order: &InOrder) -> Self {
        Self {
            scan: Arc::new(scan),
            latest,
            order: Some(order.clone()),
        }
    }

    fn over(&self, scan: Arc<dyn DataSource>) -> Arc<dyn DataSource> {
        Arc::new(Self {
            scan,
            ..self.clone()
        })
    }
}

impl DataSource for Named {
    fn open(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.open_with_args(OpenArgs::new(partition, context))
    }

    fn open_with_args(&self, args: OpenArgs) -> Result<SendableRecordBatchStream> {
        let (partition, latest) = (args.partition, Arc::clone(&self.latest));
        let context = Arc::clone(&args.context);
        let rows = self.scan.open_with_args(args)?;
        let schema = rows.schema();
        let rows = deadline::watched(&context, rows);
        let rows = rows.map_err(move |error| latest.named(partition, error));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scan.fmt_as(form, f)
    }

    fn output_partitioning(&self) -> Partitioning {
        self.scan.output_partitioning()
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        let mut properties = self.scan.eq_properties();
        if let Some(order) = &self.order {
            order.add_to(&mut properties);
        }
        properties
    }

    fn scheduling_type(&self) -> SchedulingType {
        self.scan.scheduling_type()
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        self.scan.partition_statistics(partition)
    }

    fn with_fetch(&self, fetch: Option<usize>) -> Option<Arc<dyn DataSource>> {
        Some(self.over(self.scan.with_fetch(fetch)?))
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.fetch()
    }

    fn metrics(&self) -> ExecutionPlanMetricsSet {
        self.scan.metrics()
    }

    fn try_swapping_with_projection(
        &self,
        _projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn DataSource>>> {
        Ok(None)
    }

    /// Columns are found by their places among those of the scan, which stay.
    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn DataSource>>> {
        let pushed = self.scan.try_pushdown_filters(filters, config)?;
        Ok(FilterPushdownPropagation {
            filters: pushed.filters,
            updated_node: pushed.updated_node.map(|scan| self.over(scan)),
        })
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.scan.apply_expressions(f)
    }

    fn with_new_state(&self, state: Arc<dyn Any + Send + Sync>) -> Option<Arc<dyn DataSource>> {
        Some(self.over(self.scan.with_new_state(state)?))
    }

    fn create_sibling_state(&self, config: &ConfigOptions) -> Option<Arc<dyn Any + Send + Sync>> {
        self.scan.create_sibling_state(config)
    }
}
