//! A node's way to a store that several share: where others come between, and what goes wrong.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// A node's way to the store. What happens meanwhile, happens once the next file is there.
pub(super) struct Gate {
    pub(super) inner: Arc<InMemory>,
    pub(super) has_copy: bool,
    pub(super) meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    pub(super) before_removal: Mutex<Option<BoxFuture<'static, ()>>>,
    pub(super) faults: Faults,
}

/// The faults on the way and their moments, from numbers that are the same for each run of a case.
#[derive(Debug, Default)]
pub(super) struct Faults {
    state: AtomicU64,
    /// One call in this many fails; none if zero.
    one_of: AtomicU64,
}

/// The fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// It is not done.
    Lost,
    /// It is done, but not answered.
    Unheard,
    /// It is done, and done once more by the client.
    Repeated,
}

impl Faults {
    /// Makes one call in this many fail from now on; none if zero.
    /// Returns the seed with which the earlier ones continue.
    pub(super) fn begin(&self, seed: u64, one_of: u64) -> u64 {
        self.one_of.store(one_of, Ordering::Relaxed);
        self.state.swap(seed, Ordering::Relaxed)
    }

    fn next(&self) -> Option<Wrong> {
        let one_of = self.one_of.load(Ordering::Relaxed);
        if one_of == 0 {
            return None;
        }
        // SplitMix64.
        let step = 0x9E37_79B9_7F4A_7C15;
        let state = self
            .state
            .fetch_add(step, Ordering::Relaxed)
            .wrapping_add(step);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        if mixed % one_of != 0 {
            return None;
        }
        Some(match (mixed / one_of) % 3 {
            0 => Wrong::Lost,
            1 => Wrong::Unheard,
            _ => Wrong::Repeated,
        })
    }

    /// For calls that change nothing.
    fn check(&self) -> Result<()> {
        match self.next() {
            Some(_) => Err(failed()),
            None => Ok(()),
        }
    }
}

fn failed() -> Error {
    Error::Generic {
        store: "gate",
        source: "made to fail".into(),
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Gate {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let wrong = self.faults.next();
        if wrong == Some(Wrong::Lost) {
            return Err(failed());
        }
        let again = (wrong == Some(Wrong::Repeated)).then(|| (payload.clone(), options.clone()));
        let mut put = self.inner.put_opts(location, payload, options).await;
        if let Some((payload, options)) = again {
            put = self.inner.put_opts(location, payload, options).await;
        }
        if wrong == Some(Wrong::Unheard) {
            return Err(failed());
        }
        if location.as_ref().ends_with(".parquet") {
            let meanwhile = self.meanwhile.lock().expect("lock").take();
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.faults.check()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let inner = Arc::clone(&self.inner);
        let before = self.before_removal.lock().expect("lock").take();
        let deleted = async move {
            if let Some(before) = before {
                before.await;
            }
            inner.delete_stream(locations)
        };
        stream::once(deleted).flatten().boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.faults.check()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        if !self.has_copy {
            return Err(Error::NotSupported {
                source: "a copy".into(),
            });
        }
        self.faults.check()?;
        self.inner.copy_opts(from, to, options).await
    }
}
