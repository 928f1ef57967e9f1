//! Stops the log's thread when a group is durable and no request was answered yet. A test that
//! relies on the thread being stopped there waits for [`Gate::held`]: a write that was
//! submitted has not come so far yet, and on a busy machine it takes its time.

use std::sync::{Condvar, Mutex, MutexGuard};

use super::support::{PATIENCE, soon};
use crate::wal::{GroupReport, Observer};

/// Open at first.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_shut: bool,
    /// True while the log's thread is stopped there.
    is_held: bool,
}

impl Gate {
    /// The next group is held, and each one after it.
    pub(super) fn shut(&self) {
        self.state().is_shut = true;
    }

    /// Waits until the log's thread is held.
    pub(super) async fn held(&self) {
        soon("a group comes to the gate", || self.state().is_held).await;
    }

    /// Lets the group go that is held; the next one is held again.
    pub(super) fn let_through(&self) {
        let was_held = std::mem::take(&mut self.state().is_held);
        assert!(was_held, "nobody stands there");
        self.moved.notify_all();
    }

    pub(super) fn open(&self) {
        *self.state() = State::default();
        self.moved.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }
}

impl Observer for Gate {
    fn group(&self, _: &GroupReport) {
        let mut state = self.state();
        state.is_held = state.is_shut;
        let is_held = |state: &mut State| state.is_held;
        let waited = self.moved.wait_timeout_while(state, PATIENCE, is_held);
        assert!(!waited.expect("not poisoned").1.timed_out(), "let go");
    }
}
