//! Takes groups from the queue, has the writer commit them, and completes their frames. The log's
//! thread is only a loop around this, in which a submitter stands in for it while it sleeps
//! ([`Lead`](super::lead::Lead)); tests drive it step by step.
//!
//! # What happens to frames after a failure
//!
//! A submitter may rely on what earlier frames contain before those are durable (a new column, D4).
//! So when a frame fails, no frame that relies on it may be written. A frame's [`Generation`]
//! identifies them, not the time of its arrival: once the completions of the failed frames have
//! run, submitters are in the next generation. [`Committer::reject`] completes the waiting frames
//! of the failed generation; any that arrive later are turned away when their turn comes. Frames of
//! the next generation stay in the queue.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::error::{CommitError, cause};
use super::queue::{Entry, Generation, Shared, Wake};
use super::writer::Writer;
use crate::certain::Certain;
use crate::clock;
use crate::id::Sequence;
use crate::storage::StorageError;
use crate::wal::error::WalError;

/// The place of the committer, which is there from the start of the log's thread to its end. Whoever
/// holds the lock commits.
pub(in crate::wal) type Place = Mutex<Option<Committer>>;

/// The log's thread: runs until the log is closed.
pub(in crate::wal) fn run(shared: &Shared, place: &Place) -> Result<(), WalError> {
    const PLACED: &str = "it is put there before this thread starts, and only this thread takes it";
    let hold = || place.lock().unwrap_or_else(PoisonError::into_inner);
    hold().as_mut().certain(PLACED).open();
    loop {
        let wake = shared.wait();
        let mut held = hold();
        let committer = held.as_mut().certain(PLACED);
        match wake {
            Wake::Frames => committer.commit_group(),
            Wake::Release(up_to) => committer.release(up_to),
            Wake::Probe => committer.probe(),
            Wake::Close => {
                let closed = committer.close();
                // Late frames may have arrived meanwhile: they are completed first.
                while !shared.end() {
                    committer.commit_group();
                }
                *held = None;
                return closed;
            }
        }
    }
}

/// The work of the log's thread, step by step.
pub(in crate::wal) struct Committer {
    shared: Arc<Shared>,
    writer: Writer,
    /// The reason why the log cannot write now, if it cannot.
    fault: Option<Fault>,
    /// The last generation with a failed frame: no more of its frames are written.
    failed: Option<Generation>,
    /// The sequence of a release that failed and is to be tried again.
    unreleased: Option<Sequence>,
    /// The frames being committed; kept for its memory.
    group: Vec<Entry>,
}

struct Fault {
    error: Arc<StorageError>,
    /// The time of the next attempt.
    probe_at: Instant,
}

impl Fault {
    fn commit_error(&self) -> CommitError {
        commit_error(&self.error)
    }
}

fn commit_error(error: &Arc<StorageError>) -> CommitError {
    match error.is_full() {
        true => CommitError::DiskFull,
        false => CommitError::Failed(error.clone()),
    }
}

impl Committer {
    pub(in crate::wal) fn new(shared: Arc<Shared>, writer: Writer) -> Self {
        let committer = Self {
            shared,
            writer,
            fault: None,
            failed: None,
            unreleased: None,
            group: Vec::new(),
        };
        committer.publish();
        committer
    }

    /// Begins the first segment of this run.
    pub(in crate::wal) fn open(&mut self) {
        match self.writer.open() {
            Ok(()) => self.publish(),
            Err(error) => self.degrade(Arc::new(error)),
        }
    }

    /// Commits the next group of frames, if there is one.
    pub(in crate::wal) fn commit_group(&mut self) {
        let mut group = std::mem::take(&mut self.group);
        self.shared
            .take_group(self.writer.options().group_bytes_max, &mut group);
        self.reject_late(&mut group);
        let refusal = group.first().and_then(Entry::refusal);
        if let Some(error) = refusal {
            self.reject(&mut group, &error, &CommitError::NotAttempted);
        } else if let Some(fault) = &self.fault {
            let error = fault.commit_error();
            self.reject(&mut group, &error, &error);
        } else if !group.is_empty() {
            self.write(&mut group);
        }
        self.group = group;
    }

    fn write(&mut self, group: &mut Vec<Entry>) {
        let frames = group
            .iter()
            .map(|entry| (entry.sequence, entry.payload.as_slice()));
        match self.writer.commit(frames) {
            Ok(report) => {
                if let Some(last) = group.last() {
                    self.shared.set_durable(last.sequence);
                }
                self.publish();
                if let Some(observer) = &self.writer.options().observer {
                    observer.group(&report);
                }
                self.complete(group, &Ok(()));
            }
            Err(error) => self.fail(group, Arc::new(error)),
        }
    }

    /// Handles a group that could not be committed. A failed sync costs only that group if a new
    /// segment can be begun at once.
    fn fail(&mut self, group: &mut Vec<Entry>, error: Arc<StorageError>) {
        let failed = commit_error(&error);
        let degraded = match error.is_full() {
            true => Some(error),
            false => {
                tracing::error!(
                    error = error.chain(),
                    frames = group.len(),
                    "the log could not be written; its frames are not acknowledged, a new segment is begun"
                );
                self.writer.open().err().map(Arc::new)
            }
        };
        if let Some(error) = &degraded {
            self.degrade(error.clone());
        }
        let behind = degraded
            .as_ref()
            .map_or(CommitError::NotAttempted, commit_error);
        self.reject(group, &failed, &behind);
        self.publish();
    }

    /// Tests whether the log works again, if it did not.
    pub(in crate::wal) fn probe(&mut self) {
        if self.fault.is_none() {
            return;
        }
        // Segments that are not needed may be what fills the disk, and without writes no new
        // release comes.
        if let Some(up_to) = self.unreleased {
            self.release(up_to);
        }
        if let Err(error) = self.writer.probe() {
            self.degrade(Arc::new(error));
            return;
        }
        self.fault = None;
        self.publish();
        tracing::info!("the log can be written again");
    }

    /// Deletes segments that are no longer needed. If the disk was full, there may be room now.
    pub(in crate::wal) fn release(&mut self, up_to: Sequence) {
        let released = self.writer.release(up_to);
        self.unreleased = match released {
            Ok(_) => None,
            Err(_) => self.unreleased.max(Some(up_to)),
        };
        match released {
            Ok(0) => return,
            Ok(segments) => tracing::debug!(%up_to, segments, "segments of the log are released"),
            Err(error) => tracing::warn!(
                error = error.chain(),
                "segments of the log that are no longer needed could not be deleted; this is tried again"
            ),
        }
        if let Some(fault) = &mut self.fault {
            fault.probe_at = clock::instant();
        }
        self.publish();
    }

    /// Writes the end mark.
    pub(in crate::wal) fn close(&mut self) -> Result<(), WalError> {
        if let Some(fault) = &self.fault {
            return Err(WalError::NotClean {
                reason: describe(&fault.error),
            });
        }
        self.writer.close().map_err(WalError::from)?;
        self.publish();
        Ok(())
    }

    fn degrade(&mut self, error: Arc<StorageError>) {
        let options = self.writer.options();
        let again = match self.fault {
            Some(_) => options.probe_every,
            None => options.probe_first,
        };
        if self.fault.is_none() {
            tracing::error!(
                error = error.chain(),
                "the log cannot be written: writes are refused until it can"
            );
        }
        self.fault = Some(Fault {
            error,
            probe_at: clock::instant() + again,
        });
        self.publish();
    }

    /// Completes a group that failed, then the waiting frames of its generation.
    fn reject(&mut self, group: &mut Vec<Entry>, failed: &CommitError, behind: &CommitError) {
        let generation = group.last().map(|entry| entry.generation);
        self.failed = self.failed.max(generation);
        self.complete(group, &Err(failed.clone()));
        if let Some(generation) = generation {
            self.shared.take_generation(generation, group);
            self.complete(group, &Err(behind.clone()));
        }
    }

    /// Turns away the frames of a group whose generation has failed: they are at its front.
    fn reject_late(&self, group: &mut Vec<Entry>) {
        let is_late = |entry: &&Entry| Some(entry.generation) <= self.failed;
        let late = group.iter().take_while(is_late).count();
        if late > 0 {
            let rest = group.split_off(late);
            self.complete(group, &Err(CommitError::NotAttempted));
            *group = rest;
        }
    }

    fn complete(&self, group: &mut Vec<Entry>, result: &Result<(), CommitError>) {
        for entry in group.drain(..) {
            let result = match (result, entry.refusal()) {
                (Err(_), Some(refusal)) => Err(refusal),
                (result, _) => result.clone(),
            };
            self.shared.complete(entry, result);
        }
    }

    fn publish(&self) {
        let probe_at = self.fault.as_ref().map(|fault| fault.probe_at);
        self.shared.set_probe_at(probe_at);
        let mut status = self.shared.status();
        status.fault = self.fault.as_ref().map(|fault| describe(&fault.error));
        status.update_segments(self.writer.segments());
        status.released = self.writer.released();
        let bytes = status.segments.iter().map(|segment| segment.bytes);
        self.shared.set_log_bytes(bytes.sum());
    }
}

fn describe(error: &StorageError) -> String {
    match error.is_full() {
        true => format!(
            "the disk of the log is full, writes go on when there is space ({})",
            cause(error)
        ),
        false => format!("the log cannot be written ({})", cause(error)),
    }
}
