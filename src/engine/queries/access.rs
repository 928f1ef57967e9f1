//! What one question holds as long as any part of its answer is to come.

use std::sync::Arc;

use tidegate_query::{DatabaseError, QueryError};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use crate::catalog::{Bucket, Catalog};
use crate::memory::Room;
use crate::read::{LakeError, ReadError, Sources};

/// The stored points, as one question may read them.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) sources: Sources,
    pub(super) catalog: Catalog,
    pub(super) bucket: Arc<Bucket>,
    /// The earliest time that a point may have: retention as it was when the question began.
    pub(super) oldest_ns: i64,
    pub(super) threads: Handle,
    /// The memory in which files are read.
    pub(super) room: Option<Room>,
    /// The number of days that are read at once in that room.
    pub(super) side_by_side: usize,
    pub(super) _place: OwnedSemaphorePermit,
}

impl Access {
    /// Does work that blocks on a thread for it.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let access = Arc::clone(self);
        let done = self.threads.spawn_blocking(move || {
            let done = work(&access);
            done.map_err(|error| access.failed(error))
        });
        match done.await {
            Ok(done) => done,
            Err(cut) => {
                tracing::error!(error = %cut, "a query was cut short by an internal error");
                let text = "reading was cut short by an internal error".to_owned();
                Err(DatabaseError::Unreadable(Arc::new(QueryError::Internal(
                    text,
                ))))
            }
        }
    }

    /// Fails if the bucket was deleted: what was read may be a part of it.
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        match self.catalog.bucket(self.bucket.id) {
            Some(_) => Ok(()),
            None => Err(self.gone()),
        }
    }

    fn gone(&self) -> DatabaseError {
        DatabaseError::Gone(format!("bucket {:?}", self.bucket.name))
    }

    /// A failure as the one who asked sees it. The files of a deleted bucket are missed by whoever
    /// reads them.
    pub(super) fn failed(&self, error: ReadError) -> DatabaseError {
        if self.check().is_err() {
            return self.gone();
        }
        match error {
            ReadError::Exhausted(refused) => DatabaseError::Exhausted(refused.to_string()),
            error @ ReadError::Lake(LakeError::Unreachable(_)) => {
                DatabaseError::Unreachable(Arc::new(error))
            }
            error => DatabaseError::Unreadable(Arc::new(error)),
        }
    }
}
