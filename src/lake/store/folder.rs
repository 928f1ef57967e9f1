//! A folder as an object store whose writes are durable.
//!
//! `object_store`'s own local store never syncs: after a power cut a file that was committed to a
//! table may be empty. Here a file is written under another name, synced, and only then named, and
//! the name is durable before [`ObjectStore::put_opts`] returns. All system calls go through
//! [`Storage`], so the model of its faults reaches the tables too.
//!
//! # Nothing that is found is trusted before it was synced
//!
//! Data that can be read may be in the page cache only: if a process was killed between a rename and
//! the sync of the folder, or after a failed sync, which Linux reports once and then forgets, with
//! the pages marked clean. But a commit that is found decides whether points leave memory and log. So:
//!
//! - A file whose own sync failed never gets its name.
//! - A name that was given or removed before the sync of its folder failed is remembered. Before it
//!   is read, listed or given again, the file is written anew under another name, synced, and renamed
//!   over it; a removal is repeated. Another sync alone would not be enough: it may succeed without
//!   restoring what the failed one has lost. As long as this fails, reading fails.
//! - An entry of a table's log is synced, with its folder, before its bytes are returned: the
//!   process that wrote it may have been killed, or may be another program.
//! - A folder is used only after this process has synced its entry, and those of the folders above it.
//!
//! Limits: if a process is killed after a failed sync, that knowledge is lost with it. The next
//! process syncs what it finds, and has to trust that. Linux (since 4.16) reports an error that nobody
//! has seen to the next process that opens the file, so data is lost only by a failure that was
//! reported, a kill before the retry, and a power cut. Journaling file systems stop writing when the
//! journal fails, so a failed sync of a folder is the last one there anyway.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

use super::doubt::{Doubt, Doubts};
use super::failure::{STORE, failed, missing_or_failed, unsupported};
use crate::certain::Certain;
use crate::narrow;
use crate::storage::{self, Entry, Storage, StorageError, hold};

/// The folder in which files are written before they get their name.
const STAGING: &str = "_staging";

/// The folder of a table's log.
pub(super) const LOG: &str = "_delta_log";

/// A folder of a [`Storage`].
#[derive(Clone, Debug)]
pub(in crate::lake) struct FolderStore {
    pub(super) storage: Arc<dyn Storage>,
    root: Arc<str>,
    /// Distinguishes what this process stages from what others do.
    staging: Arc<str>,
    staged: Arc<AtomicU64>,
    /// The data folder has noted that it holds this one.
    is_held: Arc<AtomicBool>,
    pub(super) doubts: Arc<Doubts>,
}

impl FolderStore {
    /// Opens the folder `root` of a storage, `""` for all of it. `owner` identifies the writer: files that
    /// it left half written are removed.
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
            is_held: Arc::default(),
            doubts: Arc::default(),
        })
    }

    /// Returns true if names that differ only in case are the same here. On some file systems this is a
    /// property of each folder, which the folders in it inherit.
    pub(in crate::lake) fn folds_case(&self) -> std::result::Result<bool, StorageError> {
        let other = STAGING.to_uppercase();
        if self.storage.entry(&inside(&self.root, &other))?.is_none() {
            return Ok(false);
        }
        // Somebody may have made a file of exactly that name.
        let entries = self.storage.entries(&self.root)?;
        Ok(!entries.iter().any(|entry| entry.name == other))
    }

    pub(super) fn file(&self, location: &Path) -> String {
        inside(&self.root, location.as_ref())
    }

    /// Runs blocking work off the threads that serve connections.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store)).await?
    }

    fn put(&self, location: &Path, payload: &PutPayload, mode: &PutMode) -> Result<()> {
        let target = self.file(location);
        let staged = self.new_staged();
        let parts = payload.iter().map(AsRef::as_ref);
        if let Err(error) = self.stage(&staged, parts) {
            let _ = self.storage.remove(&staged);
            return Err(failed(error));
        }
        match self.name(&staged, &target, mode) {
            Ok(true) => {
                self.doubts.remove(&target);
                Ok(())
            }
            Ok(false) => {
                let _ = self.storage.remove(&staged);
                Err(Error::AlreadyExists {
                    path: location.to_string(),
                    source: "there is a file of this name".into(),
                })
            }
            Err(error) => {
                self.doubts.add(&target, Doubt::Named);
                let _ = self.storage.remove(&staged);
                Err(failed(error))
            }
        }
    }

    fn new_staged(&self) -> String {
        let number = self.staged.fetch_add(1, Ordering::Relaxed);
        format!("{}/{number}", self.staging)
    }

    fn stage<'a>(
        &self,
        staged: &str,
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> std::result::Result<(), StorageError> {
        let file = self.storage.create_new(staged)?;
        let mut offset = 0;
        for part in parts {
            file.write_all_at(part, offset)?;
            offset += narrow::to_u64(part.len());
        }
        file.sync_all()
    }

    fn name(
        &self,
        staged: &str,
        target: &str,
        mode: &PutMode,
    ) -> std::result::Result<bool, StorageError> {
        let folder = above(target);
        self.ensure_folder(folder)?;
        let named = match mode {
            PutMode::Create => self.storage.rename_new(staged, target)?,
            PutMode::Overwrite | PutMode::Update(_) => {
                self.storage.rename(staged, target)?;
                true
            }
        };
        self.storage.sync_dir(folder)?;
        // If it is part of the data folder, its absence is an error from the first file on.
        if !self.root.is_empty() && !self.is_held.load(Ordering::Relaxed) {
            hold(self.storage.as_ref(), &self.root)?;
            self.is_held.store(true, Ordering::Relaxed);
        }
        Ok(named)
    }

    /// Makes a folder and those above it, and makes sure that all of them are durable.
    fn ensure_folder(&self, folder: &str) -> std::result::Result<(), StorageError> {
        let above_it = std::iter::successors(Some(folder), |folder| Some(above(folder)));
        let is_unknown = |folder: &&str| !folder.is_empty() && !self.doubts.has_folder(folder);
        let unknown: Vec<&str> = above_it.take_while(is_unknown).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let made = self.storage.create_dir_all(folder)?;
        for folder in unknown.iter().skip(made) {
            self.storage.sync_dir(above(folder))?;
        }
        for folder in unknown {
            self.doubts.add_folder(folder);
        }
        Ok(())
    }

    /// Repairs what a failed sync has left in doubt, below a folder or at a path.
    pub(super) fn settle(&self, path: &str) -> std::result::Result<(), StorageError> {
        let mut doubts = self.doubts.paths();
        if doubts.is_empty() {
            return Ok(());
        }
        let inside = format!("{path}/");
        let is_meant =
            |doubted: &str| path.is_empty() || doubted == path || doubted.starts_with(&inside);
        let meant = doubts.iter().filter(|(doubted, _)| is_meant(doubted));
        let meant: Vec<(String, Doubt)> = meant.map(|(path, how)| (path.clone(), *how)).collect();
        for (path, doubt) in meant {
            self.repeat(&path, doubt)?;
            doubts.remove(&path);
        }
        Ok(())
    }

    /// Gives or removes a name once more, so that this is durable.
    fn repeat(&self, path: &str, doubt: Doubt) -> std::result::Result<(), StorageError> {
        let found = storage::read(self.storage.as_ref(), path)?;
        let staged = self.new_staged();
        match (found, doubt) {
            // The name was not given, or is that of a file that came after the removal.
            (None, Doubt::Named) | (Some(_), Doubt::Removed) => return Ok(()),
            (Some(bytes), Doubt::Named) => {
                self.stage(&staged, std::iter::once(bytes.as_slice()))?;
                self.storage.rename(&staged, path)?;
            }
            (None, Doubt::Removed) => {
                self.stage(&staged, std::iter::empty())?;
                self.storage.create_dir_all(above(path))?;
                if self.storage.rename_new(&staged, path)? {
                    self.storage.remove(path)?;
                }
            }
        }
        self.storage.sync_dir(above(path))
    }

    /// Syncs an entry of a table's log before it is trusted.
    pub(super) fn confirm(&self, path: &str) -> std::result::Result<(), StorageError> {
        let folder = above(path);
        if !folder.ends_with(LOG) {
            return Ok(());
        }
        let file = self.storage.open_read(path)?;
        let synced = file.sync_all().and_then(|()| self.storage.sync_dir(folder));
        synced.inspect_err(|_| self.doubts.add(path, Doubt::Named))
    }

    fn get(&self, location: &Path, options: &GetOptions) -> Result<GetResult> {
        self.settle(&self.file(location)).map_err(failed)?;
        self.get_found(location, self.meta(location)?, options)
    }

    /// As [`FolderStore::get`], of a file that was found.
    pub(super) fn get_found(
        &self,
        location: &Path,
        meta: ObjectMeta,
        options: &GetOptions,
    ) -> Result<GetResult> {
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
            false => {
                let mut read = self.read(location, std::slice::from_ref(&range))?;
                read.pop().certain("one range was read")
            }
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(bytes) }).boxed()),
            meta,
            range,
            attributes: Attributes::default(),
        })
    }

    pub(super) fn meta(&self, location: &Path) -> Result<ObjectMeta> {
        let path = self.file(location);
        let entry = self.storage.entry(&path).map_err(failed)?;
        meta_in(location, entry)
    }

    /// Lists the files below a folder; without `all`, only the files and folders directly in it.
    fn walk(&self, prefix: Option<&Path>, all: bool) -> Result<ListResult> {
        let prefix = prefix.map_or("", Path::as_ref).to_owned();
        self.settle(&inside(&self.root, &prefix)).map_err(failed)?;
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
        self.settle(&path).map_err(failed)?;
        let removed = self.storage.remove(&path);
        removed.map_err(|error| missing_or_failed(location, error))?;
        let folder = above(&path);
        if let Err(error) = self.storage.sync_dir(folder) {
            self.doubts.add(&path, Doubt::Removed);
            return Err(failed(error));
        }
        // Folders without files are removed, as in a bucket, but not the root.
        let mut folder = folder;
        while folder.len() > self.root.len() {
            self.doubts.remove_folder(folder);
            if self.storage.remove_dir(folder).is_err() {
                break;
            }
            if !self
                .storage
                .entries(folder)
                .is_ok_and(|left| left.is_empty())
            {
                break;
            }
            folder = above(folder);
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
        if let Some(told) = self.told(location, &options) {
            return told;
        }
        let location = location.clone();
        self.run(move |store| store.get(&location, &options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.ranges(location, ranges).await
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

/// The folder that a path is in.
pub(super) fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn inside(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

/// The metadata of a file with this entry.
pub(super) fn meta_in(location: &Path, entry: Option<Entry>) -> Result<ObjectMeta> {
    match entry.filter(|entry| !entry.is_folder) {
        Some(entry) => Ok(meta_of(location.clone(), entry.bytes, entry.modified_ms)),
        None => Err(Error::NotFound {
            path: location.to_string(),
            source: "there is no such file".into(),
        }),
    }
}

fn meta_of(location: Path, size: u64, modified_ms: i64) -> ObjectMeta {
    // A file whose time is out of range counts as new: a vacuum deletes old ones.
    let last_modified: DateTime<Utc> =
        DateTime::from_timestamp_millis(modified_ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
    ObjectMeta {
        location,
        last_modified,
        size,
        e_tag: None,
        version: None,
    }
}
