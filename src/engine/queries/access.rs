//! What one question holds as long as any part of its answer is to come: its turn, which all buckets
//! that it reads share, and a view of each of them.

use std::sync::Arc;

use tidegate_query::{DatabaseError, QueryError};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::catalog::{Bucket, Catalog};
use crate::certain::impossible;
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
    pub(super) turn: Arc<Turn>,
}

/// The turn of one question, which ends when this is dropped: a place among those that run, and the
/// memory in which it reads files. All buckets of the question share it: with a turn for each, two
/// questions could wait for each other's.
#[derive(Debug)]
pub struct Turn {
    room: Option<Room>,
    /// The number of days that have a part of that room at once, over all scans of the question.
    side_by_side: usize,
    /// Those parts.
    parts: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

impl Turn {
    pub(super) fn new(
        place: OwnedSemaphorePermit,
        room: Option<Room>,
        side_by_side: usize,
    ) -> Self {
        Self {
            room,
            side_by_side,
            parts: Arc::new(Semaphore::new(side_by_side)),
            _place: place,
        }
    }
}

/// The memory in which the files of one day are read, for as long as that lasts.
#[derive(Debug)]
pub(super) struct DayRoom {
    /// None without a lake.
    pub(super) room: Option<Room>,
    /// The number of days that share it.
    pub(super) side_by_side: usize,
    _part: Option<OwnedSemaphorePermit>,
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

    /// Memory for reading one more day, of which so many files are open at once. It never waits: a plan
    /// may begin many days, and read one of them to its end before it looks at the others. So the days
    /// past those that share the question's room take a little beside it: nothing else bounds their
    /// number.
    ///
    /// # Errors
    /// [`ReadError::Exhausted`] if that is not free.
    pub(super) fn day_room(&self, files: usize) -> Result<DayRoom, ReadError> {
        let turn = &*self.turn;
        let of_all = |part| DayRoom {
            room: turn.room.clone(),
            side_by_side: turn.side_by_side,
            _part: part,
        };
        let Some(room) = &turn.room else {
            return Ok(of_all(None));
        };
        match Arc::clone(&turn.parts).try_acquire_owned() {
            Ok(part) => Ok(of_all(Some(part))),
            Err(TryAcquireError::NoPermits) => Ok(DayRoom {
                room: Some(room.beside(turn.side_by_side, files)?),
                side_by_side: 1,
                _part: None,
            }),
            Err(TryAcquireError::Closed) => impossible("the semaphore is never closed"),
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
