//! The log as everybody but its own thread sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::committer::Committer;
use super::error::CommitError;
use super::queue::{Completion, Generation, Shared};
use super::writer::{Writer, segments_freed};
use crate::id::Sequence;
use crate::vital;
use crate::wal::error::WalError;

/// The log, to write to. Clones share it; when the last one goes the log is closed as by
/// [`Wal::close`], without waiting for it.
#[derive(Clone)]
pub struct Wal {
    handle: Arc<Handle>,
}

/// What the log looks like on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// Bytes of all segments.
    pub log_bytes: u64,
    /// Up to here frames were released: they are no longer in the log, or will not be handed out
    /// any more.
    pub released: Sequence,
    /// Segments.
    pub segments: usize,
    /// Bytes submitted that are not done with.
    pub backlog_bytes: u64,
    /// The last sequence handed out.
    pub last: Sequence,
    /// The last sequence acknowledged.
    pub durable: Sequence,
}

struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<Result<(), WalError>>>>,
}

impl Wal {
    pub(in crate::wal) fn new(writer: Writer, last: Sequence) -> (Self, Committer) {
        let shared = Arc::new(Shared::new(last));
        let committer = Committer::new(shared.clone(), writer);
        let handle = Handle {
            shared,
            thread: Mutex::new(None),
        };
        (
            Self {
                handle: Arc::new(handle),
            },
            committer,
        )
    }

    pub(in crate::wal) fn run(&self, committer: Committer) -> Result<(), WalError> {
        // A completion is run there too: what was acknowledged may not have been applied.
        let thread = vital::thread("wal", || committer.run()).map_err(WalError::Thread)?;
        *self
            .handle
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Queues a frame and returns its sequence; never waits for the disk. `done` runs exactly
    /// once, when the frame is durable or has failed, and never within this call. If it panics the
    /// process ends ([`crate::vital`]).
    ///
    /// `generation` says what the frame may rely on. Once the completion of a failed frame has
    /// returned, nothing may be submitted in that frame's generation any more: it would be told
    /// [`CommitError::NotAttempted`].
    pub fn submit(&self, generation: Generation, payload: Vec<u8>, done: Completion) -> Sequence {
        let (sequence, returned) = self.handle.shared.push(generation, payload, done);
        if let Some(entry) = returned {
            // Not here: whoever submits may hold a lock that the completion takes. Without a
            // thread the completion is dropped, and with it what somebody waits on.
            let tell = move || (entry.done)(sequence, Err(CommitError::Closed));
            let _ = std::thread::Builder::new()
                .name("wal-closed".to_owned())
                .spawn(tell);
        }
        sequence
    }

    /// The last sequence that was acknowledged, or recovered. All frames up to it are durable or
    /// have failed.
    pub fn durable_sequence(&self) -> Sequence {
        self.handle.shared.durable()
    }

    /// The last sequence that was handed out, or recovered.
    pub fn last_submitted(&self) -> Sequence {
        self.handle.shared.last()
    }

    /// Bytes submitted that are not done with.
    pub fn backlog_bytes(&self) -> u64 {
        self.handle.shared.backlog_bytes()
    }

    /// Bytes of all segments and of what was submitted and is not done with.
    pub fn log_bytes(&self) -> u64 {
        let shared = &self.handle.shared;
        shared.log_bytes().saturating_add(shared.backlog_bytes())
    }

    /// Frames up to this one are safe elsewhere: the log's thread deletes the segments that hold
    /// no others, soon. They are not handed out any more by the next start once the first such
    /// segment was deleted. A failure is logged, and made good by the next release or start.
    pub fn release(&self, up_to: Sequence) {
        self.handle.shared.release(up_to);
    }

    /// Whether [`Wal::release`] would delete a segment.
    pub fn would_free(&self, up_to: Sequence) -> bool {
        segments_freed(&self.handle.shared.status().segments, up_to) > 0
    }

    /// Bytes of the segments that [`Wal::release`] would delete.
    pub fn bytes_up_to(&self, up_to: Sequence) -> u64 {
        let status = self.handle.shared.status();
        let freed = segments_freed(&status.segments, up_to);
        let freed = status.segments.iter().take(freed);
        freed.map(|segment| segment.bytes).sum()
    }

    /// Whether frames can be written, or why not, in words for people.
    pub fn health(&self) -> Result<(), String> {
        match &self.handle.shared.status().fault {
            None => Ok(()),
            Some(reason) => Err(reason.clone()),
        }
    }

    /// What the log looks like on disk.
    pub fn stats(&self) -> LogStats {
        let shared = &self.handle.shared;
        let (released, segments) = {
            let status = shared.status();
            (status.released, status.segments.len())
        };
        LogStats {
            log_bytes: shared.log_bytes(),
            released,
            segments,
            backlog_bytes: shared.backlog_bytes(),
            last: shared.last(),
            durable: shared.durable(),
        }
    }

    /// Commits what was submitted, writes the end mark and ends the thread; frames submitted
    /// later are told [`CommitError::Closed`]. Blocking, but in a completion it only begins.
    /// Closing twice is fine.
    ///
    /// # Errors
    ///
    /// When the end mark could not be written. The log is in order all the same: the next start
    /// treats it like one after a crash.
    pub fn close(&self) -> Result<(), WalError> {
        self.handle.shared.close();
        let here = std::thread::current().id();
        let mut place = self
            .handle
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let thread = place.take_if(|thread| thread.thread().id() != here);
        drop(place);
        match thread.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(closed)) => closed,
            Some(Err(_)) => Err(WalError::NotClean {
                reason: "its thread panicked".to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Wal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wal")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}
