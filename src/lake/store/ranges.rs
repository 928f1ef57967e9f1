//! Parts of files of a folder, and what of files is told without reading them.

use std::ops::Range;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, GetResult, Result};

use super::failure::{STORE, failed, missing_or_failed};
use super::folder::{FolderStore, LOG, above, meta_in};
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

    /// The answer for who asks for a file that is not there, or for no bytes of it, if nothing about any
    /// file is in doubt and no disk has to be waited for.
    pub(super) fn told(&self, location: &Path, options: &GetOptions) -> Option<Result<GetResult>> {
        if !self.doubts.are_none() {
            return None;
        }
        let entry = self.storage.entry_cached(&self.file(location))?;
        match meta_in(location, entry) {
            Err(none) => Some(Err(none)),
            Ok(meta) if options.head => Some(self.get_found(location, meta, options)),
            Ok(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::path::Path;
    use object_store::{GetOptions, ObjectStoreExt as _, PutPayload};

    use super::FolderStore;
    use crate::lake::store::doubt::Doubt;
    use crate::storage::DiskStorage;

    #[tokio::test]
    async fn what_is_told_at_once_is_what_the_disk_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = DiskStorage::shared(folder.path()).expect("opened");
        let store = FolderStore::open(Arc::new(storage), "", 7).expect("opened");
        let (file, none) = (Path::from("t/file"), Path::from("t/none"));
        let put = store.put(&file, PutPayload::from_static(b"hello"));
        put.await.expect("written");
        assert_eq!(store.head(&file).await.expect("there").size, 5);
        assert!(store.head(&none).await.is_err() && store.get(&none).await.is_err());
        let (all, head) = (GetOptions::new(), GetOptions::new().with_head(true));
        if store.told(&none, &all).is_none() {
            eprintln!("SKIPPED: the file system of {folder:?} tells nothing of its cache");
            return;
        }
        let told =
            |path: &Path, options: &GetOptions| store.told(path, options).map(|told| told.is_ok());
        assert_eq!(told(&file, &head), Some(true));
        assert_eq!(told(&file, &all), None, "to read it may take a while");
        assert_eq!(told(&Path::from("t"), &head), Some(false), "a folder");
        assert_eq!(told(&none, &head), Some(false));
        let put = store.put(&none, PutPayload::from_static(b"!"));
        put.await.expect("written");
        assert_eq!(store.head(&none).await.expect("there").size, 1);
        store.delete(&file).await.expect("removed");
        assert_eq!(told(&file, &head), Some(false));
        // What is in doubt is put in order first.
        store.doubts.add("t/other", Doubt::Named);
        assert_eq!(told(&file, &head), None);
    }
}
