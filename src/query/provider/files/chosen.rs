//! The rows of files that conditions on tags leave to be read, or a question for the newest rows.

use std::ops::Range;

use arrow_schema::SchemaRef;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::reader::Readers;
use super::tag_runs::intersect;
use crate::database::TagFilter;

/// How many files are looked at side by side.
const SIDE_BY_SIDE: usize = 8;

/// What is wanted of files.
pub(super) struct Wanted<'a> {
    /// Rows that pass all of these.
    pub(super) tags: &'a [TagFilter],
    /// If present, no more than the newest row of each series that has these columns.
    pub(super) newest: Option<&'a [&'a str]>,
    /// The columns of the table.
    pub(super) schema: &'a SchemaRef,
}

/// The files that may have rows with these tags, each with the rows to read if they are known.
///
/// # Errors
/// A file cannot be read.
pub(super) async fn of(
    readers: &Readers,
    files: Vec<PartitionedFile>,
    wanted: &Wanted<'_>,
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Vec<PartitionedFile>> {
    if wanted.tags.is_empty() && wanted.newest.is_none() {
        return Ok(files);
    }
    let files = stream::iter(files).map(|file| one(readers, file, wanted, metrics));
    let files: Vec<Option<PartitionedFile>> = files.buffered(SIDE_BY_SIDE).try_collect().await?;
    Ok(files.into_iter().flatten().collect())
}

/// The file with its rows; none if it has none.
async fn one(
    readers: &Readers,
    file: PartitionedFile,
    wanted: &Wanted<'_>,
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Option<PartitionedFile>> {
    let mut reader = readers.reader(&file, 0, metrics)?;
    let failed = |error| DataFusionError::ParquetError(Box::new(error));
    let all = reader.rows().await.map_err(failed)?;
    let mut rows: Vec<Range<usize>> = std::iter::once(0..all).collect();
    for tag in wanted.tags {
        if let Some(of_tag) = reader.rows_with(tag).await.map_err(failed)? {
            rows = intersect(&rows, &of_tag);
        }
    }
    if let Some(present) = wanted.newest
        && let Some(ends) = reader.ends(wanted.schema, present).await.map_err(failed)?
    {
        rows = intersect(&rows, &ends);
    }
    let count: usize = rows.iter().map(ExactSizeIterator::len).sum();
    if count == 0 {
        return Ok(None);
    }
    if count == all {
        return Ok(Some(file));
    }
    let rows = RowSelection::from_consecutive_ranges(rows.into_iter(), all);
    Ok(Some(file.with_extension(ParquetRowSelection::new(rows))))
}
