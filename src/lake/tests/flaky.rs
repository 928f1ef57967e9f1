//! An object store that can be unavailable, wholly or in part, and that counts its requests.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The requests that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    Nothing,
    All,
    /// The next requests, this many.
    Next(u64),
    /// Those for paths below a folder.
    Below(&'static str),
    /// Commits: they are not answered, and arrive when [`Flaky::arrive`] is called.
    Commits,
}

#[derive(Debug)]
pub(super) struct Flaky {
    inner: InMemory,
    failing: Mutex<Failing>,
    held: Mutex<Vec<(Path, PutPayload, PutOptions)>>,
    requests: AtomicU64,
    files: AtomicU64,
}

impl Flaky {
    pub(super) fn new() -> Self {
        Self {
            inner: InMemory::new(),
            failing: Mutex::new(Failing::Nothing),
            held: Mutex::default(),
            requests: AtomicU64::new(0),
            files: AtomicU64::new(0),
        }
    }

    pub(super) fn fail(&self, failing: Failing) {
        *self.failing.lock().expect("lock") = failing;
    }

    /// The number of requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The number of data files that were written so far.
    pub(super) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// The first one that was held arrives.
    pub(super) async fn arrive(&self) {
        let (path, payload, options) = self.held.lock().expect("lock").remove(0);
        let put = self.inner.put_opts(&path, payload, options);
        put.await.expect("nothing is there yet");
    }

    fn ask(&self, path: &Path) -> Result<()> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut failing = self.failing.lock().expect("lock");
        let is_failing = match &mut *failing {
            Failing::Nothing | Failing::Commits | Failing::Next(0) => false,
            Failing::All => true,
            Failing::Next(left) => {
                *left -= 1;
                true
            }
            Failing::Below(folder) => path.as_ref().starts_with(*folder),
        };
        match is_failing {
            true => Err(away()),
            false => Ok(()),
        }
    }
}

fn away() -> Error {
    Error::Generic {
        store: "flaky",
        source: "it is away".into(),
    }
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("flaky")
    }
}

#[async_trait]
impl ObjectStore for Flaky {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.ask(location)?;
        let is = |end: &str| location.as_ref().ends_with(end);
        if is(".parquet") {
            self.files.fetch_add(1, Ordering::Relaxed);
        }
        if is(".json") && *self.failing.lock().expect("lock") == Failing::Commits {
            let held = (location.clone(), payload, options);
            self.held.lock().expect("lock").push(held);
            return Err(away());
        }
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.ask(location)?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.ask(location)?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.ask(&Path::default()) {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.ask(prefix.unwrap_or(&Path::default())) {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.ask(prefix.unwrap_or(&Path::default()))?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.ask(from)?;
        self.inner.copy_opts(from, to, options).await
    }
}
