//! The record of a question as it is made.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::{Array, RecordBatch};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::physical_plan::ExecutionPlan;

use super::kill::Kill;
use super::memory::{Counted, Use};
use super::records::Records;
use super::text::Language;
use super::{Asker, Outcome, Record, Watch, plan, text};
use crate::memory::Lent;
use crate::presence::Presence;

/// A question that runs.
#[derive(Debug)]
pub(super) struct Entry {
    asker: Asker,
    text: String,
    masked: String,
    /// As it is shown until it is planned.
    masked_names: String,
    start_ns: i64,
    start: Instant,
    waited: OnceLock<Duration>,
    planned: OnceLock<Duration>,
    rows: AtomicU64,
    bytes: AtomicU64,
    memory: Arc<Use>,
    plan: Mutex<Option<Arc<dyn ExecutionPlan>>>,
    pub(super) kill: Kill,
}

impl Entry {
    pub(super) fn new(asker: Asker, text: &str, language: Language, watch: &dyn Watch) -> Self {
        Self {
            asker,
            text: text::cut(text),
            masked: text::mask(text, language, true),
            masked_names: text::mask(text, language, false),
            start_ns: watch.now_ns(),
            start: watch.instant(),
            waited: OnceLock::new(),
            planned: OnceLock::new(),
            rows: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            memory: Arc::default(),
            plan: Mutex::default(),
            kill: Kill::default(),
        }
    }

    /// The name of the sender's token.
    pub(super) fn token(&self) -> Option<&str> {
        self.asker.token.as_deref()
    }

    pub(super) fn record(&self, outcome: Outcome, now: Instant) -> Record {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = plan.clone();
        let files = plan.as_ref().and_then(plan::files);
        let lasted = now.saturating_duration_since(self.start);
        let waited = self.waited.get().copied().unwrap_or(lasted);
        Record {
            asker: self.asker.clone(),
            text: self.text.clone(),
            masked: match self.planned.get() {
                Some(_) => self.masked.clone(),
                None => self.masked_names.clone(),
            },
            start_ns: self.start_ns,
            outcome,
            waited,
            planned: self
                .planned
                .get()
                .copied()
                .unwrap_or(lasted.saturating_sub(waited)),
            lasted,
            rows: self.rows.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            memory_bytes_max: u64::try_from(self.memory.bytes_max()).unwrap_or(u64::MAX),
            files_read: files.map(|(read, _)| read),
            files_pruned: files.map(|(_, pruned)| pruned),
        }
    }
}

/// Follows a question from its begin to its end. Dropped before, it was cancelled.
#[derive(Debug)]
pub(crate) struct Following {
    records: Arc<Records>,
    id: u64,
    entry: Arc<Entry>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for its turn, or is being planned.
    Planning,
    /// It was planned; nobody has asked for rows.
    Planned,
    Running,
    Ended,
}

impl Following {
    pub(super) fn new(records: Arc<Records>, id: u64, entry: Arc<Entry>) -> Self {
        Self {
            records,
            id,
            entry,
            stage: Stage::Planning,
        }
    }

    /// A pool that counts what the question takes from another.
    pub(crate) fn pool(&self, shared: Arc<Lent>) -> Arc<dyn MemoryPool> {
        Arc::new(Counted::new(shared, Arc::clone(&self.entry.memory)))
    }

    /// The wish of another that it ends.
    pub(crate) fn kill(&self) -> Kill {
        self.entry.kill.clone()
    }

    /// Whether its sender still waits for it.
    pub(crate) fn presence(&self) -> Presence {
        self.entry.asker.presence.clone()
    }

    /// It has got its turn. Only the first time counts.
    pub(crate) fn has_turn(&self) {
        self.waiting().end();
    }

    /// The wait for its turn.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            records: Arc::clone(&self.records),
            entry: Arc::clone(&self.entry),
        }
    }

    /// It is planned.
    pub(crate) fn is_planned(&mut self) {
        self.stage = Stage::Planned;
        let waited = self.entry.waited.get().copied();
        debug_assert!(
            waited.is_some(),
            "a question has its turn before it is planned"
        );
        let waited = waited.unwrap_or_default();
        let planned = self.lasted().saturating_sub(waited);
        let _ = self.entry.planned.set(planned);
    }

    /// Rows are asked for.
    pub(crate) fn runs(&mut self) {
        self.stage = Stage::Running;
    }

    /// This plan makes the rows.
    pub(crate) fn runs_by(&self, plan: Arc<dyn ExecutionPlan>) {
        *self
            .entry
            .plan
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(plan);
    }

    /// These rows were taken.
    pub(crate) fn took(&mut self, batch: &RecordBatch) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let sizes = batch.columns().iter().map(|column| {
            let size = column.to_data().get_slice_memory_size();
            size.unwrap_or_else(|_| column.get_array_memory_size())
        });
        let bytes = count(sizes.sum());
        self.entry
            .rows
            .fetch_add(count(batch.num_rows()), Ordering::Relaxed);
        self.entry.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.entry.asker.columns_only {
            // Those are known now, and nobody comes for what follows.
            self.end(Outcome::Done);
        }
    }

    /// What is known of it now.
    pub(crate) fn record(&self, outcome: Outcome) -> Record {
        self.entry.record(outcome, self.records.watch.instant())
    }

    /// It has ended. Only the first end counts.
    pub(crate) fn end(&mut self, outcome: Outcome) {
        if self.stage == Stage::Ended {
            return;
        }
        self.stage = Stage::Ended;
        // Who waits may see that its time is over before what computes does, and gives it up.
        let outcome = match outcome {
            Outcome::Cancelled if self.entry.asker.presence.is_late() => Outcome::Late,
            outcome => outcome,
        };
        match outcome {
            Outcome::Done if self.entry.asker.columns_only => self.records.forget(self.id),
            _ => self.records.end(self.id, self.record(outcome)),
        }
    }

    fn lasted(&self) -> Duration {
        let now = self.records.watch.instant();
        now.saturating_duration_since(self.entry.start)
    }
}

/// The wait of a question for its turn.
#[derive(Debug)]
pub(crate) struct Waiting {
    records: Arc<Records>,
    entry: Arc<Entry>,
}

impl Waiting {
    /// It has got its turn. Only the first time counts.
    pub(crate) fn end(&self) {
        let now = self.records.watch.instant();
        let waited = now.saturating_duration_since(self.entry.start);
        let _ = self.entry.waited.set(waited);
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        match self.stage {
            Stage::Planning | Stage::Running => self.end(Outcome::Cancelled),
            Stage::Planned => self.records.forget(self.id),
            Stage::Ended => {}
        }
    }
}

/// Follows a statement that the program carries out itself. Dropped before it ends, it was cancelled.
#[derive(Debug)]
pub struct Recorded(Option<Following>);

impl Recorded {
    /// It has its turn, needs no plan and runs.
    pub(crate) fn new(following: Option<Following>) -> Self {
        Self(following.map(|mut following| {
            following.has_turn();
            following.is_planned();
            following.runs();
            following
        }))
    }

    /// It has ended.
    pub fn end(mut self, outcome: Outcome) {
        if let Some(following) = &mut self.0 {
            following.end(outcome);
        }
    }
}
