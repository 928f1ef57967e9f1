//! Reading parts of files of a folder.

use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, GetRange, Result};

use super::folder::{FolderStore, LOG, STORE, above, failed, missing_or_failed};
use crate::narrow;

impl FolderStore {
    /// The bytes of a file in these ranges. They are read here if they are in memory.
    pub(super) async fn ranges(
        &self,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> Result<Vec<Bytes>> {
        if let Some(read) = self.cached(location, ranges) {
            return Ok(read);
        }
        let (location, ranges) = (location.clone(), ranges.to_vec());
        let read = move |store: &Self| {
            store.settle(&store.file(&location)).map_err(failed)?;
            let bytes = store.meta(&location)?.size;
            let ranges = ranges.into_iter().map(|range| {
                let range = GetRange::Bounded(range).as_range(bytes);
                range.map_err(|source| Error::Generic {
                    store: STORE,
                    source: Box::new(source),
                })
            });
            let ranges: Vec<Range<u64>> = ranges.collect::<Result<_>>()?;
            store.read(&location, &ranges)
        };
        self.run(read).await
    }

    /// The bytes in these ranges if nothing about the file is in doubt and no disk has to be waited for.
    fn cached(&self, location: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let path = self.file(location);
        if above(&path).ends_with(LOG) || !self.doubts.are_none() {
            return None;
        }
        let read = self.storage.read_cached(&path, ranges)?;
        Some(read.into_iter().map(Bytes::from).collect())
    }

    /// Reads ranges of a file, each up to its end or to that of the file. Blocks.
    pub(super) fn read(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let path = self.file(location);
        let confirmed = self.confirm(&path);
        confirmed.map_err(|error| missing_or_failed(location, error))?;
        let file = self.storage.open_read(&path);
        let file = file.map_err(|error| missing_or_failed(location, error))?;
        let read = ranges.iter().map(|range| {
            let len = narrow::to_usize(range.end.saturating_sub(range.start));
            let mut bytes = vec![0; len];
            let read = file.read_at(&mut bytes, range.start).map_err(failed)?;
            bytes.truncate(read);
            Ok(Bytes::from(bytes))
        });
        read.collect()
    }
}
