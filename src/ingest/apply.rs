//! Applies durable batches to the buffer, in the order of the log.
//!
//! One thread does it, so that the last write wins in memory exactly as it will after a replay.
//! It never fails and never waits for memory: that was reserved before the frame was logged.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::oneshot;

use super::in_flight::Counted;
use super::release::Applied;
use super::scratch::TableRows;
use crate::buffer::Buffer;
use crate::id::{BucketId, Sequence};
use crate::memory::Reservation;

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Committed {
    /// Durable, and applied: readers see it.
    Done,
    /// The log failed; the frame may or may not be on disk.
    Failed(String),
    /// Durable, but its bucket was deleted meanwhile: there is nothing to read.
    BucketGone,
    /// The frame never went to the disk: it was queued behind one that failed.
    NotAttempted,
}

/// A durable frame on its way to the buffer.
pub(super) struct Job {
    pub(super) bucket: BucketId,
    pub(super) sequence: Sequence,
    pub(super) tables: Vec<Arc<TableRows>>,
    /// Covers what the buffer will grow by.
    pub(super) reservation: Reservation,
    /// What the limit on series counts until the buffer does.
    pub(super) in_flight: Counted,
    /// Told when readers can see the points.
    pub(super) done: oneshot::Sender<Committed>,
}

/// Starts the thread. It ends when every sender is gone.
pub(super) fn start(buffer: Buffer, applied: Arc<Applied>) -> io::Result<Sender<Job>> {
    let (jobs, queue) = channel();
    std::thread::Builder::new()
        .name("apply".to_owned())
        .spawn(move || run(&buffer, &applied, &queue))?;
    Ok(jobs)
}

fn run(buffer: &Buffer, applied: &Applied, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        let sequence = job.sequence;
        let (done, committed) = apply(buffer, job);
        applied.set(sequence);
        // The client may have hung up; its points stay.
        let _ = done.send(committed);
    }
}

/// Whatever the job held is given back before its client is told: the next request of that client
/// must not meet its own last one.
fn apply(buffer: &Buffer, mut job: Job) -> (oneshot::Sender<Committed>, Committed) {
    let mut committed = Committed::Done;
    for table in &job.tables {
        let share = job.reservation.split(Buffer::apply_bytes_max(&table.batch));
        if !buffer.apply(job.bucket, job.sequence, &table.batch, share.hand_over()) {
            committed = Committed::BucketGone;
        }
    }
    drop(job.in_flight);
    (job.done, committed)
}
