//! The rows of files that conditions on tags leave to be read, or a question for the newest rows.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::footer;
use super::kept::{Kept, What};
use super::reader::{self, Readers};
use super::series_ends::{KnownEnds, Newer, SeriesEnds};
use super::tag_runs::intersect;
use crate::database::{FilePart, TagFilter};
use crate::kinds;

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

/// The rows to read of a file.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) part: FilePart,
    /// Ascending, without those of pages that have no time of the part.
    pub(super) rows: Vec<Range<usize>>,
    /// The number of all rows of the file.
    pub(super) all: usize,
    /// True if all of the rows have the tags that are wanted.
    pub(super) is_decided: bool,
    /// What is known of the file.
    pub(super) kept: Option<Arc<Kept>>,
}

impl Chosen {
    /// The number of rows to read.
    pub(super) fn count(&self) -> usize {
        self.rows.iter().map(ExactSizeIterator::len).sum()
    }

    /// The rows to read, as Parquet's readers are told.
    pub(super) fn selection(&self) -> RowSelection {
        RowSelection::from_consecutive_ranges(self.rows.iter().cloned(), self.all)
    }
}

/// The files that may have rows that are wanted, each with the rows to read. The parts are in descending
/// order of their last times.
///
/// # Errors
/// A file cannot be read.
pub(super) async fn of(
    readers: &Readers,
    parts: Vec<FilePart>,
    wanted: &Wanted<'_>,
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Vec<Chosen>> {
    let scanned = reader::scanned(metrics, 0);
    let found = stream::iter(parts).map(|part| async {
        let found = one(readers, part, wanted, scanned.clone()).await?;
        found.map_err(|error| DataFusionError::ParquetError(Box::new(error)))
    });
    let mut found: Vec<Found> = found.buffered(SIDE_BY_SIDE).try_collect().await?;
    share(readers, &mut found)?;
    let mut newer = Newer::default();
    for Found { chosen, ends } in &mut found {
        if let Some(ends) = ends {
            let rows = newer.rows(ends, &chosen.part.bounds);
            chosen.rows = intersect(&chosen.rows, &rows);
        }
    }
    let chosen = found.into_iter().map(|found| found.chosen);
    Ok(chosen.filter(|chosen| !chosen.rows.is_empty()).collect())
}

/// Lets files share the keys of their series with the next older file, if those are equal, for now and for
/// questions to come.
fn share(readers: &Readers, found: &mut [Found]) -> Result<()> {
    let mut older: Option<Arc<SeriesEnds>> = None;
    for Found { chosen, ends } in found.iter_mut().rev() {
        let Some(ends) = ends else {
            continue;
        };
        if let Some(sharing) = older.and_then(|older| ends.sharing_with(&older)) {
            *ends = Arc::new(sharing);
            let kept = chosen.kept.take();
            let mut reader = readers.reader_with(&chosen.part.file, kept, Count::new())?;
            reader.keep(&What::Ends, KnownEnds(Some(Arc::clone(ends))));
            chosen.kept = reader.kept().cloned();
        }
        older = Some(Arc::clone(ends));
    }
    Ok(())
}

/// What is known of a file.
struct Found {
    chosen: Chosen,
    /// Present if no other rows than those at the ends of series are needed.
    ends: Option<Arc<SeriesEnds>>,
}

async fn one(
    readers: &Readers,
    part: FilePart,
    wanted: &Wanted<'_>,
    scanned: Count,
) -> Result<ParquetResult<Found>> {
    let mut reader = readers.reader(&part.file, scanned)?;
    let found = async {
        let all = reader.rows().await?;
        let mut rows: Vec<Range<usize>> = std::iter::once(0..all).collect();
        let mut is_decided = true;
        for tag in wanted.tags {
            match reader.rows_with(tag).await? {
                Some(of_tag) => rows = intersect(&rows, &of_tag),
                None => is_decided = false,
            }
        }
        let is_whole = part.is_whole();
        if !is_whole
            && let Some(time) = kinds::time(wanted.schema)
            && let Some(leaf) = reader.leaf(time.name()).await?
        {
            let footer = reader.footer().await?;
            rows = intersect(&rows, &footer::rows_within(&footer, leaf, &part.times));
        }
        // Beyond the ends of its part, a file may have newer rows, which are not of the piece.
        let ends = match wanted.newest.filter(|_| is_whole && !rows.is_empty()) {
            Some(present) => reader.ends(wanted.schema, present).await?,
            None => None,
        };
        let chosen = Chosen {
            part,
            rows,
            all,
            is_decided,
            kept: reader.kept().cloned(),
        };
        Ok(Found { chosen, ends })
    };
    Ok(found.await)
}
