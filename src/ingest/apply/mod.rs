//! Applies durable batches to the buffer, those of a bucket in the order of the log.
//!
//! ```text
//! the log's thread ─► bucket 1: [heavy][light][light]    first heavy ─► thread "apply-heavy"
//!                     bucket 2: [light][light]           first light ─► thread "apply"
//! ```
//!
//! The frames of a bucket are applied strictly one after the other, so that the last write wins in
//! memory exactly as it will after a replay. Frames of different buckets have no table in common, so
//! the order in which they are applied cannot be observed: a heavy frame, with a hundred thousand
//! new columns, is left to a thread of its own, and light frames of other buckets overtake it.
//! Several heavy frames take turns, some tables at a time. Light frames that a request has committed
//! itself it also applies itself, if their turn has come ([`Jobs::apply_here`]): no thread is woken.
//!
//! Applying never fails and never waits for memory: that was reserved before the frame was logged.

mod turns;

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::in_flight::Counted;
use super::progress::Applied;
use super::scratch::TableRows;
use crate::buffer::Buffer;
use crate::id::{BucketId, Sequence};
use crate::memory::Reservation;
use crate::vital;
use turns::{Turn, Turns, Weight};

/// The maximum reservation of a light frame, in bytes: it is applied in about a millisecond.
const LIGHT_BYTES_MAX: u64 = 256 << 10;

/// The amount of a heavy frame that is applied in one turn, in bytes of its reservation. A table is
/// not split.
const TURN_BYTES: u64 = 2 << 20;

/// The number of frames that a request applies itself at most. There are few: others came while it
/// went from the queue of the log to the disk.
const HERE_MAX: usize = 4;

thread_local! {
    /// True while this thread is going to apply what it queues.
    static APPLIES: Cell<bool> = const { Cell::new(false) };
}

/// The outcome for a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Committed {
    /// Durable and applied: readers see it.
    Done,
    /// The log failed; the frame may or may not be on disk.
    Failed(String),
    /// Durable, but its bucket was deleted in the meantime: there is nothing to read.
    BucketGone,
    /// The frame was never written to the disk: it was queued after one that failed.
    NotAttempted,
}

/// A durable frame on its way to the buffer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) bucket: BucketId,
    pub(super) sequence: Sequence,
    pub(super) tables: Vec<Arc<TableRows>>,
    /// Covers the growth of the buffer.
    pub(super) reservation: Reservation,
    /// The series that the limit counts until the buffer counts them.
    pub(super) in_flight: Counted,
    /// Completed once readers can see the points.
    pub(super) done: oneshot::Sender<Committed>,
}

/// The queue to the two threads. When it is dropped, they end after the frames that were queued.
#[derive(Debug)]
pub(super) struct Jobs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    buffer: Buffer,
    applied: Arc<Applied>,
    state: Mutex<State>,
    light: Condvar,
    heavy: Condvar,
}

#[derive(Debug, Default)]
struct State {
    turns: Turns<Work>,
    /// The threads that sleep and must be woken. A call to wake one that does not is a system call all the
    /// same, and there would be two for each frame.
    sleeping: Sleeping,
    /// No more frames will come.
    is_closed: bool,
    /// Holds the heavy thread before its next turn until the other end is dropped; a message through
    /// it makes the thread panic.
    #[cfg(test)]
    gate: Option<std::sync::mpsc::Receiver<()>>,
}

#[derive(Debug, Default)]
struct Sleeping {
    light: bool,
    heavy: bool,
}

impl Sleeping {
    fn of(&mut self, weight: Weight) -> &mut bool {
        match weight {
            Weight::Light => &mut self.light,
            Weight::Heavy => &mut self.heavy,
        }
    }
}

/// Starts the threads.
pub(super) fn start(buffer: Buffer, applied: Arc<Applied>) -> io::Result<Jobs> {
    let shared = Arc::new(Shared {
        buffer,
        applied,
        state: Mutex::default(),
        light: Condvar::new(),
        heavy: Condvar::new(),
    });
    let jobs = Jobs {
        shared: Arc::clone(&shared),
    };
    for (name, weight) in [("apply", Weight::Light), ("apply-heavy", Weight::Heavy)] {
        let shared = Arc::clone(&shared);
        // The log has the frame, even if only half of it is applied, or none.
        vital::thread(name, move || shared.run(weight))?;
    }
    Ok(jobs)
}

impl Jobs {
    /// Queues a frame; sequences ascend.
    pub(super) fn send(&self, job: Job) {
        let (bucket, sequence) = (job.bucket, job.sequence);
        let weight = if job.reservation.bytes() <= LIGHT_BYTES_MAX {
            Weight::Light
        } else {
            Weight::Heavy
        };
        let mut state = self.shared.state();
        let ready = state.turns.push(Turn {
            bucket,
            sequence,
            weight,
            work: Work::new(job),
        });
        if weight == Weight::Heavy || !APPLIES.get() {
            self.shared.wake(state, ready);
        }
    }

    /// Does work that queues frames, and applies those that are light on this thread, as far as their
    /// turn has come.
    pub(super) fn apply_here(&self, work: impl FnOnce()) {
        let before = APPLIES.replace(true);
        work();
        APPLIES.set(before);
        vital::step("apply", || self.shared.apply_some(HERE_MAX));
    }

    /// Holds heavy frames before their next turn until the other end of the gate is dropped.
    #[cfg(test)]
    pub(super) fn hold_heavy(&self, gate: std::sync::mpsc::Receiver<()>) {
        self.shared.state().gate = Some(gate);
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.shared.wake_all();
    }
}

impl Shared {
    fn run(&self, weight: Weight) {
        while let Some(turn) = self.next(weight) {
            self.apply(turn);
        }
    }

    /// Applies so many light frames at most, and leaves the others to the thread.
    fn apply_some(&self, frames_max: usize) {
        for _ in 0..frames_max {
            let turn = self.state().turns.take(Weight::Light);
            let Some(turn) = turn else {
                return;
            };
            self.apply(turn);
        }
        self.wake(self.state(), Some(Weight::Light));
    }

    /// Waits for the next turn of this weight. Returns nothing once no more will come.
    fn next(&self, weight: Weight) -> Option<Turn<Work>> {
        let mut state = self.state();
        loop {
            if state.is_closed && state.turns.is_empty() {
                return None;
            }
            #[cfg(test)]
            if weight == Weight::Heavy
                && let Some(gate) = state.gate.take()
            {
                drop(state);
                assert!(gate.recv().is_err(), "on purpose");
                state = self.state();
                continue;
            }
            if let Some(turn) = state.turns.take(weight) {
                return Some(turn);
            }
            *state.sleeping.of(weight) = true;
            let woken = self.of(weight).wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            *state.sleeping.of(weight) = false;
        }
    }

    /// Applies what fits into a turn. The memory of the job is released before its client is answered:
    /// the client's next request must not compete with its last one.
    fn apply(&self, mut turn: Turn<Work>) {
        let (bucket, sequence) = (turn.bucket, turn.sequence);
        if !turn.work.go_on(&self.buffer) {
            self.state().turns.put_back(turn);
            return;
        }
        let (done, committed) = turn.work.finish();
        let mut state = self.state();
        let next = state.turns.finish(bucket, sequence);
        if let Some(applied) = next.done_up_to {
            // Under the lock: it must never decrease.
            self.applied.set(applied);
        }
        if state.is_closed {
            drop(state);
            self.wake_all();
        } else {
            self.wake(state, next.ready);
        }
        // The client may have hung up; its points stay.
        let _ = done.send(committed);
    }

    fn of(&self, weight: Weight) -> &Condvar {
        match weight {
            Weight::Light => &self.light,
            Weight::Heavy => &self.heavy,
        }
    }

    /// Releases the state, and wakes the thread for which there is something to do, if it sleeps.
    fn wake(&self, mut state: MutexGuard<'_, State>, weight: Option<Weight>) {
        let sleeps = |weight: &Weight| std::mem::take(state.sleeping.of(*weight));
        let woken = weight.filter(sleeps);
        drop(state);
        if let Some(weight) = woken {
            self.of(weight).notify_one();
        }
    }

    fn wake_all(&self) {
        self.light.notify_all();
        self.heavy.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frame whose tables may be partly applied.
#[derive(Debug)]
struct Work {
    job: Job,
    tables_applied: usize,
    committed: Committed,
}

impl Work {
    fn new(job: Job) -> Self {
        Self {
            job,
            tables_applied: 0,
            committed: Committed::Done,
        }
    }

    /// Applies tables for one turn. Returns whether all are applied now.
    fn go_on(&mut self, buffer: &Buffer) -> bool {
        let Job {
            bucket,
            sequence,
            tables,
            reservation,
            ..
        } = &mut self.job;
        let mut bytes = 0;
        for table in tables.iter().skip(self.tables_applied) {
            if bytes >= TURN_BYTES {
                return false;
            }
            let share = reservation.split(Buffer::apply_bytes_max(&table.batch));
            bytes += share.bytes();
            if !buffer.apply(*bucket, *sequence, &table.batch, share.hand_over()) {
                self.committed = Committed::BucketGone;
            }
            self.tables_applied += 1;
        }
        true
    }

    /// Releases what the frame held. Returns the client's channel and the outcome to send.
    fn finish(self) -> (oneshot::Sender<Committed>, Committed) {
        drop(self.job.in_flight);
        (self.job.done, self.committed)
    }
}
