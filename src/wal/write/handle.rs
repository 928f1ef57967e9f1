//! The log as everybody but its own thread sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::committer::{self, Committer, Place};
use super::error::CommitError;
use super::lead::Lead;
use super::queue::{Completion, Generation, Queued, Shared};
use super::writer::{Writer, segments_freed};
use crate::id::Sequence;
use crate::vital;
use crate::wal::error::WalError;

/// The log, for writing. Clones share it; when the last one is dropped, the log is closed as by
/// [`Wal::close`], without waiting.
#[derive(Clone)]
pub struct Wal {
    handle: Arc<Handle>,
}

/// The state of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    /// The number of bytes of all segments.
    pub log_bytes: u64,
    /// The last released frame: it and those before it are no longer in the log, or will not be
    /// handed out again.
    pub released: Sequence,
    /// The number of segments.
    pub segments: usize,
    /// The number of bytes submitted and not completed yet.
    pub backlog_bytes: u64,
    /// The last sequence handed out.
    pub last: Sequence,
    /// The last sequence acknowledged.
    pub durable: Sequence,
}

struct Handle {
    shared: Arc<Shared>,
    place: Arc<Place>,
    thread: Mutex<Option<JoinHandle<Result<(), WalError>>>>,
}

impl Wal {
    pub(in crate::wal) fn new(writer: Writer, last: Sequence) -> (Self, Committer) {
        let shared = Arc::new(Shared::new(last));
        let committer = Committer::new(shared.clone(), writer);
        let handle = Handle {
            shared,
            place: Arc::default(),
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
        let Handle { shared, place, .. } = &*self.handle;
        let (shared, place) = (Arc::clone(shared), Arc::clone(place));
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(committer);
        // Completions run there too: after a panic, what was acknowledged may not have been
        // applied.
        let thread = vital::thread("wal", move || committer::run(&shared, &place));
        let thread = thread.map_err(WalError::Thread)?;
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
    /// returned, nothing more may be submitted in that frame's generation: it would fail with
    /// [`CommitError::NotAttempted`].
    pub fn submit(&self, generation: Generation, payload: Vec<u8>, done: Completion) -> Sequence {
        let (sequence, lead) = self.submit_to_lead(generation, payload, done);
        drop(lead);
        sequence
    }

    /// As [`Wal::submit`], but does not wake the log's thread. If that sleeps, the caller gets its work,
    /// and no frame is committed until it has called [`Lead::commit`] or dropped the result: soon, and
    /// once it holds no lock that completions take.
    pub fn submit_to_lead(
        &self,
        generation: Generation,
        payload: Vec<u8>,
        done: Completion,
    ) -> (Sequence, Option<Lead>) {
        let Handle { shared, place, .. } = &*self.handle;
        let (sequence, queued) = shared.push(generation, payload, done);
        match queued {
            Queued::Attended => (sequence, None),
            Queued::Unattended => (sequence, Some(Lead::new(shared, place))),
            Queued::Returned(entry) => {
                // Not here: the submitter may hold a lock that the completion takes. Without a
                // thread the completion is dropped, and with it the channel that somebody waits on.
                let tell = move || (entry.done)(sequence, Err(CommitError::Closed));
                let _ = std::thread::Builder::new()
                    .name("wal-closed".to_owned())
                    .spawn(tell);
                (sequence, None)
            }
        }
    }

    /// Returns the last sequence that was acknowledged, or recovered. All frames up to it are
    /// durable or have failed.
    pub fn durable_sequence(&self) -> Sequence {
        self.handle.shared.durable()
    }

    /// Returns the last sequence that was handed out, or recovered.
    pub fn last_submitted(&self) -> Sequence {
        self.handle.shared.last()
    }

    /// The number of bytes submitted and not completed yet.
    pub fn backlog_bytes(&self) -> u64 {
        self.handle.shared.backlog_bytes()
    }

    /// Returns the number of bytes of all segments, and of what was submitted and is not completed
    /// yet.
    pub fn log_bytes(&self) -> u64 {
        let shared = &self.handle.shared;
        shared.log_bytes().saturating_add(shared.backlog_bytes())
    }

    /// Reports that frames up to this one are safe elsewhere: soon the log's thread deletes the
    /// segments that hold no others. Once the first of these is deleted, the next start does not
    /// hand the frames out again. A failure is logged; the next release or start tries again.
    pub fn release(&self, up_to: Sequence) {
        self.handle.shared.release(up_to);
    }

    /// Returns true if [`Wal::release`] would delete a segment.
    pub fn would_free(&self, up_to: Sequence) -> bool {
        segments_freed(&self.handle.shared.status().segments, up_to) > 0
    }

    /// Returns the number of bytes of the segments that [`Wal::release`] would delete.
    pub fn bytes_up_to(&self, up_to: Sequence) -> u64 {
        let status = self.handle.shared.status();
        let freed = segments_freed(&status.segments, up_to);
        let freed = status.segments.iter().take(freed);
        freed.map(|segment| segment.bytes).sum()
    }

    /// Returns `Ok` if frames can be written, otherwise the reason in words for people.
    pub fn health(&self) -> Result<(), String> {
        match &self.handle.shared.status().fault {
            None => Ok(()),
            Some(reason) => Err(reason.clone()),
        }
    }

    /// The state of the log.
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

    /// Commits what was submitted, writes the end mark and ends the thread; frames submitted later
    /// fail with [`CommitError::Closed`]. Blocks, except in a completion: there it only begins to
    /// close. Closing twice is fine.
    ///
    /// # Errors
    ///
    /// The end mark could not be written. The log is still in order: the next start treats it as
    /// after a crash.
    pub fn close(&self) -> Result<(), WalError> {
        self.handle.shared.close();
        if self.handle.shared.is_led_here() {
            return Ok(());
        }
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
