//! What the cache of footers has of a file: its footer, and with it what else was found out of it.
//!
//! To look something up there takes as long as to unpack some hundred values, and a question for few rows of
//! many files needs several things of each. So what is small comes with the footer. What is large has a place
//! of its own: it may be dropped without the rest, or not fit at all.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::common::HashMap as Told;
use datafusion::execution::cache::cache_manager::{
    CachedFileMetadataEntry, FileMetadata, FileMetadataCache,
};
use datafusion::object_store::ObjectMeta;
use datafusion::object_store::path::Path;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;

use crate::database::ParquetFile;

/// The most bytes of what comes with a footer.
const BESIDE_BYTES_MAX: usize = 128 << 10;

/// The most things that come with a footer: they are looked through one by one.
const BESIDE_MAX: usize = 64;

/// About the bytes of a column in the types of a footer.
const COLUMN_BYTES: usize = 512;

/// What is found out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The runs of the tag at a place.
    Runs(usize),
    /// The values of the tag at a place.
    Values(usize),
    /// The combinations of the tags at some places.
    Combinations(Vec<Option<usize>>),
    /// The ends of series.
    Ends,
}

impl What {
    /// The place of its own in the cache, which nothing else of the file has, and no other file.
    fn place(&self, of_file: &Path) -> Path {
        let of_file = of_file.clone();
        match self {
            Self::Runs(leaf) => of_file.join(leaf.to_string()),
            Self::Values(leaf) => of_file.join("values").join(leaf.to_string()),
            Self::Combinations(leaves) => {
                let names = leaves.iter().map(|leaf| match leaf {
                    Some(leaf) => leaf.to_string(),
                    None => "none".to_owned(),
                });
                let names: Vec<String> = names.collect();
                of_file.join("few").join(names.join("-"))
            }
            Self::Ends => of_file.join("series"),
        }
    }
}

/// A footer, and what comes with it.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) footer: ArrowReaderMetadata,
    beside: Vec<(What, Arc<dyn FileMetadata>)>,
    /// The bytes of that.
    beside_bytes: usize,
}

impl Kept {
    /// A footer alone.
    pub(super) fn new(footer: ArrowReaderMetadata) -> Self {
        Self {
            footer,
            beside: Vec::new(),
            beside_bytes: 0,
        }
    }

    /// What was found out, if it is here.
    pub(super) fn get<T: FileMetadata + Clone>(&self, what: &What) -> Option<T> {
        let (_, found) = self.beside.iter().find(|(known, _)| known == what)?;
        let found: &dyn Any = (**found).as_any();
        found.downcast_ref::<T>().cloned()
    }

    /// The same with something that was found out, in place of what was known before; none if it is too large.
    pub(super) fn with(&self, what: &What, found: &Arc<dyn FileMetadata>) -> Option<Self> {
        let mut with = self.clone();
        with.beside.retain(|(known, _)| known != what);
        with.beside.push((what.clone(), Arc::clone(found)));
        let bytes = with.beside.iter().map(|(_, found)| found.memory_size());
        with.beside_bytes = bytes.sum();
        let has_room = with.beside_bytes <= BESIDE_BYTES_MAX && with.beside.len() <= BESIDE_MAX;
        has_room.then_some(with)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beside = self.beside.iter().map(|(what, _)| what);
        f.debug_list().entries(beside).finish()
    }
}

/// The cache of footers.
#[derive(Clone, Debug)]
pub(super) struct Footers(Arc<FileMetadataCache>);

impl Footers {
    pub(super) fn new(cache: Arc<FileMetadataCache>) -> Self {
        Self(cache)
    }

    /// What is kept of a file.
    pub(super) fn kept(&self, file: &dyn ParquetFile) -> Option<Arc<Kept>> {
        let meta = meta(file);
        let InCache(kept) = self.get(&meta, &meta.location)?;
        Some(kept)
    }

    pub(super) fn keep(&self, file: &dyn ParquetFile, kept: Arc<Kept>) {
        let meta = meta(file);
        self.put(&meta.location.clone(), meta, Arc::new(InCache(kept)));
    }

    /// What was found out of a file and has a place of its own.
    pub(super) fn found<T: FileMetadata + Clone>(
        &self,
        file: &dyn ParquetFile,
        what: &What,
    ) -> Option<T> {
        let meta = meta(file);
        self.get(&meta, &what.place(&meta.location))
    }

    pub(super) fn keep_found(
        &self,
        file: &dyn ParquetFile,
        what: &What,
        found: Arc<dyn FileMetadata>,
    ) {
        let meta = meta(file);
        self.put(&what.place(&meta.location), meta, found);
    }

    fn get<T: FileMetadata + Clone>(&self, meta: &ObjectMeta, place: &Path) -> Option<T> {
        let known = self.0.get(place)?;
        let known: &dyn Any = match known.is_valid_for(meta) {
            true => known.file_metadata.as_any(),
            false => return None,
        };
        known.downcast_ref::<T>().cloned()
    }

    fn put(&self, place: &Path, meta: ObjectMeta, what: Arc<dyn FileMetadata>) {
        let entry = CachedFileMetadataEntry::new(meta, what);
        self.0.put(place, entry);
    }
}

/// A file, as the cache names it.
fn meta(file: &dyn ParquetFile) -> ObjectMeta {
    let path = file.path();
    // As it is: to encode what might mean something in it takes as long as several look-ups, and this one is
    // never more than a key.
    let location = Path::parse(path).unwrap_or_else(|_| Path::from(path));
    ObjectMeta {
        location,
        last_modified: DateTime::UNIX_EPOCH,
        size: file.bytes(),
        e_tag: None,
        version: None,
    }
}

/// What is kept of a file, in the cache.
#[derive(Clone)]
pub(super) struct InCache(pub(super) Arc<Kept>);

impl FileMetadata for InCache {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn memory_size(&self) -> usize {
        let footer = &self.0.footer;
        let columns = footer.schema().fields().len();
        footer.metadata().memory_size() + columns * COLUMN_BYTES + self.0.beside_bytes
    }

    fn extra_info(&self) -> Told<String, String> {
        Told::default()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use bytes::Bytes;
    use datafusion::execution::cache::cache_manager::CacheManagerConfig;
    use futures_core::future::BoxFuture;

    use super::super::shapes;
    use super::*;
    use crate::database::DatabaseError;

    #[derive(Debug)]
    struct File(&'static str);

    impl ParquetFile for File {
        fn path(&self) -> &str {
            self.0
        }

        fn bytes(&self) -> u64 {
            1
        }

        fn read(
            &self,
            _: Vec<Range<u64>>,
        ) -> BoxFuture<'static, Result<Vec<Bytes>, DatabaseError>> {
            unreachable!("nothing is read")
        }

        fn may_have(&self, _: Option<&str>, _: &str) -> bool {
            true
        }

        fn damaged(&self, reason: String) -> DatabaseError {
            DatabaseError::Exhausted(reason)
        }
    }

    /// Something of this size that was found out.
    #[derive(Clone, Debug, PartialEq)]
    struct Found(usize);

    impl FileMetadata for Found {
        fn as_any(&self) -> &dyn Any {
            self
        }

        fn memory_size(&self) -> usize {
            self.0
        }

        fn extra_info(&self) -> Told<String, String> {
            Told::default()
        }
    }

    fn footer() -> ArrowReaderMetadata {
        shapes::tests::footer(true, ["a", "b"])
    }

    #[test]
    fn what_is_small_comes_with_the_footer() {
        let found = |size| Arc::new(Found(size)) as Arc<dyn FileMetadata>;
        let kept = Kept::new(footer());
        let kept = kept.with(&What::Ends, &found(10)).expect("small");
        let kept = kept.with(&What::Runs(3), &found(20)).expect("small");
        assert_eq!(kept.get(&What::Ends), Some(Found(10)));
        assert_eq!(kept.get(&What::Runs(3)), Some(Found(20)));
        assert_eq!(kept.get::<Found>(&What::Values(3)), None);
        assert!(kept.get::<InCache>(&What::Ends).is_none(), "another type");
        let bytes = InCache(Arc::new(kept.clone())).memory_size();
        let empty = InCache(Arc::new(Kept::new(footer()))).memory_size();
        assert_eq!(bytes, empty + 30);
        // It takes the place of what was found before.
        let kept = kept.with(&What::Ends, &found(5)).expect("small");
        assert_eq!(kept.get(&What::Ends), Some(Found(5)));
        assert_eq!(kept.beside_bytes, 25);
        assert!(
            kept.with(&What::Values(1), &found(BESIDE_BYTES_MAX))
                .is_none()
        );
        let many = (0..BESIDE_MAX).try_fold(Kept::new(footer()), |kept, leaf| {
            kept.with(&What::Runs(leaf), &found(1))
        });
        let many = many.expect("just as many");
        assert!(many.with(&What::Ends, &found(1)).is_none(), "too many");
    }

    #[test]
    fn each_thing_has_a_place_of_its_own_for_each_file() {
        let cache = CacheManagerConfig::default();
        let cache = datafusion::execution::cache::cache_manager::CacheManager::try_new(&cache);
        let cache = cache.expect("made").get_file_metadata_cache();
        let footers = Footers::new(cache);
        let whats = [
            What::Runs(1),
            What::Values(1),
            What::Combinations(vec![Some(1)]),
            What::Combinations(vec![Some(1), None]),
            What::Ends,
        ];
        let files = [File("a/b"), File("a/c")];
        let all = || {
            files
                .iter()
                .flat_map(|file| whats.iter().map(move |what| (file, what)))
        };
        for (size, (file, what)) in (1..).zip(all()) {
            footers.keep_found(file, what, Arc::new(Found(size)));
        }
        footers.keep(&files[0], Arc::new(Kept::new(footer())));
        for (size, (file, what)) in (1..).zip(all()) {
            assert_eq!(
                footers.found(file, what),
                Some(Found(size)),
                "{file:?} {what:?}"
            );
        }
        assert!(footers.kept(&files[0]).is_some() && footers.kept(&files[1]).is_none());
    }
}
