//! The schedule of flushes: by size, age, memory, the log's size, and at a stop.

mod failing;
mod round;
mod stuck;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use round::Round;

use crate::buffer::TableInfo;
use crate::clock;
use crate::id::TableId;
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::lake::log::Log;
use crate::telemetry::{FlushCounts, causes};
use crate::vital;
use failing::Failing;

/// The pause between looks at the tables.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Looking may take at most one part in this many of a core's time.
const LOOK_SHARE: u32 = 20;

/// The interval at which the log is asked to release what is flushed.
const RELEASE_EVERY: Duration = Duration::from_secs(1);

/// Tables are flushed for memory once this much of the soft mark is used, in percent, until no more
/// than the second value will be. Acknowledgements slow down at the soft mark.
const MEMORY_FROM_PERCENT: u64 = 40;
const MEMORY_TO_PERCENT: u64 = 20;

/// The reason for a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Size,
    Age,
    Memory,
    Log,
    Stop,
    Asked,
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Age => "age",
            Self::Memory => "memory",
            Self::Log => "log",
            Self::Stop => "stop",
            Self::Asked => "asked",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Flushes tables in the background. Clones share the work.
#[derive(Clone, Debug)]
pub struct Flusher {
    shared: Arc<Work>,
}

#[derive(Debug)]
struct Work {
    lake: Lake,
    log: Arc<dyn Log>,
    places: Arc<Semaphore>,
    /// One permit: only one round of upkeep at a time.
    upkeep: Arc<Semaphore>,
    /// One permit: only one removal of deleted buckets at a time.
    removal: Arc<Semaphore>,
    progress: Mutex<Progress>,
    /// Notified when a flush has ended, to look again.
    changed: Notify,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Progress {
    running: HashMap<TableId, u64>,
    failing: HashMap<TableId, Failing>,
    /// The tables that keep the log from shrinking.
    stuck: HashSet<TableId>,
    /// The bytes of the log that are rows of stuck tables, logged again.
    again_bytes: HashMap<TableId, u64>,
    is_logging_again: bool,
    /// The earliest time to log rows again, after that failed.
    again_from: Option<Instant>,
    /// The last time that any table was flushed.
    flushed: Option<Instant>,
    /// The flushes that are not logged yet.
    round: Round,
}

impl Flusher {
    /// Starts flushing. Must be called within a runtime.
    pub fn start(lake: Lake, log: Arc<dyn Log>) -> Self {
        let flusher = Self {
            shared: Arc::new(Work {
                places: Arc::new(Semaphore::new(lake.shared.options.flushes_max)),
                upkeep: Arc::new(Semaphore::new(1)),
                removal: Arc::new(Semaphore::new(1)),
                lake,
                log,
                progress: Mutex::default(),
                changed: Notify::new(),
                stop: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        };
        tokio::spawn(vital::task("flusher", flusher.clone().run()));
        flusher.try_store();
        flusher
    }

    /// Flushes as much as it can within `patience`, and stops. The rest stays in the log.
    pub async fn stop(&self, patience: Duration) {
        self.shared.stop.cancel();
        let all = async {
            self.shared.tasks.close();
            self.shared.tasks.wait().await;
            match patience.is_zero() {
                true => Ok(()),
                false => self.flush_all().await,
            }
        };
        match tokio::time::timeout(patience, all).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                %error,
                "not everything could be flushed: the rest is in the log and comes back with the next start"
            ),
            Err(_) => tracing::info!(
                patience_ms = patience.as_millis(),
                "not everything was flushed in time: the rest is in the log and comes back with the next start"
            ),
        }
        self.tell_round(clock::instant());
        let positions = self.shared.lake.shared.positions.clone();
        let written = tokio::task::spawn_blocking(move || positions.write()).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = causes(&error);
                tracing::warn!(error, "the positions of the tables could not be saved");
            }
            Err(error) => tracing::error!(
                %error,
                "saving the positions of the tables was cut short by an internal error"
            ),
        }
        self.release_log().await;
    }

    /// The tables.
    pub fn lake(&self) -> &Lake {
        &self.shared.lake
    }

    /// Flushes all rows of a table that are buffered now. Rows that arrive meanwhile may stay.
    pub async fn flush_table(&self, table: &TableId) -> Result<FlushCounts, LakeError> {
        let all = self.flush_all_of(table, Reason::Asked).await?;
        self.progress().failing.remove(table);
        Ok(all)
    }

    /// Flushes a table as often as it takes: one flush takes only a part of a very large table.
    async fn flush_all_of(&self, key: &TableId, reason: Reason) -> Result<FlushCounts, LakeError> {
        let asked = clock::instant();
        let mut all = FlushCounts::default();
        while self.holds_since(key, asked) {
            let place = self.shared.places.acquire().await;
            let flushed = self.flush_one(key, reason).await?;
            drop(place);
            if flushed.files == 0 {
                break;
            }
            all += flushed;
        }
        Ok(all)
    }

    fn holds_since(&self, key: &TableId, asked: Instant) -> bool {
        let table = self.shared.lake.shared.buffer.table(key);
        table.is_some_and(|table| table.since <= asked)
    }

    /// Runs other work on the tables, beside the flushes. A stop cancels it and waits until it has ended.
    pub fn run_aside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.shared.stop.clone();
        self.shared.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    async fn flush_all(&self) -> Result<(), LakeError> {
        let mut failed = None;
        let tables = self.shared.lake.shared.buffer.tables();
        let flushes = tables
            .into_iter()
            .map(|table| async move { self.flush_all_of(&table.id, Reason::Stop).await.map(drop) });
        for result in futures_util::future::join_all(flushes).await {
            failed = result.err().or(failed);
        }
        failed.map_or(Ok(()), Err)
    }

    async fn run(self) {
        let mut released = clock::instant();
        let mut looked_after = clock::instant();
        let (mut pause, mut pause_min) = (LOOK_EVERY, Duration::ZERO);
        while !self.shared.stop.is_cancelled() {
            tokio::select! {
                () = self.shared.stop.cancelled() => return,
                // Every flush ends with a notification: not each may lead to a look at all tables.
                () = async { tokio::join!(self.shared.changed.notified(), tokio::time::sleep(pause_min)); } => {}
                () = self.shared.log.outgrown() => {
                    self.note_positions().await;
                    self.release_log().await;
                    continue;
                }
                () = tokio::time::sleep(pause) => {}
            }
            let looked = clock::instant();
            for (key, bytes, reason) in self.due() {
                self.spawn(key, bytes, reason);
            }
            self.look_at_stuck();
            let now = clock::instant();
            // With very many tables, looking at all of them takes a while.
            pause_min = now.saturating_duration_since(looked) * LOOK_SHARE;
            pause = LOOK_EVERY.max(pause_min);
            if now.saturating_duration_since(released) >= RELEASE_EVERY {
                released = now;
                // In this order: a table's first flush must be recorded before its points leave the
                // log, or a loss of the table would go unnoticed.
                self.note_positions().await;
                self.release_log().await;
                self.tell_round(now);
                self.spawn_removal();
            }
            let every = self.shared.lake.shared.options.upkeep_every;
            if !every.is_zero() && now.saturating_duration_since(looked_after) >= every {
                looked_after = now;
                self.spawn_upkeep();
            }
        }
    }

    /// Saves the positions of the tables, so that a start after a crash need not ask the tables, and the
    /// time, if the clock is trusted.
    async fn note_positions(&self) {
        let lake = &self.shared.lake;
        // A warning is logged by the work that needs the time.
        let _ = lake.certain_now_ns();
        if let Err(error) = lake.write_positions().await {
            tracing::debug!(%error, "the positions of the tables could not be saved yet");
        }
    }

    /// Removes the tables of deleted buckets, unless that is still in progress. A task of its own, as it
    /// waits for other work on these tables, and flushes must not wait for it.
    fn spawn_removal(&self) {
        let lake = self.shared.lake.clone();
        if !lake.has_deleted() {
            return;
        }
        let Ok(place) = Arc::clone(&self.shared.removal).try_acquire_owned() else {
            return;
        };
        self.run_aside(async move {
            if let Err(error) = lake.remove_deleted().await {
                tracing::warn!(%error, "the tables of a deleted bucket could not be removed yet");
            }
            drop(place);
        });
    }

    /// Runs upkeep on all tables, one after another, unless it is still running.
    fn spawn_upkeep(&self) {
        let Ok(place) = Arc::clone(&self.shared.upkeep).try_acquire_owned() else {
            return;
        };
        let lake = self.shared.lake.clone();
        self.run_aside(async move {
            lake.look_after_all().await;
            drop(place);
        });
    }

    fn spawn(&self, key: TableId, bytes: u64, reason: Reason) {
        self.progress().running.insert(key.clone(), bytes);
        let flusher = self.clone();
        // If this task died silently, its table would count as being flushed for ever.
        self.shared.tasks.spawn(vital::task("flush", async move {
            let place = Arc::clone(&flusher.shared.places).acquire_owned().await;
            let flushed = flusher.flush_one(&key, reason).await;
            drop(place);
            flusher.note(key, flushed.as_ref().err());
            flusher.shared.changed.notify_one();
        }));
    }

    /// Logs one line about the flushes since the last such line, once no flush is running, or from time
    /// to time.
    fn tell_round(&self, now: Instant) {
        let mut progress = self.progress();
        let is_over = progress.running.is_empty();
        let round = progress.round.take_if_over(is_over, now);
        drop(progress);
        if let Some(round) = round {
            round.tell(now);
        }
    }

    fn note(&self, key: TableId, error: Option<&LakeError>) {
        let mut progress = self.progress();
        progress.running.remove(&key);
        let now = clock::instant();
        let Some(error) = error else {
            progress.failing.remove(&key);
            progress.flushed = Some(now);
            return;
        };
        let failing = Failing::after(progress.failing.get(&key), error, now);
        progress.failing.insert(key, failing);
    }

    async fn flush_one(&self, key: &TableId, reason: Reason) -> Result<FlushCounts, LakeError> {
        let lake = &self.shared.lake;
        let Some(bucket) = lake.shared.catalog.bucket(key.bucket) else {
            return Ok(FlushCounts::default());
        };
        let started = clock::instant();
        let flushed = lake.flush_table(&bucket, &key.measurement).await;
        let seconds = clock::instant()
            .saturating_duration_since(started)
            .as_secs_f64();
        let (bucket, table) = (bucket.name.as_str(), &*key.measurement);
        match flushed {
            Ok(flushed) if flushed.files == 0 => Ok(flushed),
            Ok(flushed) => {
                let tables = lake.shared.metrics.tables();
                tables.flushed(reason.word(), flushed, seconds);
                tracing::debug!(
                    bucket, table, %reason, rows = flushed.rows, merged = flushed.merged,
                    files = flushed.files, bytes = flushed.bytes, seconds,
                    "flushed"
                );
                self.progress().round.add(flushed, started);
                Ok(flushed)
            }
            Err(error) => {
                lake.shared.metrics.tables().flush_failed();
                tracing::warn!(
                    bucket, table, %reason, %error,
                    "a flush failed and will be retried; its points are safe in the log"
                );
                Err(error)
            }
        }
    }

    /// Asks the log to release what is flushed, even if nothing was flushed since the last time: on a
    /// full disk the last attempt may have failed, and no flush may follow.
    async fn release_log(&self) {
        let log = Arc::clone(&self.shared.log);
        match tokio::task::spawn_blocking(move || log.release()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the log could not be shortened"),
            Err(error) => {
                tracing::error!(%error, "shortening the log was cut off by an internal error")
            }
        }
    }

    /// The tables to flush now, with their buffered bytes and the reason.
    fn due(&self) -> Vec<(TableId, u64, Reason)> {
        let options = &self.shared.lake.shared.options;
        let now = clock::instant();
        let mut tables = self.shared.lake.shared.buffer.tables();
        let (running, resting) = self.engaged(now);
        let mut running_bytes: u64 = running.values().sum();
        tables.retain(|table| !running.contains_key(&table.id) && !resting.contains(&table.id));
        let mut due = Vec::new();
        let by_itself = |table: &TableInfo| {
            if table.bytes >= options.flush_bytes {
                Some(Reason::Size)
            } else {
                let age = now.saturating_duration_since(table.since);
                (age >= options.flush_age).then_some(Reason::Age)
            }
        };
        tables.retain(|table| match by_itself(table) {
            None => true,
            Some(reason) => {
                running_bytes += table.bytes;
                due.push((table.clone(), reason));
                false
            }
        });
        self.for_memory(&mut tables, running_bytes, &mut due);
        self.for_log(tables, &mut due);
        let due = due.into_iter();
        due.map(|(table, reason)| (table.id, table.bytes, reason))
            .collect()
    }

    /// The tables that are being flushed, and those that rest after a failure.
    fn engaged(&self, now: Instant) -> (HashMap<TableId, u64>, HashSet<TableId>) {
        let progress = self.progress();
        let resting = progress.failing.iter();
        let resting = resting.filter(|(_, failing)| failing.again > now);
        let resting = resting.map(|(key, _)| key.clone()).collect();
        (progress.running.clone(), resting)
    }

    /// Adds the largest tables, until enough memory will be free.
    fn for_memory(
        &self,
        tables: &mut Vec<TableInfo>,
        mut leaving_bytes: u64,
        due: &mut Vec<(TableInfo, Reason)>,
    ) {
        let budget = &self.shared.lake.shared.budget;
        let (used, soft) = (budget.used_bytes(), budget.marks().soft_bytes);
        if used.saturating_sub(leaving_bytes) < soft / 100 * MEMORY_FROM_PERCENT {
            return;
        }
        tables.sort_by_key(|table| table.bytes);
        while used.saturating_sub(leaving_bytes) > soft / 100 * MEMORY_TO_PERCENT {
            let Some(table) = tables.pop() else {
                return;
            };
            leaving_bytes += table.bytes;
            due.push((table, Reason::Memory));
        }
    }

    /// Adds the tables that hold the oldest frames, while the log is too long.
    fn for_log(&self, mut tables: Vec<TableInfo>, due: &mut Vec<(TableInfo, Reason)>) {
        if self.shared.log.bytes() < self.shared.lake.shared.options.log_bytes {
            return;
        }
        // Half of them, oldest first: the others may grow on.
        tables.sort_by_key(|table| table.first);
        tables.truncate(tables.len().div_ceil(2));
        due.extend(tables.into_iter().map(|table| (table, Reason::Log)));
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        let progress = self.shared.progress.lock();
        progress.unwrap_or_else(PoisonError::into_inner)
    }
}
