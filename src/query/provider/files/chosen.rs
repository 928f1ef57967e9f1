//! The rows of files that conditions on tags leave to be read.

use std::ops::Range;

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

/// The files that may have rows with these tags, each with the rows to read if they are known.
///
/// # Errors
/// A file cannot be read.
pub(super) async fn of(
    readers: &Readers,
    files: Vec<PartitionedFile>,
    tags: &[TagFilter],
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Vec<PartitionedFile>> {
    if tags.is_empty() {
        return Ok(files);
    }
    let files = stream::iter(files).map(|file| one(readers, file, tags, metrics));
    let files: Vec<Option<PartitionedFile>> = files.buffered(SIDE_BY_SIDE).try_collect().await?;
    Ok(files.into_iter().flatten().collect())
}

/// The file with its rows; none if it has none.
async fn one(
    readers: &Readers,
    file: PartitionedFile,
    tags: &[TagFilter],
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Option<PartitionedFile>> {
    let mut reader = readers.reader(&file, 0, metrics)?;
    let failed = |error| DataFusionError::ParquetError(Box::new(error));
    let all = reader.rows().await.map_err(failed)?;
    let mut rows: Vec<Range<usize>> = vec![0..all];
    for tag in tags {
        if let Some(of_tag) = reader.rows_with(tag).await.map_err(failed)? {
            rows = intersect(&rows, &of_tag);
        }
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
