//! One processor that questions leave to writes, as long as these come.
//!
//! A priority says who goes on when several may; it does not end a slice that has begun ([`priority`]). So
//! a write whose threads find all processors with questions still waits for the next tick of the system
//! now and then. As long as writes follow each other closely, the threads of questions run on all
//! processors but one. One-line writes on one connection beside four heavy questions, on two processors
//! and Linux 6.18, at the 99th percentile, against the same alone: with the priority alone 5.6 to 9.0
//! times as long, with this 1.6 to 1.9. The questions have half of two processors then, and three
//! quarters of four.
//!
//! [`priority`]: super::priority

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_setaffinity};

/// The time between two looks for writes while there are questions.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The looks without a write after which questions have all processors again.
const LOOKS_WITHOUT: u32 = 4;

/// The threads of questions, and the processors that they may run on.
#[derive(Debug)]
pub(super) struct Spare {
    all: CpuSet,
    but_one: CpuSet,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    threads: HashSet<Pid>,
    is_spared: bool,
}

impl Spare {
    /// Of the processors that the calling thread may run on. None if there is but one, or none is known.
    pub(super) fn of_this_thread() -> Option<Arc<Self>> {
        let all = sched_getaffinity(None).ok()?;
        if all.count() < 2 {
            return None;
        }
        let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| all.is_set(*cpu))?;
        let mut but_one = all;
        but_one.unset(last);
        Some(Arc::new(Self {
            all,
            but_one,
            state: Mutex::default(),
        }))
    }

    /// Adds the calling thread.
    pub(super) fn join(&self) {
        let mut state = self.state();
        let thread = gettid();
        state.threads.insert(thread);
        self.place(thread, state.is_spared);
    }

    /// Forgets the calling thread, which ends.
    pub(super) fn leave(&self) {
        self.state().threads.remove(&gettid());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spare(&self, is_spared: bool) {
        let mut state = self.state();
        if state.is_spared != is_spared {
            state.is_spared = is_spared;
            for thread in &state.threads {
                self.place(*thread, is_spared);
            }
        }
    }

    fn place(&self, thread: Pid, is_spared: bool) {
        let processors = if is_spared { &self.but_one } else { &self.all };
        if let Err(error) = sched_setaffinity(Some(thread), processors) {
            tracing::debug!(%error, "a thread for queries keeps its processors");
        }
    }
}

/// Spares a processor while there are questions and writes. Runs until it is dropped.
///
/// `begun` waits until there may be questions; `are_asked` tells whether there are; `writes` is their
/// number so far.
pub(super) async fn keep<B: Future<Output = ()>>(
    spare: Arc<Spare>,
    begun: impl Fn() -> B,
    are_asked: impl Fn() -> bool,
    writes: impl Fn() -> u64,
) {
    loop {
        begun().await;
        let (mut seen, mut without) = (writes(), LOOKS_WITHOUT);
        while are_asked() {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = writes();
            without = if now == seen {
                without.saturating_add(1)
            } else {
                0
            };
            seen = now;
            spare.spare(without < LOOKS_WITHOUT);
        }
        spare.spare(false);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::mpsc::channel;

    use tokio::sync::Notify;

    use super::*;
    use crate::clock;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Waits until a thread may run on so many processors.
    async fn soon(thread: Pid, count: u32) {
        let begun = clock::instant();
        let has = || sched_getaffinity(Some(thread)).expect("it runs").count();
        while has() != count {
            assert!(begun.elapsed() < PATIENCE, "{} and not {count}", has());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Starts a thread of questions, which runs until the other end is dropped.
    fn start(spare: &Arc<Spare>) -> (Pid, std::sync::mpsc::Sender<()>) {
        let (told, tell) = (channel(), channel::<()>());
        let spare = Arc::clone(spare);
        std::thread::spawn(move || {
            spare.join();
            told.0.send(gettid()).expect("it is awaited");
            let _ended = tell.1.recv();
            spare.leave();
        });
        (told.1.recv().expect("it runs"), tell.0)
    }

    #[tokio::test]
    async fn a_processor_is_left_to_writes_while_there_are_questions_and_writes() {
        let Some(spare) = Spare::of_this_thread() else {
            eprintln!("SKIPPED: there is one processor");
            return;
        };
        let all = spare.all.count();
        let (asked, writes) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
        let writing = Arc::new(AtomicBool::new(true));
        let begun = Arc::new(Notify::new());
        let (thread, _running) = start(&spare);
        let keeper = {
            let (asked, writes, begun) =
                (Arc::clone(&asked), Arc::clone(&writes), Arc::clone(&begun));
            tokio::spawn(keep(
                Arc::clone(&spare),
                move || Arc::clone(&begun).notified_owned(),
                move || asked.load(Ordering::Relaxed),
                move || writes.load(Ordering::Relaxed),
            ))
        };
        let writer = {
            let (writes, writing) = (Arc::clone(&writes), Arc::clone(&writing));
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    writes.fetch_add(
                        u64::from(writing.load(Ordering::Relaxed)),
                        Ordering::Relaxed,
                    );
                }
            })
        };
        soon(thread, all).await;
        begun.notify_one();
        soon(thread, all - 1).await;
        let (late, _running) = start(&spare);
        soon(late, all - 1).await;
        writing.store(false, Ordering::Relaxed);
        soon(thread, all).await;
        writing.store(true, Ordering::Relaxed);
        soon(thread, all - 1).await;
        asked.store(false, Ordering::Relaxed);
        soon(thread, all).await;
        soon(late, all).await;
        keeper.abort();
        writer.abort();
    }
}
