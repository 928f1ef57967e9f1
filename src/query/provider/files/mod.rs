//! Files that need no merge, as sources of DataFusion's own.
//!
//! ```text
//! Files > chosen rows > a few of them  ── decoder         ─┐
//!                     > small files, whole, ──┘            ├ reader (bytes, footer) > adapter (names, types)
//!                     │ without conditions                 │
//!                     > others          ── Parquet source ─┘
//! ```
//!
//! Of files whose tags are asked for, the rows of the series that pass are looked up while the scan is
//! planned, among runs that the cache of footers keeps. So is, for who asks for the newest row of each
//! series, which file has it. A few small files are read the same way for a range of times alone.
//!
//! Promises: rows outside of a part's times, and rows that the conditions on tags exclude, do not
//! come, to the nanosecond; whatever can be left unread for it is. Conditions on fields may be pushed
//! into these sources by DataFusion, since no other place has a newer value.

mod adapter;
mod chosen;
mod columns;
mod combinations;
mod condition;
mod decoded;
mod decoder;
mod few;
mod footer;
mod kept;
mod named;
mod packed;
mod reader;
mod runs;
mod series_ends;
mod shapes;
mod shares;
mod tag_runs;
mod tag_values;
mod unconditioned;

use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource,
};
use datafusion::datasource::source::{DataSource, DataSourceExec};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;

pub(super) use self::combinations::{OfTable, of};
pub(crate) use self::decoded::FEW_VALUES;
pub(crate) use self::named::NameFiles;

use self::adapter::Adapt;
use self::chosen::{Chosen, Wanted};
use self::condition::Bounds;
use self::decoded::{Decoded, OfTable as Table};
use self::named::{Latest, Named};
use self::reader::{KEPT_BYTES_MAX, Readers};
use self::runs::Run;
use super::in_order::InOrder;
use crate::database::{ColumnKind, FilePart, Files, TagFilter};
use crate::kinds;

/// What a scan asks of files.
pub(super) struct Asked<'a> {
    /// All columns of the table.
    pub(super) schema: &'a SchemaRef,
    /// The places of those that are asked for; absent if all are.
    pub(super) projection: Option<&'a Vec<usize>>,
    /// The conditions on tags.
    pub(super) tags: &'a [TagFilter],
    /// Present if of each series no more than the newest row is needed that has these columns.
    pub(super) newest: Option<&'a [&'a str]>,
    /// The most rows that anybody wants.
    pub(super) limit: Option<usize>,
    /// True if the rows of some times are asked for, and not all.
    pub(super) is_bounded: bool,
    /// The order of series and time in the columns that are asked for, if rows are wanted in it.
    pub(super) order: Option<&'a InOrder>,
    /// The most runs of rows in that order that may be read side by side.
    pub(super) runs_max: usize,
}

/// What reads files.
#[derive(Default)]
pub(super) struct Plans {
    pub(super) plans: Vec<Arc<dyn ExecutionPlan>>,
    /// True if each of their partitions has the order that was asked for.
    pub(super) are_in_order: bool,
}

/// Of so many files, and no more, the footers are looked at for a range of times without other conditions: a
/// panel of a dashboard asks for the rows of some hours, which may be few, and many files have many.
const FEW_FILES: usize = 4;

impl Asked<'_> {
    /// The names of the columns that are asked for.
    fn columns(&self) -> impl Iterator<Item = &str> {
        let all = self.schema.fields();
        let places = self.projection.cloned();
        let places = places.unwrap_or_else(|| (0..all.len()).collect());
        places
            .into_iter()
            .filter_map(|place| Some(all.get(place)?.name().as_str()))
    }

    /// The most values that these rows have.
    fn values(&self, files: &[Chosen]) -> usize {
        let columns = self.projection.map_or(self.schema.fields().len(), Vec::len);
        let rows: usize = files.iter().map(Chosen::count).sum();
        rows.saturating_mul(columns.max(1))
    }
}

/// Plans that read these files: one if few rows of them are needed and known, else one for whole files
/// and one for parts of them.
///
/// # Errors
/// What tags a file has cannot be read.
pub(super) async fn plans(state: &dyn Session, asked: &Asked<'_>, files: Files) -> Result<Plans> {
    let Files { columns, mut parts } = files;
    parts.sort_by_key(|part| std::cmp::Reverse(*part.bounds.end()));
    let adapt = Arc::new(Adapt::new(&columns, asked.schema));
    let readers = Arc::new(Readers::new(state, Arc::clone(&adapt)));
    let of_table = Table {
        readers,
        adapt,
        all: Arc::clone(asked.schema),
        shapes: Arc::default(),
    };
    let source = Source {
        state,
        asked,
        of_table: Arc::new(of_table),
    };
    let is_conditioned = !asked.tags.is_empty() || asked.newest.is_some();
    if !is_conditioned && (!asked.is_bounded || parts.len() > FEW_FILES) {
        let all = parts.into_iter().map(|part| (part, None));
        return source.parquet(all.collect(), &[]).await;
    }
    let wanted = Wanted {
        tags: asked.tags,
        newest: asked.newest,
        schema: asked.schema,
    };
    let metrics = ExecutionPlanMetricsSet::new();
    let chosen = chosen::of(&source.of_table.readers, parts, &wanted, &metrics).await?;
    if chosen.is_empty() {
        return Ok(Plans {
            plans: Vec::new(),
            are_in_order: true,
        });
    }
    if decoded::are_few(&chosen) && (is_conditioned || asked.values(&chosen) <= FEW_VALUES) {
        return Ok(Plans {
            plans: vec![source.few(chosen, metrics)?],
            are_in_order: false,
        });
    }
    let is_decided = chosen.iter().all(|file| file.is_decided);
    let chosen = chosen.into_iter().map(|file| {
        // Without conditions the source finds the pages of the times itself.
        let is_cut = is_conditioned && file.count() < file.all;
        let rows = is_cut.then(|| file.selection());
        (file.part, rows)
    });
    let tags = if is_decided { &[] } else { asked.tags };
    source.parquet(chosen.collect(), tags).await
}

/// The most values that a source reads of files; none if that is not known.
pub(super) fn values_at_most(source: &Arc<dyn DataSource>) -> Option<usize> {
    source.downcast_ref::<Decoded>()?.values()
}

/// What makes plans of files.
struct Source<'a> {
    state: &'a dyn Session,
    asked: &'a Asked<'a>,
    of_table: Arc<Table>,
}

/// A part of a file, with the rows to read if they are not all.
type Selected = (FilePart, Option<RowSelection>);

impl Source<'_> {
    /// A plan that reads a few rows.
    fn few(
        self,
        files: Vec<Chosen>,
        metrics: ExecutionPlanMetricsSet,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.asked.schema;
        let asked = match self.asked.projection {
            Some(places) => Arc::new(all.project(places)?),
            None => Arc::clone(all),
        };
        let partitions = self.state.config().target_partitions();
        let rows = Decoded::chosen(self.of_table, asked, files, partitions, metrics);
        Ok(DataSourceExec::from_data_source(rows))
    }

    /// Plans of DataFusion's own for whole files and for parts of them, whose rows have to pass these
    /// conditions on tags.
    async fn parquet(self, files: Vec<Selected>, tags: &[TagFilter]) -> Result<Plans> {
        let (whole, cut): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|(part, _)| part.is_whole());
        let runs = match self.asked.order {
            Some(_) => self.runs(&whole, &cut).await?,
            None => None,
        };
        let are_in_order = runs.is_some();
        let [whole, cut] = match runs {
            Some(runs) => runs.map(Dealt::Runs),
            None => [whole, cut].map(Dealt::Freely),
        };
        let plans = [(whole, false), (cut, true)].into_iter();
        let plans = plans.filter(|(files, _)| !files.is_empty());
        let plans = plans.map(|(files, is_cut)| self.plan(files, is_cut, tags));
        Ok(Plans {
            plans: plans.collect::<Result<_>>()?,
            are_in_order,
        })
    }

    /// Whole files and parts of files as runs of rows in order, if they are few and little is held to read
    /// all of them side by side.
    async fn runs(&self, whole: &[Selected], cut: &[Selected]) -> Result<Option<[Vec<Run>; 2]>> {
        let most = self.asked.runs_max;
        let (Some(whole), Some(cut)) = (runs::of(whole, most), runs::of(cut, most)) else {
            return Ok(None);
        };
        let all = || whole.iter().chain(&cut);
        if all().count() > most {
            return Ok(None);
        }
        let fits = runs::fit(&self.of_table.readers, all(), self.asked, self.state).await?;
        Ok(fits.then_some([whole, cut]))
    }

    fn plan(
        &self,
        files: Dealt,
        is_cut: bool,
        tags: &[TagFilter],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (state, asked) = (self.state, self.asked);
        let bounds = is_cut.then(|| Bounds::beside(asked.schema));
        let of_file = bounds.as_ref().map(Bounds::fields).unwrap_or_default();
        let table = TableSchema::builder(Arc::clone(asked.schema))
            .with_table_partition_cols(of_file)
            .build();
        let condition = condition::of(state, &table, bounds.as_ref(), tags)?;
        let mut source = ParquetSource::new(table)
            .with_table_parquet_options(options(state))
            .with_parquet_file_reader_factory(Arc::clone(&self.of_table.readers) as _);
        if let Some(condition) = condition {
            source = source.with_predicate(condition);
        }
        let latest = Arc::<Latest>::default();
        let file = |(part, rows): Selected| {
            let file = file(part, asked.schema, is_cut)
                .with_extension(Arc::clone(&latest))
                .with_extension(Arc::clone(&self.of_table));
            match rows {
                Some(rows) => file.with_extension(ParquetRowSelection::new(rows)),
                None => file,
            }
        };
        let is_in_order = matches!(files, Dealt::Runs(_));
        let groups = match files {
            Dealt::Freely(files) => groups(
                files.into_iter().map(file).collect(),
                state.config().target_partitions(),
            ),
            Dealt::Runs(runs) => {
                let runs = runs.into_iter();
                runs.map(|run| run.into_iter().map(file).collect())
                    .map(FileGroup::new)
                    .collect()
            }
        };
        let all: Vec<usize> = (0..asked.schema.fields().len()).collect();
        let projection = asked.projection.cloned().unwrap_or(all);
        // The place is never looked at: bytes come from the readers.
        let nowhere = ObjectStoreUrl::local_filesystem();
        let scan: FileScanConfig = FileScanConfigBuilder::new(nowhere, Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(projection))?
            .with_limit(asked.limit)
            .with_expr_adapter(Some(Arc::clone(&self.of_table.adapt) as _))
            .with_preserve_order(is_in_order)
            .build();
        Ok(match asked.order.filter(|_| is_in_order) {
            Some(order) => DataSourceExec::from_data_source(Named::in_order(scan, latest, order)),
            None => DataSourceExec::from_data_source(scan),
        })
    }
}

/// Files, dealt to partitions.
enum Dealt {
    /// As is fastest.
    Freely(Vec<Selected>),
    /// A run of rows in order to each.
    Runs(Vec<Run>),
}

impl Dealt {
    fn is_empty(&self) -> bool {
        match self {
            Self::Freely(files) => files.is_empty(),
            Self::Runs(runs) => runs.is_empty(),
        }
    }
}

/// The options of reading: conditions are decided row by row, so that nothing above has to do it.
fn options(state: &dyn Session) -> TableParquetOptions {
    let mut options = state.table_options().parquet.clone();
    options.global.pushdown_filters = true;
    options.global.reorder_filters = true;
    // No file has them.
    options.global.bloom_filter_on_read = false;
    options.global.max_predicate_cache_size = Some(KEPT_BYTES_MAX);
    options
}

/// The files, in order, in as many groups as may be read side by side. Whoever is done with its group
/// takes over from the others.
fn groups(files: Vec<PartitionedFile>, side_by_side: usize) -> Vec<FileGroup> {
    let shares: Vec<PartitionedFile> = files.into_iter().flat_map(shares::of).collect();
    let count = shares.len().min(side_by_side).max(1);
    let mut groups = vec![Vec::new(); count];
    for (share, place) in shares.into_iter().zip((0..count).cycle()) {
        if let Some(group) = groups.get_mut(place) {
            group.push(share);
        }
    }
    groups.into_iter().map(FileGroup::new).collect()
}

fn file(part: FilePart, schema: &SchemaRef, is_cut: bool) -> PartitionedFile {
    let time = |time_ns: i64| ScalarValue::TimestampNanosecond(Some(time_ns), None);
    let mut file = PartitionedFile::new(part.file.path(), part.file.bytes());
    if is_cut {
        file.partition_values = vec![time(*part.times.start()), time(*part.times.end())];
    } else {
        let columns = schema.fields().iter().map(|field| match kinds::of(field) {
            Some(ColumnKind::Time) => ColumnStatistics {
                min_value: Precision::Exact(time(*part.bounds.start())),
                max_value: Precision::Exact(time(*part.bounds.end())),
                null_count: Precision::Exact(0),
                ..ColumnStatistics::new_unknown()
            },
            _ => ColumnStatistics::new_unknown(),
        });
        file = file.with_statistics(Arc::new(Statistics {
            num_rows: Precision::Absent,
            total_byte_size: Precision::Absent,
            column_statistics: columns.collect(),
        }));
    }
    file.with_extension(part.file)
}
