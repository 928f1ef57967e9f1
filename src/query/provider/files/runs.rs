//! Runs of files: the rows of one follow those of the one before, in the order of series and time.

use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryLimit;
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::physical_plan::metrics::Count;

use super::reader::{KEPT_BYTES_MAX, Readers, UNPACKED};
use super::{Asked, Selected};
/// Files, or parts of them, whose rows are in order if they are read one after the other.
pub(super) type Run = Vec<Selected>;

/// The most bytes that are held to read all runs side by side; rows that are merged are a few beside it.
const HELD_BYTES_MAX: usize = 48 << 20;

/// The divisor of the memory of questions for that: what does not fit is sorted, which goes to the disk.
const SHARE: usize = 2;

/// As few runs as have all of these files; none if that would be more than `most`, or if the order of a
/// file is not known.
pub(super) fn of(files: &[Selected], most: usize) -> Option<Vec<Run>> {
    let bounds = files.iter().map(|(part, _)| part.file.row_bounds());
    let bounds: Vec<(&[u8], &[u8])> = bounds.collect::<Option<_>>()?;
    let mut sorted: Vec<_> = bounds.into_iter().zip(files).collect();
    sorted.sort_by_key(|(bounds, _)| *bounds);
    // With the last row of each, so far.
    let mut runs: Vec<(&[u8], Run)> = Vec::new();
    for ((first, last), file) in sorted {
        let before = runs.iter_mut().filter(|(end, _)| *end < first);
        // The nearest one: others may follow those that end earlier.
        match before.max_by_key(|(end, _)| *end) {
            Some((end, run)) => {
                *end = last;
                run.push(file.clone());
            }
            None => runs.push((last, vec![file.clone()])),
        }
        if runs.len() > most {
            return None;
        }
    }
    Some(runs.into_iter().map(|(_, run)| run).collect())
}

/// Returns true if little enough is held while these runs are read side by side.
///
/// # Errors
/// A footer cannot be read.
pub(super) async fn fit(
    readers: &Readers,
    runs: impl Iterator<Item = &Run>,
    asked: &Asked<'_>,
    state: &dyn Session,
) -> Result<bool> {
    let most = match state.runtime_env().memory_pool.memory_limit() {
        MemoryLimit::Finite(bytes) => HELD_BYTES_MAX.min(bytes / SHARE),
        MemoryLimit::Infinite | MemoryLimit::Unknown => HELD_BYTES_MAX,
    };
    let mut held = 0_usize;
    for run in runs {
        // One file of a run is open at a time, and row groups are of one size or less.
        let largest = run.iter().max_by_key(|(part, _)| part.file.bytes());
        let Some(largest) = largest else {
            continue;
        };
        let group = of_group(readers, largest, asked).await?;
        let group = group.map_err(|error| DataFusionError::ParquetError(Box::new(error)))?;
        held = held.saturating_add(KEPT_BYTES_MAX + group.saturating_mul(UNPACKED));
        if held > most {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The most bytes of a row group of a file in the columns that are asked for.
async fn of_group(
    readers: &Readers,
    (part, _): &Selected,
    asked: &Asked<'_>,
) -> Result<ParquetResult<usize>> {
    let mut reader = readers.reader(&part.file, Count::new())?;
    let found = async {
        let footer = reader.footer().await?;
        let mut leaves = Vec::new();
        for column in asked.columns() {
            leaves.extend(reader.leaf(column).await?);
        }
        let groups = footer.row_groups().iter().map(|group| {
            let chunks = leaves.iter().filter_map(|leaf| group.columns().get(*leaf));
            let bytes = chunks.map(|chunk| usize::try_from(chunk.compressed_size()).unwrap_or(0));
            bytes.sum::<usize>()
        });
        Ok(groups.max().unwrap_or(0))
    };
    Ok(found.await)
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_core::future::BoxFuture;

    use super::*;
    use crate::database::{DatabaseError, FilePart, ParquetFile};

    /// A file of which only its rows are known.
    #[derive(Debug)]
    struct Known {
        path: String,
        bounds: Option<(Vec<u8>, Vec<u8>)>,
    }

    impl ParquetFile for Known {
        fn path(&self) -> &str {
            &self.path
        }

        fn bytes(&self) -> u64 {
            0
        }

        fn read(
            &self,
            _: Vec<Range<u64>>,
        ) -> BoxFuture<'static, std::result::Result<Vec<Bytes>, DatabaseError>> {
            unreachable!("nothing is read")
        }

        fn row_bounds(&self) -> Option<(&[u8], &[u8])> {
            let (first, last) = self.bounds.as_ref()?;
            Some((first, last))
        }

        fn may_have(&self, _: Option<&str>, _: &str) -> bool {
            true
        }

        fn damaged(&self, reason: String) -> DatabaseError {
            DatabaseError::Gone(reason)
        }
    }

    fn file(bounds: Option<(u8, u8)>) -> Selected {
        let file = Known {
            path: format!("{bounds:?}"),
            bounds: bounds.map(|(first, last)| (vec![first], vec![last])),
        };
        let part = FilePart {
            file: Arc::new(file),
            bounds: 0..=0,
            times: 0..=0,
        };
        (part, None)
    }

    fn files(bounds: &[(u8, u8)]) -> Vec<Selected> {
        bounds.iter().map(|bounds| file(Some(*bounds))).collect()
    }

    fn shown(runs: &[Run]) -> Vec<Vec<&str>> {
        let runs = runs.iter().map(|run| run.iter());
        runs.map(|run| run.map(|(part, _)| part.file.path()).collect())
            .collect()
    }

    #[test]
    fn files_whose_rows_follow_each_other_are_one_run() {
        let days = files(&[(5, 6), (1, 2), (3, 4)]);
        let runs = of(&days, 1).expect("one");
        let names = ["Some((1, 2))", "Some((3, 4))", "Some((5, 6))"];
        assert_eq!(shown(&runs), [names]);
        assert_eq!(of(&[], 0).map(|runs| runs.len()), Some(0));
    }

    #[test]
    fn there_are_as_few_runs_as_rows_are_beside_each_other() {
        // The last row of one may be the first of the next: bounds are not before and not after rows.
        let all = files(&[(1, 4), (4, 9), (2, 3), (4, 6), (7, 8), (5, 5)]);
        let runs = of(&all, 3).expect("three");
        for run in &runs {
            let bounds = run.iter().map(|(part, _)| part.file.row_bounds());
            let bounds: Vec<_> = bounds.map(|bounds| bounds.expect("known")).collect();
            assert!(bounds.is_sorted_by(|a, b| a.1 < b.0), "{:?}", shown(&runs));
        }
        assert_eq!(runs.iter().map(Vec::len).sum::<usize>(), all.len());
        assert_eq!(runs.len(), 3);
        assert!(of(&all, 2).is_none(), "too many");
    }

    #[test]
    fn a_file_that_may_be_in_another_order_is_in_no_run() {
        assert!(of(&[file(Some((1, 2))), file(None)], 16).is_none());
    }
}
