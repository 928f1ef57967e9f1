//! Few rows of files, whose places were found while the scan was planned, as a source of a plan.
//!
//! DataFusion's own source of Parquet prepares each file for whatever may be asked of it: conditions,
//! what prunes by them, and two dozen metrics. For a hundred rows of each of fifty files that is most of
//! the work, so this source has none of it: there is nothing left to decide but the time.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, SchemaRef};
use datafusion::arrow::compute::cast_with_options;
use datafusion::common::Statistics;
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source::DataSource;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, PruningMetrics,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayFormatType, Partitioning};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::adapter::Adapt;
use super::chosen::Chosen;
use super::decoder::Decoder;
use super::named::named;
use super::reader::{Reader, Readers};
use super::tag_runs::TagRuns;
use crate::database::ColumnKind;
use crate::kinds;
use crate::record::FILES;

/// The most rows of a scan that are few: with more, a condition on a field that is decided before other
/// columns are unpacked gains more than is lost here.
const ROWS_MAX: usize = 1 << 17;

/// The most values that are worth no second thread, as to hand them over takes longer.
pub(crate) const FEW_VALUES: usize = 1 << 16;

/// How many files of a partition are read side by side.
const SIDE_BY_SIDE: usize = 2;

/// Rows of files, dealt to as many partitions as are wanted.
#[derive(Clone, Debug)]
pub(super) struct FewRows {
    of_table: Arc<OfTable>,
    partitions: Vec<Vec<Chosen>>,
    /// The number of values, at most.
    values: usize,
    metrics: ExecutionPlanMetricsSet,
}

/// A table, and what is asked for of it.
#[derive(Debug)]
pub(super) struct OfTable {
    pub(super) readers: Arc<Readers>,
    pub(super) adapt: Arc<Adapt>,
    /// All columns.
    pub(super) all: SchemaRef,
    /// Those that are asked for.
    pub(super) asked: SchemaRef,
}

/// Returns true if nothing but the time is left to decide of these rows, and they are few.
pub(super) fn are_few(files: &[Chosen]) -> bool {
    let rows: usize = files.iter().map(Chosen::count).sum();
    rows <= ROWS_MAX && files.iter().all(|file| file.is_decided)
}

impl FewRows {
    /// Rows of these files of a table, whose metrics are among those of having chosen them.
    pub(super) fn new(
        of_table: OfTable,
        files: Vec<Chosen>,
        partitions_max: usize,
        metrics: ExecutionPlanMetricsSet,
    ) -> Self {
        let rows: usize = files.iter().map(Chosen::count).sum();
        let values = rows.saturating_mul(of_table.asked.fields().len());
        let count = match values <= FEW_VALUES {
            true => 1,
            false => files.len().min(partitions_max).max(1),
        };
        let mut partitions = vec![Vec::new(); count];
        for (file, place) in files.into_iter().zip((0..count).cycle()) {
            if let Some(partition) = partitions.get_mut(place) {
                partition.push(file);
            }
        }
        Self {
            of_table: Arc::new(of_table),
            partitions,
            values,
            metrics,
        }
    }

    pub(super) fn values(&self) -> usize {
        self.values
    }
}

impl DataSource for FewRows {
    fn open(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(files) = self.partitions.get(partition) else {
            let text = format!("a scan has no partition {partition}");
            return Err(DataFusionError::Internal(text));
        };
        let reading = Arc::new(Reading {
            of_table: Arc::clone(&self.of_table),
            partition,
            rows_max: context.session_config().batch_size(),
            files: MetricBuilder::new(&self.metrics).pruning_metrics(FILES, partition),
            metrics: self.metrics.clone(),
        });
        let output = BaselineMetrics::new(&self.metrics, partition);
        let batches = stream::iter(files.clone())
            .map(move |file| Arc::clone(&reading).read(file))
            .flatten_unordered(SIDE_BY_SIDE)
            .inspect_ok(move |batch| output.record_output(batch.num_rows()));
        let schema = Arc::clone(&self.of_table.asked);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = form;
        let files = || self.partitions.iter().flatten();
        let rows: usize = files().map(Chosen::count).sum();
        let cut = files().filter(|file| !file.part.is_whole()).count();
        let columns = self.of_table.asked.fields().iter();
        let columns: Vec<&str> = columns.map(|field| field.name().as_str()).collect();
        write!(
            f,
            "files={}, rows={rows}, cut_by_time={cut}, projection=[{}], file_type=parquet",
            files().count(),
            columns.join(", ")
        )
    }

    fn output_partitioning(&self) -> Partitioning {
        Partitioning::UnknownPartitioning(self.partitions.len())
    }

    fn eq_properties(&self) -> EquivalenceProperties {
        EquivalenceProperties::new(Arc::clone(&self.of_table.asked))
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let unknown = Statistics::new_unknown(&self.of_table.asked);
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
    partition: usize,
    /// The most rows of a batch.
    rows_max: usize,
    files: PruningMetrics,
    metrics: ExecutionPlanMetricsSet,
}

impl Reading {
    /// The rows of a file.
    fn read(self: Arc<Self>, file: Chosen) -> BoxStream<'static, Result<RecordBatch>> {
        let place = Arc::clone(&file.part.file);
        let opened = async move { self.open(&file).await };
        let rows = stream::once(opened).try_flatten();
        rows.map_err(move |error| named(&*place, error)).boxed()
    }

    async fn open(&self, file: &Chosen) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let OfTable {
            readers,
            adapt,
            all,
            asked,
        } = &*self.of_table;
        let place = super::file(file.part.clone(), all, false);
        let mut reader = readers.reader(&place, self.partition, &self.metrics)?;
        let footer = reader.typed_footer().await.map_err(of_parquet)?;
        let tags = known_tags(&mut reader, asked, file).await?;
        let (columns, mask) = Columns::of_file(asked, tags, adapt, &footer)?;
        let decoder = Arc::new(Decoder::new(
            reader,
            footer,
            file.count().clamp(1, self.rows_max),
        ));
        let rows = match file.part.is_whole() {
            true => file.rows.clone(),
            false => {
                let time = kinds::time(all).map_or("", |time| time.name());
                let root = root(adapt, decoder.footer(), time).ok_or_else(|| lacks(time))?;
                within(&decoder, root, &file.rows, &file.part.times).await?
            }
        };
        self.files.add_matched(1);
        let batches = decoder.batches(mask, &rows)?;
        let mut places = rows.into_iter().flatten();
        let batches = batches.map(move |batch| {
            let batch = batch?;
            let places: Vec<usize> = places.by_ref().take(batch.num_rows()).collect();
            columns.of_table(&batch, &places)
        });
        Ok(batches.boxed())
    }
}

/// The runs of each of these columns that is a tag, where they need not be made from many rows for it.
async fn known_tags(
    reader: &mut Reader,
    asked: &SchemaRef,
    file: &Chosen,
) -> Result<Vec<Option<Arc<TagRuns>>>> {
    let mut tags = Vec::with_capacity(asked.fields().len());
    for field in asked.fields() {
        let runs = match kinds::of(field) {
            Some(ColumnKind::Tag) => reader.cheap_runs(field.name(), file.all).await,
            _ => Ok(None),
        };
        tags.push(runs.map_err(of_parquet)?);
    }
    Ok(tags)
}

/// Where the values of a column come from.
enum Values {
    /// The place in a batch.
    Read(usize),
    /// What is known of a tag.
    Known(Arc<TagRuns>),
    /// The file lacks the column.
    Absent,
}

/// The columns that are asked for, as batches of one file have them.
struct Columns {
    asked: SchemaRef,
    values: Vec<Values>,
}

impl Columns {
    /// The columns of a file, and what to read for them.
    fn of_file(
        asked: &SchemaRef,
        tags: Vec<Option<Arc<TagRuns>>>,
        adapt: &Adapt,
        footer: &ArrowReaderMetadata,
    ) -> Result<(Self, ProjectionMask)> {
        let mut values = Vec::with_capacity(asked.fields().len());
        for (field, tag) in asked.fields().iter().zip(tags) {
            let root = root(adapt, footer, field.name());
            values.push(match (tag, root) {
                (Some(runs), _) => Values::Known(runs),
                (None, Some(root)) => Values::Read(root),
                (None, None) if field.is_nullable() => Values::Absent,
                (None, None) => return Err(lacks(field.name())),
            });
        }
        let read = |values: &Values| match values {
            Values::Read(root) => Some(*root),
            Values::Known(_) | Values::Absent => None,
        };
        let mut read: Vec<usize> = values.iter().filter_map(read).collect();
        read.sort_unstable();
        for values in &mut values {
            if let Values::Read(root) = values {
                // A batch has the columns in the order of the file.
                *root = read.partition_point(|other| other < root);
            }
        }
        let columns = Self {
            asked: Arc::clone(asked),
            values,
        };
        let mask = ProjectionMask::roots(footer.parquet_schema(), read);
        Ok((columns, mask))
    }

    /// The rows of a batch, whose places in the file ascend, with the columns and types that the table
    /// has.
    fn of_table(&self, batch: &RecordBatch, places: &[usize]) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let fields = self.asked.fields().iter();
        let columns = fields.zip(&self.values).map(|(field, values)| {
            let column = match values {
                Values::Read(place) => Arc::clone(batch.column(*place)),
                Values::Known(runs) => runs.few_at(places),
                Values::Absent => return Ok(new_null_array(field.data_type(), rows)),
            };
            if column.data_type() == field.data_type() {
                return Ok(column);
            }
            cast_with_options(&column, field.data_type(), &DEFAULT_CAST_OPTIONS)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let asked = Arc::clone(&self.asked);
        Ok(RecordBatch::try_new_with_options(asked, columns, &options)?)
    }
}

/// The place of a column of the table among those of a file.
fn root(adapt: &Adapt, footer: &ArrowReaderMetadata, column: &str) -> Option<usize> {
    let stored = adapt.stored(column)?;
    let (root, _) = footer.schema().column_with_name(stored)?;
    Some(root)
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

fn lacks(column: &str) -> DataFusionError {
    DataFusionError::Internal(format!("a file lacks column {column:?}"))
}

fn of_parquet(error: ParquetError) -> DataFusionError {
    DataFusionError::ParquetError(Box::new(error))
}
