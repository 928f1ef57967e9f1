//! The queue between submitters and the log's thread; it gives out the sequence numbers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

use super::error::CommitError;
use super::writer::SegmentStats;
use crate::certain::Certain;
use crate::clock;
use crate::id::Sequence;
use crate::narrow;
use crate::wal::format::frame::{FRAME_BYTES_MAX, FRAME_HEADER_BYTES};

/// Receives the outcome of a frame. It runs on the thread that commits, in the order of sequence, must
/// be quick and must not block; it may submit.
pub type Completion = Box<dyn FnOnce(Sequence, Result<(), CommitError>) + Send>;

/// A limit on what a frame may rely on: earlier frames of its own generation, durable or not, and
/// anything durable. When a frame fails, the submitter takes back what the frame and the rest of
/// its generation brought, and begins the next generation, before it submits again. So generations
/// never decrease, and once one frame has failed, the others of its generation must not reach the
/// disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Returns the generation that begins when this one has failed.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A frame that waits to be written.
pub(in crate::wal) struct Entry {
    pub sequence: u64,
    pub generation: Generation,
    pub payload: Vec<u8>,
    pub done: Completion,
    /// Submitted after closing began.
    late: bool,
}

impl Entry {
    /// The number of bytes that it takes in the log.
    fn bytes(&self) -> usize {
        self.payload.len() + FRAME_HEADER_BYTES
    }

    /// Returns the reason if it must not be written.
    pub(in crate::wal) fn refusal(&self) -> Option<CommitError> {
        let bytes = self.payload.len();
        match self.late {
            true => Some(CommitError::Closed),
            false => (bytes > FRAME_BYTES_MAX).then_some(CommitError::TooLarge { bytes }),
        }
    }
}

/// What becomes of a frame that is queued.
pub(in crate::wal) enum Queued {
    /// Whoever commits now looks at the queue again.
    Attended,
    /// Nobody looks at the queue before the caller has called [`Shared::hand_back`].
    Unattended,
    /// The log's thread has ended.
    Returned(Entry),
}

/// The reason why the log's thread was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wal) enum Wake {
    /// Frames wait.
    Frames,
    /// Frames up to this sequence are no longer needed.
    Release(Sequence),
    /// The time to try again has come.
    Probe,
    /// No frames wait, and none will come.
    Close,
}

/// State shared by the log's thread and everybody else.
pub(in crate::wal) struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    durable: AtomicU64,
    backlog_bytes: AtomicU64,
    /// The number of bytes of all segments.
    log_bytes: AtomicU64,
    /// The reason why the log cannot write now, if any, and its state on disk.
    status: Mutex<Status>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    last: u64,
    /// A requested release that has not begun yet.
    release: Option<Sequence>,
    /// The time to test whether the log can be written again, if it cannot.
    probe_at: Option<Instant>,
    closing: bool,
    /// True once the log's thread takes nothing more.
    ended: bool,
    /// True while the log's thread waits and must be woken. Whoever takes this away has to wake it, or
    /// to do its work.
    asleep: bool,
    /// The thread that does the work of the log's thread now.
    leader: Option<ThreadId>,
}

impl Queue {
    /// Returns true if the log's thread may sleep.
    fn is_idle(&self) -> bool {
        self.entries.is_empty()
            && self.release.is_none()
            && self.probe_at.is_none()
            && !self.closing
    }
}

/// The reason why there are at least as many segments as before.
const GROWS: &str = "segments are removed from the front only, and the newest stays";

/// The state of the log that everybody may see.
#[derive(Clone, Debug, Default)]
pub(in crate::wal) struct Status {
    pub fault: Option<String>,
    pub segments: Vec<SegmentStats>,
    pub released: Sequence,
}

impl Status {
    /// Updates the list of segments. Mostly only the last one has grown.
    pub(in crate::wal) fn update_segments(&mut self, now: &[SegmentStats]) {
        let first = |segments: &[SegmentStats]| segments.first().map(|segment| segment.number);
        let known = match first(&self.segments) == first(now) {
            true => self.segments.len().saturating_sub(1),
            false => 0,
        };
        self.segments.truncate(known);
        self.segments
            .extend_from_slice(now.get(known..).certain(GROWS));
    }
}

impl Shared {
    pub(in crate::wal) fn new(last: Sequence) -> Self {
        let queue = Queue {
            last: last.0,
            ..Queue::default()
        };
        Self {
            queue: Mutex::new(queue),
            arrived: Condvar::new(),
            durable: AtomicU64::new(last.0),
            backlog_bytes: AtomicU64::new(0),
            log_bytes: AtomicU64::new(0),
            status: Mutex::default(),
        }
    }

    /// Queues a frame and wakes nobody.
    pub(in crate::wal) fn push(
        &self,
        generation: Generation,
        payload: Vec<u8>,
        done: Completion,
    ) -> (Sequence, Queued) {
        let mut queue = lock(&self.queue);
        queue.last = queue.last.saturating_add(1);
        let sequence = queue.last;
        let entry = Entry {
            sequence,
            generation,
            payload,
            done,
            late: queue.closing,
        };
        if queue.ended {
            return (Sequence(sequence), Queued::Returned(entry));
        }
        self.backlog_bytes
            .fetch_add(narrow::to_u64(entry.bytes()), Ordering::Relaxed);
        queue.entries.push_back(entry);
        let queued = if std::mem::take(&mut queue.asleep) {
            Queued::Unattended
        } else {
            Queued::Attended
        };
        (Sequence(sequence), queued)
    }

    /// Notes that this thread does the work of the log's thread until it hands it back.
    pub(in crate::wal) fn lead(&self) {
        lock(&self.queue).leader = Some(std::thread::current().id());
    }

    /// Returns true if this thread does the work of the log's thread.
    pub(in crate::wal) fn is_led_here(&self) -> bool {
        lock(&self.queue).leader == Some(std::thread::current().id())
    }

    /// Leaves the queue to the log's thread, and wakes it if there is anything to do.
    pub(in crate::wal) fn hand_back(&self) {
        let mut queue = lock(&self.queue);
        let here = std::thread::current().id();
        queue.leader.take_if(|leader| *leader == here);
        queue.asleep = queue.is_idle();
        let is_needed = !queue.asleep;
        drop(queue);
        if is_needed {
            self.arrived.notify_one();
        }
    }

    /// Moves the frames of one group to `group`: as many as fit, in order, and at least one if any
    /// wait. A frame that must be refused is a group of its own.
    pub(in crate::wal) fn take_group(&self, bytes_max: usize, group: &mut Vec<Entry>) {
        let mut queue = lock(&self.queue);
        let mut bytes = 0;
        while let Some(next) = queue.entries.front() {
            bytes += next.bytes();
            let alone = next.refusal().is_some();
            if !group.is_empty() && (alone || bytes > bytes_max) {
                return;
            }
            group.extend(queue.entries.pop_front());
            if alone {
                return;
            }
        }
    }

    /// Moves the waiting frames of this generation, or of an earlier one, to `group`.
    pub(in crate::wal) fn take_generation(&self, generation: Generation, group: &mut Vec<Entry>) {
        let mut queue = lock(&self.queue);
        let is_newer = |entry: &Entry| entry.generation > generation;
        let end = queue.entries.iter().position(is_newer);
        let end = end.unwrap_or(queue.entries.len());
        group.extend(queue.entries.drain(..end));
    }

    /// Sets the time to test whether the log can be written again.
    pub(in crate::wal) fn set_probe_at(&self, probe_at: Option<Instant>) {
        lock(&self.queue).probe_at = probe_at;
    }

    /// Waits for something to do.
    pub(in crate::wal) fn wait(&self) -> Wake {
        let mut queue = lock(&self.queue);
        loop {
            let now = clock::instant();
            let deadline = queue.probe_at;
            if deadline.is_some_and(|deadline| deadline <= now) {
                return Wake::Probe;
            }
            // Before the frames: there may always be more of them.
            if let Some(up_to) = queue.release.take() {
                return Wake::Release(up_to);
            }
            if !queue.entries.is_empty() {
                return Wake::Frames;
            }
            if queue.closing {
                return Wake::Close;
            }
            queue.asleep = true;
            queue = match deadline {
                None => self
                    .arrived
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let waited = self.arrived.wait_timeout(queue, deadline - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Asks the log's thread to release frames.
    pub(in crate::wal) fn release(&self, up_to: Sequence) {
        let mut queue = lock(&self.queue);
        queue.release = queue.release.max(Some(up_to));
        let asleep = std::mem::take(&mut queue.asleep);
        drop(queue);
        if asleep {
            self.arrived.notify_one();
        }
    }

    /// Accepts no more frames; the log's thread ends when it has completed those that wait.
    pub(in crate::wal) fn close(&self) {
        lock(&self.queue).closing = true;
        self.arrived.notify_one();
    }

    /// Marks the log's thread as ended unless frames wait; returns true if it has ended.
    pub(in crate::wal) fn end(&self) -> bool {
        let mut queue = lock(&self.queue);
        queue.ended = queue.entries.is_empty();
        queue.ended
    }

    /// Completes a frame, whether it is durable or has failed.
    pub(in crate::wal) fn complete(&self, entry: Entry, result: Result<(), CommitError>) {
        self.backlog_bytes
            .fetch_sub(narrow::to_u64(entry.bytes()), Ordering::Relaxed);
        drop(entry.payload);
        (entry.done)(Sequence(entry.sequence), result);
    }

    pub(in crate::wal) fn set_durable(&self, sequence: u64) {
        self.durable.store(sequence, Ordering::Release);
    }

    pub(in crate::wal) fn durable(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::Acquire))
    }

    pub(in crate::wal) fn last(&self) -> Sequence {
        Sequence(lock(&self.queue).last)
    }

    pub(in crate::wal) fn backlog_bytes(&self) -> u64 {
        self.backlog_bytes.load(Ordering::Relaxed)
    }

    pub(in crate::wal) fn set_log_bytes(&self, bytes: u64) {
        self.log_bytes.store(bytes, Ordering::Relaxed);
    }

    pub(in crate::wal) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Relaxed)
    }

    pub(in crate::wal) fn status(&self) -> MutexGuard<'_, Status> {
        lock(&self.status)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
