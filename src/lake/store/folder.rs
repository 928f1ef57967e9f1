//! A folder as an object store that keeps what it was given.
//!
//! `object_store`'s own local store never syncs: after a power cut a file that was committed to a
//! table may be empty. Here a file is written under another name, synced, and only then named, and
//! the name is durable before [`ObjectStore::put_opts`] returns. All system calls go through
//! [`Storage`], so the model of its faults reaches the tables too.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

use crate::storage::{Storage, StorageError};

/// Where files are written before they get their name.
const STAGING: &str = "_staging";

const STORE: &str = "folder";

/// A folder of a [`Storage`].
#[derive(Clone, Debug)]
pub(in crate::lake) struct FolderStore {
    storage: Arc<dyn Storage>,
    root: Arc<str>,
    /// Distinguishes what this process stages from what others do.
    staging: Arc<str>,
    staged: Arc<AtomicU64>,
}

impl FolderStore {
    /// The folder `root` of a storage, `""` for all of it. `owner` names who writes: what it left
    /// half written is removed.
    pub(in crate::lake) fn open(
        storage: Arc<dyn Storage>,
        root: &str,
        owner: u64,
    ) -> std::result::Result<Self, StorageError> {
        let staging = match root {
            "" => format!("{STAGING}/{owner:016x}"),
            root => format!("{root}/{STAGING}/{owner:016x}"),
        };
        storage.create_dir_all(&staging)?;
        for left in storage.entries(&staging)? {
            storage.remove(&format!("{staging}/{}", left.name))?;
        }
        Ok(Self {
            storage,
            root: root.into(),
            staging: staging.into(),
            staged: Arc::default(),
        })
    }

    fn file(&self, location: &Path) -> String {
        inside(&self.root, location.as_ref())
    }

    /// Runs blocking work off the threads that serve connections.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await?
    }

    fn put(&self, location: &Path, payload: &PutPayload, mode: &PutMode) -> Result<()> {
        let target = self.file(location);
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        let staged = format!("{}/{number}", self.staging);
        let put = self.stage(&staged, payload);
        let named = put.and_then(|()| self.name(&staged, &target, mode));
        match named {
            Ok(true) => Ok(()),
            Ok(false) => {
                let _ = self.storage.remove(&staged);
                Err(Error::AlreadyExists {
                    path: location.to_string(),
                    source: "there is a file of this name".into(),
                })
            }
            Err(error) => {
                let _ = self.storage.remove(&staged);
                Err(failed(error))
            }
        }
    }

    fn stage(&self, staged: &str, payload: &PutPayload) -> std::result::Result<(), StorageError> {
        let file = self.storage.create_new(staged)?;
        let mut offset = 0;
        for part in payload {
            file.write_all_at(part, offset)?;
            offset += to_u64(part.len());
        }
        file.sync_all()
    }

    fn name(
        &self,
        staged: &str,
        target: &str,
        mode: &PutMode,
    ) -> std::result::Result<bool, StorageError> {
        let folder = target.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.storage.create_dir_all(folder)?;
        let named = match mode {
            PutMode::Create => self.storage.rename_new(staged, target)?,
            PutMode::Overwrite | PutMode::Update(_) => {
                self.storage.rename(staged, target)?;
                true
            }
        };
        self.storage.sync_dir(folder)?;
        Ok(named)
    }

    fn get(&self, location: &Path, options: &GetOptions) -> Result<GetResult> {
        let meta = self.meta(location)?;
        options.check_preconditions(&meta)?;
        let range = match &options.range {
            None => 0..meta.size,
            Some(range) => range.as_range(meta.size).map_err(|source| Error::Generic {
                store: STORE,
                source: Box::new(source),
            })?,
        };
        let bytes = match options.head {
            true => Bytes::new(),
            false => self.read(location, &range)?,
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    fn read(&self, location: &Path, range: &Range<u64>) -> Result<Bytes> {
        let file = self.storage.open_read(&self.file(location));
        let file = file.map_err(|error| missing_or_failed(location, error))?;
        let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len];
        let read = file.read_at(&mut bytes, range.start).map_err(failed)?;
        bytes.truncate(read);
        Ok(bytes.into())
    }

    fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let path = self.file(location);
        let entry = self.storage.entry(&path).map_err(failed)?;
        match entry.filter(|entry| !entry.is_folder) {
            Some(entry) => Ok(meta_of(location.clone(), entry.bytes, entry.modified_ms)),
            None => Err(Error::NotFound {
                path: location.to_string(),
                source: "there is no such file".into(),
            }),
        }
    }

    /// The files below a folder, and, unless all are wanted, the folders in it.
    fn walk(&self, prefix: Option<&Path>, all: bool) -> Result<ListResult> {
        let prefix = prefix.map_or("", Path::as_ref).to_owned();
        let (mut objects, mut common_prefixes) = (Vec::new(), Vec::new());
        let mut folders = vec![prefix];
        while let Some(folder) = folders.pop() {
            let entries = self.storage.entries(&inside(&self.root, &folder));
            for entry in entries.map_err(failed)? {
                let path = inside(&folder, &entry.name);
                if path == STAGING {
                    continue;
                }
                // Only what is stored here gets names that are not paths.
                let Ok(location) = Path::parse(&path) else {
                    continue;
                };
                match (entry.is_folder, all) {
                    (false, _) => objects.push(meta_of(location, entry.bytes, entry.modified_ms)),
                    (true, true) => folders.push(path),
                    (true, false) => common_prefixes.push(location),
                }
            }
        }
        objects.sort_unstable_by(|a, b| a.location.cmp(&b.location));
        Ok(ListResult {
            common_prefixes,
            objects,
        })
    }

    fn delete_one(&self, location: &Path) -> Result<()> {
        let path = self.file(location);
        let removed = self.storage.remove(&path);
        removed.map_err(|error| missing_or_failed(location, error))?;
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.storage.sync_dir(folder).map_err(failed)?;
        // The last file takes its folders with it, as in a bucket; not the root.
        let mut folder = folder;
        while folder.len() > self.root.len() && self.storage.remove_dir(folder).is_ok() {
            if !self
                .storage
                .entries(folder)
                .is_ok_and(|left| left.is_empty())
            {
                break;
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
        Ok(())
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.storage.locate(&self.root).display().fmt(f)
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let location = location.clone();
        self.run(move |store| store.put(&location, &payload, &options.mode))
            .await?;
        Ok(PutResult {
            e_tag: None,
            version: None,
        })
    }

    async fn put_multipart_opts(
        &self,
        _location: &Path,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(unsupported("an upload in parts"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let location = location.clone();
        self.run(move |store| store.get(&location, &options)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let gone = location.clone();
                store.run(move |store| store.delete_one(&gone)).await?;
                Ok(location)
            }
        };
        locations.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let walked = store
                .run(move |store| store.walk(prefix.as_ref(), true))
                .await;
            match walked {
                Ok(found) => stream::iter(found.objects.into_iter().map(Ok)).boxed(),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        };
        stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.cloned();
        self.run(move |store| store.walk(prefix.as_ref(), false))
            .await
    }

    async fn copy_opts(&self, _from: &Path, _to: &Path, _options: CopyOptions) -> Result<()> {
        Err(unsupported("a copy"))
    }
}

fn inside(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

fn meta_of(location: Path, size: u64, modified_ms: i64) -> ObjectMeta {
    let last_modified: DateTime<Utc> =
        DateTime::from_timestamp_millis(modified_ms).unwrap_or_default();
    ObjectMeta {
        location,
        last_modified,
        size,
        e_tag: None,
        version: None,
    }
}

fn failed(source: StorageError) -> Error {
    Error::Generic {
        store: STORE,
        source: Box::new(source),
    }
}

fn missing_or_failed(location: &Path, error: StorageError) -> Error {
    match error.is_missing() {
        true => Error::NotFound {
            path: location.to_string(),
            source: Box::new(error),
        },
        false => failed(error),
    }
}

fn unsupported(what: &str) -> Error {
    Error::NotSupported {
        source: format!("{what} is not needed for tables").into(),
    }
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
