//! Rows of files of which nothing is left to decide but the time, as a source of a plan: few of them, whose
//! places were found while the scan was planned, or all of small files.
//!
//! DataFusion's own source of Parquet prepares each file for whatever may be asked of it: conditions,
//! what prunes by them, two dozen metrics, and what unpacks each column. For a hundred rows of each of
//! fifty files that is most of the work, and for all rows of a small file half of it, so this source has
//! none of it.

use std::any::Any;
use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, iter};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{ArrowError, SchemaRef};
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::datasource::source::{DataSource, OpenArgs};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::metrics::{
    BaselineMetrics, Count, ExecutionPlanMetricsSet, MetricBuilder, PruningMetrics,
};
use datafusion::physical_plan::{DisplayFormatType, Partitioning};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::adapter::Adapt;
use super::chosen::Chosen;
use super::columns::{self, Columns, of_parquet};
use super::decoder::Decoder;
use super::kept::Kept;
use super::named::named;
use super::reader::{self, Readers};
use super::shapes::Shapes;
use crate::database::ParquetFile;
use crate::deadline;
use crate::kinds;
use crate::record::FILES;

/// The most rows of a scan that are few: with more, a condition on a field that is decided before other
/// columns are unpacked gains more than is lost here.
const ROWS_MAX: usize = 1 << 17;

/// The most values that are worth no second thread, as to hand them over takes longer.
pub(crate) const FEW_VALUES: usize = 1 << 16;

/// How many files of a partition are read side by side.
const SIDE_BY_SIDE: usize = 2;

/// Rows of files, which as many partitions as are wanted take one after the other.
#[derive(Clone, Debug)]
pub(super) struct Decoded {
    of_table: Arc<OfTable>,
    asked: Asked,
    files: Vec<Rows>,
    partitions: usize,
    /// The number of values, at most; none if it is not known.
    values: Option<usize>,
    metrics: ExecutionPlanMetricsSet,
}

/// The columns that are asked for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// As the table has them.
    pub(super) of_table: SchemaRef,
    /// The same under the names that they are given.
    pub(super) given: SchemaRef,
}

/// What the files of a table are read with.
#[derive(Debug)]
pub(super) struct OfTable {
    pub(super) readers: Arc<Readers>,
    pub(super) adapt: Arc<Adapt>,
    /// All columns.
    pub(super) all: SchemaRef,
    pub(super) shapes: Arc<Shapes>,
}

/// The rows to read of a file.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    /// Those that were chosen.
    Chosen(Chosen),
    /// All of them.
    All(Arc<dyn ParquetFile>),
}

impl Rows {
    fn file(&self) -> &Arc<dyn ParquetFile> {
        match self {
            Self::Chosen(chosen) => &chosen.part.file,
            Self::All(file) => file,
        }
    }

    fn kept(&self) -> Option<&Arc<Kept>> {
        match self {
            Self::Chosen(chosen) => chosen.kept.as_ref(),
            Self::All(_) => None,
        }
    }
}

/// The files that no partition has taken yet.
type Left = Arc<Mutex<VecDeque<Rows>>>;

/// Returns true if nothing but the time is left to decide of these rows, and they are few.
pub(super) fn are_few(files: &[Chosen]) -> bool {
    let rows: usize = files.iter().map(Chosen::count).sum();
    rows <= ROWS_MAX && files.iter().all(|file| file.is_decided)
}

impl Decoded {
    /// Rows that were chosen, with the metrics of having chosen them.
    pub(super) fn chosen(
        of_table: Arc<OfTable>,
        of_rows: SchemaRef,
        files: Vec<Chosen>,
        partitions_max: usize,
        metrics: ExecutionPlanMetricsSet,
    ) -> Self {
        let rows: usize = files.iter().map(Chosen::count).sum();
        let values = rows.saturating_mul(of_rows.fields().len());
        let partitions = match values <= FEW_VALUES {
            true => 1,
            false => files.len().min(partitions_max).max(1),
        };
        Self {
            of_table,
            asked: Asked {
                of_table: Arc::clone(&of_rows),
                given: of_rows,
            },
            files: files.into_iter().map(Rows::Chosen).collect(),
            partitions,
            values: Some(values),
            metrics,
        }
    }

    /// All rows of files.
    pub(super) fn all(
        of_table: Arc<OfTable>,
        asked: Asked,
        files: Vec<Arc<dyn ParquetFile>>,
        partitions: usize,
    ) -> Self {
        Self {
            of_table,
            asked,
            files: files.into_iter().map(Rows::All).collect(),
            partitions,
            values: None,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    pub(super) fn values(&self) -> Option<usize> {
        self.values
    }

    fn rows(
        &self,
        partition: usize,
        left: Left,
        context: &TaskContext,
    ) -> SendableRecordBatchStream {
        let reading = Arc::new(Reading {
            of_table: Arc::clone(&self.of_table),
            asked: self.asked.clone(),
            rows_max: context.session_config().batch_size(),
            files: MetricBuilder::new(&self.metrics).pruning_metrics(FILES, partition),
            scanned: reader::scanned(&self.metrics, partition),
        });
        let output = BaselineMetrics::new(&self.metrics, partition);
        let next = move || {
            left.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_front()
        };
        let batches = stream::iter(iter::from_fn(next))
            .map(move |file| Arc::clone(&reading).read(file))
            .flatten_unordered(SIDE_BY_SIDE)
            .inspect_ok(move |batch| output.record_output(batch.num_rows()));
        deadline::watched_source(context, &self.asked.given, batches)
    }
}

impl DataSource for Decoded {
    fn open(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.open_with_args(OpenArgs::new(partition, context))
    }

    fn open_with_args(&self, args: OpenArgs) -> Result<SendableRecordBatchStream> {
        let OpenArgs {
            partition,
            context,
            sibling_state,
        } = args;
        if partition >= self.partitions {
            let text = format!("a scan has no partition {partition}");
            return Err(DataFusionError::Internal(text));
        }
        let shared =
            sibling_state.and_then(|shared| shared.downcast::<Mutex<VecDeque<Rows>>>().ok());
        let left = shared.unwrap_or_else(|| {
            let own = self.files.iter().skip(partition).step_by(self.partitions);
            Arc::new(Mutex::new(own.cloned().collect()))
        });
        Ok(self.rows(partition, left, &context))
    }

    /// What is left of the files, from which each partition takes the next one.
    fn create_sibling_state(&self, config: &ConfigOptions) -> Option<Arc<dyn Any + Send + Sync>> {
        let is_shared = config.execution.enable_file_stream_work_stealing;
        is_shared.then(|| {
            let left: Left = Arc::new(Mutex::new(self.files.iter().cloned().collect()));
            left as _
        })
    }

    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = form;
        let chosen = || {
            self.files.iter().filter_map(|file| match file {
                Rows::Chosen(chosen) => Some(chosen),
                Rows::All(_) => None,
            })
        };
        write!(f, "files={}", self.files.len())?;
        if self.values.is_some() {
            let rows: usize = chosen().map(Chosen::count).sum();
            let cut = chosen().filter(|file| !file.part.is_whole()).count();
            write!(f, ", rows={rows}, cut_by_time={cut}")?;
        }
        let columns = self.asked.of_table.fields().iter();
        let columns: Vec<&str> = columns.map(|field| field.name().as_str()).collect();
        write!(
            f,
            ", projection=[{}], file_type=parquet",
            columns.join(", ")
        )
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions)
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.asked.given))
    }

    /// Else a node above would be put into the plan, and all that are above that made anew.
    fn scheduling_type(&self) -> SchedulingType {
        SchedulingType::Cooperative
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let unknown = Statistics::new_unknown(&self.asked.given);
        Ok(Arc::new(unknown))
    }

    fn with_fetch(&self, _fetch: Option<usize>) -> Option<Arc<dyn DataSource>> {
        None
    }

    fn fetch(&self) -> Option<usize> {
        None
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

/// A partition that is being read.
struct Reading {
    of_table: Arc<OfTable>,
    asked: Asked,
    /// The most rows of a batch.
    rows_max: usize,
    files: PruningMetrics,
    scanned: Count,
}

impl Reading {
    /// The rows of a file.
    fn read(self: Arc<Self>, rows: Rows) -> BoxStream<'static, Result<RecordBatch>> {
        let file = Arc::clone(rows.file());
        let opened = async move { self.open(rows).await };
        let rows = stream::once(opened).try_flatten();
        rows.map_err(move |error| named(&*file, error)).boxed()
    }

    async fn open(&self, rows: Rows) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let Asked { of_table, given } = &self.asked;
        let OfTable {
            readers,
            adapt,
            all,
            shapes,
        } = &*self.of_table;
        let kept = rows.kept().cloned();
        let mut reader = readers.reader_with(rows.file(), kept, self.scanned.clone())?;
        let footer = reader.typed_footer().await.map_err(of_parquet)?;
        let in_file = reader.rows().await.map_err(of_parquet)?;
        let (rows, times) = match rows {
            Rows::Chosen(Chosen { part, rows, .. }) => {
                (rows, (!part.is_whole()).then_some(part.times))
            }
            Rows::All(_) => (iter::once(0..in_file).collect(), None),
        };
        let tags = columns::known_tags(&mut reader, of_table, in_file).await?;
        let (columns, mask) = Columns::of_file(of_table, given, tags, adapt, &footer)?;
        let count: usize = rows.iter().map(ExactSizeIterator::len).sum();
        let rows_max = count.clamp(1, self.rows_max);
        let decoder = Decoder::new(reader, footer, Arc::clone(shapes), rows_max);
        let decoder = Arc::new(decoder);
        let rows = match times {
            None => rows,
            Some(times) => {
                let time = kinds::time(all).map_or("", |time| time.name());
                let root = columns::root(adapt, decoder.footer(), time);
                let root = root.ok_or_else(|| columns::lacks(time))?;
                within(&decoder, root, &rows, &times).await?
            }
        };
        self.files.add_matched(1);
        let batches = decoder.batches(mask, &rows)?;
        let mut places = rows.into_iter().flatten();
        let batches = batches.map(move |batch| columns.of_table(&batch?, &mut places));
        Ok(batches.boxed())
    }
}

/// Those of these rows that have one of these times (nanoseconds, both ends included), which are in a
/// column of the file.
async fn within(
    decoder: &Arc<Decoder>,
    time: usize,
    rows: &[Range<usize>],
    times: &RangeInclusive<i64>,
) -> Result<Vec<Range<usize>>> {
    let only = ProjectionMask::roots(decoder.footer().parquet_schema(), [time]);
    let mut batches = decoder.batches(only, rows)?;
    let mut places = rows.iter().cloned().flatten();
    let mut within: Vec<Range<usize>> = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let column = batch.columns().first();
        let time_ns =
            column.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
        let time_ns = time_ns.ok_or_else(|| {
            ArrowError::SchemaError("a file has a time that is not in nanoseconds".to_owned())
        })?;
        // The places are the longer ones: none is taken for a time that does not come.
        for (time_ns, place) in time_ns.iter().zip(places.by_ref()) {
            if time_ns.is_none_or(|time_ns| !times.contains(&time_ns)) {
                continue;
            }
            match within.last_mut() {
                Some(last) if last.end == place => last.end += 1,
                _ => within.push(place..place + 1),
            }
        }
    }
    Ok(within)
}
