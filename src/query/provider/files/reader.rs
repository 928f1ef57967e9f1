//! The bytes of files, as Parquet's reader asks for them.
//!
//! What it holds is counted: the bytes of pages from when they are asked for until it drops them, at
//! twice their size, since one page of each column is unpacked at a time, and a fixed size for values
//! that it keeps. Footers, and which rows have which value of a tag ([`TagRuns`]), are kept for the
//! next question in a cache that has a size of its own.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use bytes::Bytes;
use datafusion::catalog::Session;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::FileMetadata;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use datafusion::parquet::errors::{ParquetError, Result as ParquetResult};
use datafusion::parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};

use super::adapter::Adapt;
use super::footer;
use super::kept::{Footers, Kept, What};
use super::named::Latest;
use super::series_ends::{KnownEnds, SeriesEnds};
use super::tag_runs::{Known, TagRuns, TagRunsBuilder};
use crate::database::{ColumnKind, DatabaseError, ParquetFile, TagFilter};
use crate::kinds;

/// The size of the first read of a file: footers of files with some hundred columns fit.
const FOOTER_BYTES: usize = 64 << 10;

/// The most bytes of unpacked values that a file keeps because a condition and the answer both need
/// them.
pub(super) const KEPT_BYTES_MAX: usize = 1 << 20;

/// The rows of a tag that are unpacked at a time: 256 KiB, which is part of what each reader has.
const RUN_BATCH_ROWS: usize = 64 << 10;

/// The most rows of a file whose tags are all unpacked for an answer that has few of the rows: not many
/// more than a page has.
const CHEAP_ROWS: usize = 64 << 10;

/// The name of the metric of bytes that were read, as Parquet's sources call it.
const SCANNED: &str = "bytes_scanned";

/// The factor by which what is held while pages are unpacked exceeds their bytes in the file.
pub(super) const UNPACKED: usize = 2;

/// Makes readers of the files of one scan.
#[derive(Debug)]
pub(super) struct Readers {
    adapt: Arc<Adapt>,
    memory: Arc<dyn MemoryPool>,
    footers: Footers,
}

impl Readers {
    pub(super) fn new(state: &dyn Session, adapt: Arc<Adapt>) -> Self {
        let runtime = state.runtime_env();
        Self {
            adapt,
            memory: Arc::clone(&runtime.memory_pool),
            footers: Footers::new(runtime.cache_manager.get_file_metadata_cache()),
        }
    }
}

impl Readers {
    /// A reader of a file, which counts the bytes that it reads.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn reader(&self, file: &Arc<dyn ParquetFile>, scanned: Count) -> Result<Reader> {
        let memory = MemoryConsumer::new("files").register(&self.memory);
        memory.try_grow(KEPT_BYTES_MAX)?;
        Ok(Reader {
            file: Arc::clone(file),
            adapt: Arc::clone(&self.adapt),
            latest: None,
            memory,
            footers: self.footers.clone(),
            kept: None,
            scanned,
        })
    }

    /// The same of a file of which something is known.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn reader_with(
        &self,
        file: &Arc<dyn ParquetFile>,
        kept: Option<Arc<Kept>>,
        scanned: Count,
    ) -> Result<Reader> {
        let reader = self.reader(file, scanned)?;
        Ok(Reader { kept, ..reader })
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition_index: usize,
        partitioned_file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let Some(file) = partitioned_file.extension::<Arc<dyn ParquetFile>>() else {
            let text = "a scan has a file that cannot be read".to_owned();
            return Err(DataFusionError::Internal(text));
        };
        let mut reader = self.reader(file, scanned(metrics, partition_index))?;
        reader.latest = partitioned_file
            .extension::<Arc<Latest>>()
            .map(|latest| (Arc::clone(latest), partition_index));
        Ok(Box::new(reader))
    }
}

/// The count of the bytes that a partition of a scan reads.
pub(super) fn scanned(metrics: &ExecutionPlanMetricsSet, partition: usize) -> Count {
    MetricBuilder::new(metrics).counter(SCANNED, partition)
}

/// A reader of one file.
pub(super) struct Reader {
    file: Arc<dyn ParquetFile>,
    adapt: Arc<Adapt>,
    /// Where the scan notes what it reads, and the partition that does; none while it is planned.
    latest: Option<(Arc<Latest>, usize)>,
    /// What is kept of unpacked values. What is read takes more beside it.
    pub(super) memory: MemoryReservation,
    footers: Footers,
    /// What the cache has of the file, once somebody has asked for it: to look it up takes longer than most of
    /// what it is for.
    kept: Option<Arc<Kept>>,
    /// The bytes that were read.
    scanned: Count,
}

impl Reader {
    pub(super) async fn read(&self, ranges: Vec<Range<u64>>) -> ParquetResult<Vec<Bytes>> {
        let sizes = ranges.iter().map(|range| range.end - range.start);
        let size = usize::try_from(sizes.sum::<u64>()).unwrap_or(usize::MAX);
        let taken = self.memory.new_empty();
        let taken = taken
            .try_grow(size.saturating_mul(UNPACKED))
            .map(|()| taken);
        let taken = Arc::new(taken.map_err(|error| ParquetError::External(Box::new(error)))?);
        self.scanned.add(size);
        let read = self.file.read(ranges).await.map_err(failed)?;
        let held = read.into_iter().map(|bytes| {
            let taken = Arc::clone(&taken);
            Bytes::from_owner(Held { bytes, taken })
        });
        Ok(held.collect())
    }

    pub(super) async fn footer(&mut self) -> ParquetResult<Arc<ParquetMetaData>> {
        Ok(Arc::clone(self.typed_footer().await?.metadata()))
    }

    /// The footer, with the types of Arrow that its columns have.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn typed_footer(&mut self) -> ParquetResult<ArrowReaderMetadata> {
        if self.kept.is_none() {
            self.kept = self.footers.kept(&*self.file);
        }
        match &self.kept {
            Some(kept) => Ok(kept.footer.clone()),
            None => self.read_footer().await,
        }
    }

    /// Reads the footer, and keeps it for others.
    async fn read_footer(&mut self) -> ParquetResult<ArrowReaderMetadata> {
        let file = Arc::clone(&self.file);
        let damaged = |error| match error {
            error @ ParquetError::External(_) => error,
            error => failed(file.damaged(error.to_string())),
        };
        let bytes = file.bytes();
        let footer = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(FOOTER_BYTES));
        let footer = footer.load_and_finish(&mut *self, bytes).await;
        let footer = footer.and_then(|footer| {
            footer::check(&footer, &*self.file)?;
            let footer = Arc::new(footer::with_types(footer, &self.adapt)?);
            ArrowReaderMetadata::try_new(footer, ArrowReaderOptions::new())
        });
        let footer = footer.map_err(damaged)?;
        self.keep_all(Kept::new(footer.clone()));
        Ok(footer)
    }

    /// What is known of the file, as the cache has it now, or as it was when this reader asked.
    pub(super) fn kept(&self) -> Option<&Arc<Kept>> {
        self.kept.as_ref()
    }

    fn keep_all(&mut self, kept: Kept) {
        let kept = Arc::new(kept);
        self.footers.keep(&*self.file, Arc::clone(&kept));
        self.kept = Some(kept);
    }

    /// What was found out of this file before, if it is kept.
    pub(super) fn known<T: FileMetadata + Clone>(&self, what: &What) -> Option<T> {
        let beside = self.kept.as_ref().and_then(|kept| kept.get(what));
        beside.or_else(|| self.footers.found(&*self.file, what))
    }

    /// Keeps what was found out.
    pub(super) fn keep(&mut self, what: &What, found: impl FileMetadata) {
        let found: Arc<dyn FileMetadata> = Arc::new(found);
        // Others may have found out something meanwhile.
        let kept = self.footers.kept(&*self.file);
        let kept = kept.as_ref().or(self.kept.as_ref());
        match kept.and_then(|kept| kept.with(what, &found)) {
            Some(with) => self.keep_all(with),
            None => self.footers.keep_found(&*self.file, what, found),
        }
    }

    /// The number of rows of the file.
    ///
    /// # Errors
    /// Its footer cannot be read.
    pub(super) async fn rows(&mut self) -> ParquetResult<usize> {
        let rows = self.footer().await?.file_metadata().num_rows();
        usize::try_from(rows).map_err(|error| ParquetError::External(Box::new(error)))
    }

    /// The ranges of rows that pass a condition on a tag; none if it is not known which do.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) async fn rows_with(
        &mut self,
        filter: &TagFilter,
    ) -> ParquetResult<Option<Vec<Range<usize>>>> {
        let Some(leaf) = self.leaf(&filter.column).await? else {
            // No row of the file has the tag.
            let rows = self.rows().await?;
            let has_none = filter.one_of.contains(&None);
            let all = has_none.then_some(0..rows);
            return Ok(Some(all.into_iter().collect()));
        };
        let runs = self.runs(leaf).await?;
        Ok(runs.and_then(|runs| runs.rows(filter)))
    }

    /// The ends of the file's series, where the newest row of each is; none if they are not known, or if
    /// a row may lack one of the columns that have to be present.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) async fn ends(
        &mut self,
        schema: &SchemaRef,
        present: &[&str],
    ) -> ParquetResult<Option<Arc<SeriesEnds>>> {
        let footer = self.footer().await?;
        let is_everywhere = |column: &&str| {
            let leaf = self.leaf_in(&footer, column);
            leaf.is_some_and(|leaf| footer::is_everywhere(&footer, leaf))
        };
        if !present.iter().all(is_everywhere) {
            return Ok(None);
        }
        if let Some(KnownEnds(ends)) = self.known(&What::Ends) {
            return Ok(ends);
        }
        let time = kinds::time(schema).and_then(|time| self.leaf_in(&footer, time.name()));
        if !time.is_some_and(|time| footer::is_sorted_by(&footer, time)) {
            return Ok(None);
        }
        let mut tags = Vec::new();
        for field in schema.fields() {
            let leaf = self.leaf_in(&footer, field.name());
            if let (Some(ColumnKind::Tag), Some(leaf)) = (kinds::of(field), leaf) {
                match self.runs(leaf).await? {
                    Some(runs) => tags.push((field.name().clone(), runs)),
                    None => return Ok(None),
                }
            }
        }
        let ends = Arc::new(SeriesEnds::new(&tags, footer::group_ends(&footer)));
        self.keep(&What::Ends, KnownEnds(Some(Arc::clone(&ends))));
        Ok(Some(ends))
    }

    /// The place of a column of the table in the file; none if the file lacks it.
    pub(super) async fn leaf(&mut self, column: &str) -> ParquetResult<Option<usize>> {
        let footer = self.footer().await?;
        Ok(self.leaf_in(&footer, column))
    }

    fn leaf_in(&self, footer: &ParquetMetaData, column: &str) -> Option<usize> {
        let stored = self.adapt.stored(column)?;
        let mut leaves = footer.file_metadata().schema_descr().columns().iter();
        leaves.position(|column| column.name() == stored)
    }

    /// The runs of a tag; none if they are of no use, or if there is no memory for them now.
    pub(super) async fn runs(&mut self, leaf: usize) -> ParquetResult<Option<Arc<TagRuns>>> {
        let footer = self.typed_footer().await?;
        let what = What::Runs(leaf);
        if let Some(Known(runs)) = self.known(&what) {
            return Ok(runs);
        }
        let Some(known) = self.read_runs(footer, leaf).await? else {
            return Ok(None);
        };
        self.keep(&what, known.clone());
        Ok(known.0)
    }

    /// The runs of a tag, if they are known already or made from few rows; none if they are of no use, or
    /// if the file lacks the tag.
    pub(super) async fn cheap_runs(
        &mut self,
        column: &str,
        rows: usize,
    ) -> ParquetResult<Option<Arc<TagRuns>>> {
        let Some(leaf) = self.leaf(column).await? else {
            return Ok(None);
        };
        if let Some(Known(runs)) = self.known(&What::Runs(leaf)) {
            return Ok(runs);
        }
        match rows <= CHEAP_ROWS {
            true => self.runs(leaf).await,
            false => Ok(None),
        }
    }

    /// The file.
    pub(super) fn file(&self) -> &dyn ParquetFile {
        &*self.file
    }

    /// The error for bytes that make no sense.
    pub(super) fn damaged(&self, error: &ParquetError) -> ParquetError {
        failed(self.file.damaged(error.to_string()))
    }

    /// An error of unpacking pages, with the name of the file.
    fn named(&self, error: ParquetError) -> ParquetError {
        match error {
            error @ ParquetError::External(_) => error,
            error => self.damaged(&error),
        }
    }

    /// Another reader of the file, within the memory of this one.
    pub(super) fn again(&self) -> Self {
        Self {
            file: Arc::clone(&self.file),
            adapt: Arc::clone(&self.adapt),
            latest: None,
            memory: self.memory.new_empty(),
            footers: self.footers.clone(),
            kept: self.kept.clone(),
            scanned: self.scanned.clone(),
        }
    }

    /// Reads the runs of a tag; none if there is no memory for it now.
    async fn read_runs(
        &self,
        footer: ArrowReaderMetadata,
        leaf: usize,
    ) -> ParquetResult<Option<Known>> {
        let memory = self.memory.new_empty();
        let only = ProjectionMask::leaves(footer.parquet_schema(), [leaf]);
        let mut batches = ParquetRecordBatchStreamBuilder::new_with_metadata(self.again(), footer)
            .with_projection(only)
            .with_batch_size(RUN_BATCH_ROWS)
            .build()?;
        let mut runs = TagRunsBuilder::default();
        while let Some(batch) = batches
            .try_next()
            .await
            .map_err(|error| self.named(error))?
        {
            if !batch.columns().iter().all(|column| runs.push(column)) {
                return Ok(Some(Known(None)));
            }
            if memory.try_resize(runs.bytes()).is_err() {
                return Ok(None);
            }
        }
        Ok(Some(Known(Some(Arc::new(runs.finish())))))
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        let one = async {
            let mut read = self.read(vec![range]).await?;
            let none = || ParquetError::General("a read gave nothing".to_owned());
            read.pop().ok_or_else(none)
        };
        one.boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        if let Some((latest, partition)) = &self.latest {
            latest.reads(*partition, &self.file);
        }
        self.read(ranges).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        self.footer().boxed()
    }
}

fn failed(error: DatabaseError) -> ParquetError {
    ParquetError::External(Box::new(error))
}

/// Bytes that are counted until they are dropped.
struct Held {
    bytes: Bytes,
    #[allow(dead_code, reason = "it is kept for what its drop gives back")]
    taken: Arc<MemoryReservation>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
