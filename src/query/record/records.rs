//! The records of all questions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::following::{Entry, Following};
use super::text::Language;
use super::{Asker, Outcome, Record, Running, Watch};

/// How many questions that have ended are kept, of all senders together.
const ENDED_MAX: usize = 500;

/// Questions that run, and the last ones that ended.
#[derive(Debug)]
pub(crate) struct Records {
    pub(super) watch: Arc<dyn Watch>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    running: BTreeMap<u64, Arc<Entry>>,
    ended: VecDeque<Record>,
}

impl Records {
    pub(crate) fn new(watch: Arc<dyn Watch>) -> Self {
        Self {
            watch,
            state: Mutex::default(),
        }
    }

    /// Begins the record of a question in SQL.
    pub(crate) fn begin(self: &Arc<Self>, asker: Asker, text: &str) -> Following {
        self.begin_in(Language::Sql, asker, text)
    }

    /// Begins the record of a statement of InfluxQL, by its text.
    pub(crate) fn begin_influxql(self: &Arc<Self>, asker: Asker, text: &str) -> Following {
        self.begin_in(Language::InfluxQl, asker, text)
    }

    fn begin_in(self: &Arc<Self>, language: Language, asker: Asker, text: &str) -> Following {
        let entry = Arc::new(Entry::new(asker, text, language, &*self.watch));
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        state.running.insert(id, Arc::clone(&entry));
        drop(state);
        Following::new(Arc::clone(self), id, entry)
    }

    /// What a sender may see: its own questions, with their texts as they were sent, and those of others
    /// if it sees all. The latest first.
    pub(crate) fn seen_by(&self, asker: &Asker) -> Vec<Record> {
        let state = self.state();
        let running: Vec<Arc<Entry>> = state.running.values().rev().map(Arc::clone).collect();
        let ended: Vec<Record> = state.ended.iter().rev().cloned().collect();
        drop(state);
        let now = self.watch.instant();
        let running = running
            .iter()
            .map(|entry| entry.record(Outcome::Running, now));
        let all = running.chain(ended);
        let seen = all.filter_map(|mut record| {
            let is_own = record.asker.token == asker.token;
            if !is_own {
                record.text.clone_from(&record.masked);
            }
            (is_own || asker.sees_all).then_some(record)
        });
        seen.collect()
    }

    /// The questions that run and that a sender may see, as [`Records::seen_by`]; the oldest first.
    pub(crate) fn running(&self, asker: &Asker) -> Vec<Running> {
        let running: Vec<(u64, Arc<Entry>)> = self
            .state()
            .running
            .iter()
            .map(|(id, entry)| (*id, Arc::clone(entry)))
            .collect();
        let now = self.watch.instant();
        let seen = running.into_iter().filter_map(|(id, entry)| {
            let mut record = entry.record(Outcome::Running, now);
            let is_own = entry.token() == asker.token.as_deref();
            if !is_own {
                record.text.clone_from(&record.masked);
            }
            (is_own || asker.sees_all).then(|| Running {
                id,
                record,
                is_killed: entry.kill.is_wished(),
            })
        });
        seen.collect()
    }

    /// Ends a question that runs and that the sender may see. Returns false if there is none.
    pub(crate) fn kill(&self, asker: &Asker, id: u64) -> bool {
        let found = self.state().running.get(&id).cloned();
        let seen = found.filter(|entry| asker.sees_all || entry.token() == asker.token.as_deref());
        seen.inspect(|entry| entry.kill.kill()).is_some()
    }

    /// Ends the record of a question, and tells the program.
    pub(super) fn end(&self, id: u64, record: Record) {
        self.watch.ended(&record);
        let mut state = self.state();
        state.running.remove(&id);
        if state.ended.len() >= ENDED_MAX {
            state.ended.pop_front();
        }
        state.ended.push_back(record);
    }

    /// Forgets a question that was never run.
    pub(super) fn forget(&self, id: u64) {
        self.state().running.remove(&id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
