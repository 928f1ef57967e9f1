//! Questions about the stored points: the program's half of queries.
//!
//! ```text
//! question > Queries > package `query` > Database (bucket) > Table > Merged (a stretch of a day)
//!              places, threads, memory                             > Files (what need not be merged)
//! ```
//!
//! Promises: a question sees every point of its bucket that was acknowledged before it began, none
//! twice, and none past retention; each table as it was at one moment, however often the question
//! names it. (Two tables may be looked at one after the other: a write that reaches both in between
//! may be seen in one.) It takes memory from the budget and gives it back when it ends, or when
//! nobody waits for it any more.
//!
//! Who may ask is decided before, by whoever calls.

mod access;
mod beside;
mod bucket;
mod disk;
mod files;
mod memory;
mod piece;
#[cfg(target_os = "linux")]
mod priority;
#[cfg(target_os = "linux")]
mod spare;
mod table;
#[cfg(test)]
mod tests;
mod threads;
mod watch;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;
use tidegate_query::influxql::ast;
use tidegate_query::influxql::run::{Databases, Request, Statement};
use tidegate_query::{
    Asker, Database, Holding, Limits, QueryEngine, QueryError, Question, Recorded, Running, Waiter,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

pub use self::access::Turn;

use self::access::Access;
use self::beside::Beside;
use self::bucket::BucketMoment;
use self::disk::SpillDisk;
use self::memory::QueryMemory;
use self::threads::Threads;
use self::watch::Watcher;
use super::environment::Environment;
use crate::catalog::{Bucket, Catalog};
use crate::certain::Certain;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::memory::{Reservation, Room};
use crate::narrow;
use crate::read::Sources;
use crate::storage::{DiskStorage, RESERVE_BYTES, Storage, StorageError};
use crate::telemetry::Metrics;

/// The smallest budget of which questions get a part, in bytes.
const BUDGET_BYTES_MIN: u64 = 128 << 20;

/// The number of questions that may wait per place. Each holds a connection, and the last of them has
/// hardly a chance to get its turn while it waits.
const WAITING_PER_PLACE: usize = 16;

/// The divisor of the memory of questions for what reading takes; plans take the rest.
const READING_SHARE: u64 = 4;

/// The reason for which nothing can be asked.
#[derive(Debug, Error)]
pub enum QueriesError {
    /// No threads.
    #[error("no threads could be started for queries")]
    Threads(#[source] io::Error),
    /// No folder for what does not fit into memory.
    #[error("queries have no folder for what does not fit into memory (query.spill_dir)")]
    Disk(#[source] StorageError),
    /// The folder is another's.
    #[error(
        "folder {} is in use by another tidegate process ({}), which puts there what of its queries does \
         not fit into memory: give this one a folder of its own (query.spill_dir)",
        path.display(),
        pid.map_or_else(|| "pid unknown".to_owned(), |pid| format!("pid {pid}"))
    )]
    DiskInUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it.
        pid: Option<u32>,
    },
    /// The query engine.
    #[error(transparent)]
    Engine(#[from] QueryError),
}

impl QueriesError {
    fn of_disk(error: StorageError) -> Self {
        match error {
            StorageError::InUse { path, pid } => Self::DiskInUse { path, pid },
            error => Self::Disk(error),
        }
    }
}

/// Answers questions about the stored points. Clones share the limits.
#[derive(Clone, Debug)]
pub struct Queries {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    engine: QueryEngine,
    sources: Sources,
    catalog: Catalog,
    clock: Clock,
    places: Arc<Semaphore>,
    /// Told of each question that has got a place.
    beside: Arc<Beside>,
    metrics: Metrics,
    concurrent_max: usize,
    /// The number of questions that wait for a place.
    waiting: Arc<AtomicUsize>,
    /// The time that a question waits for its turn and for memory together.
    patience: Duration,
    /// The bytes with which each question reads files.
    reading_bytes: u64,
    /// The number of days that each question reads at once.
    partitions: usize,
    threads: Threads,
    /// Leaves a processor to writes.
    _keeper: Option<AbortOnDropHandle<()>>,
}

impl Queries {
    /// Answers questions about these points. Starts the threads for it, and on the runtime, which is that
    /// of the writes, what leaves a processor to these.
    pub(super) fn open(
        environment: &Environment,
        storage: &Arc<dyn Storage>,
        sources: &Sources,
        catalog: &Catalog,
        runtime: &Handle,
    ) -> Result<Self, QueriesError> {
        let config: &Config = &environment.config;
        let query = &config.query;
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let partitions = match query.threads {
            0 => cores,
            threads => threads,
        };
        let threads = Threads::start(partitions).map_err(QueriesError::Threads)?;
        let bytes_max = config.query_bytes_max();
        let for_reading = bytes_max / READING_SHARE;
        let each = for_reading / narrow::to_u64(query.concurrent_max).max(1);
        let engine = QueryEngine::new(Limits {
            partitions,
            memory: Arc::new(QueryMemory::new(
                &environment.budget,
                bytes_max - for_reading,
            )),
            disk: Arc::new(disk(config, storage).map_err(QueriesError::of_disk)?),
            threads: threads.handle(),
            timeout: timeout(query.timeout),
            instant: clock::instant,
        })?;
        let engine = engine.watched_by(Arc::new(Watcher {
            clock: environment.clock.clone(),
            metrics: environment.metrics.clone(),
            slow: query.slow,
        }));
        let places = Arc::new(Semaphore::new(query.concurrent_max));
        let beside = Arc::new(Beside::default());
        let keeper = keeper(&threads, &places, &beside, environment, runtime);
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                sources: sources.clone(),
                catalog: catalog.clone(),
                clock: environment.clock.clone(),
                places,
                beside,
                metrics: environment.metrics.clone(),
                concurrent_max: query.concurrent_max,
                waiting: Arc::default(),
                patience: patience(query.wait_timeout, query.timeout),
                reading_bytes: each.min(Room::floor_bytes(&environment.budget)),
                partitions,
                threads,
                _keeper: keeper,
            }),
        })
    }

    /// Plans a question in SQL of this sender about a bucket, as it is now. Waits a while for its turn.
    ///
    /// # Errors
    /// [`QueryError`] if the question is wrong, or its answer cannot be begun.
    pub async fn ask(
        &self,
        bucket: &Arc<Bucket>,
        text: &str,
        asker: Asker,
    ) -> Result<Question, QueryError> {
        let database = self.database(bucket);
        self.shared.engine.ask(asker, text, database).await
    }

    /// Plans a question in SQL about a bucket, as [`Queries::ask`], on behalf of nobody: it is not
    /// recorded.
    ///
    /// # Errors
    /// [`QueryError`] if the question is wrong, or its answer cannot be begun.
    pub async fn sql(&self, bucket: &Arc<Bucket>, text: &str) -> Result<Question, QueryError> {
        let database = self.database(bucket).await?;
        self.shared.engine.sql(database, text).await
    }

    /// A bucket as it is now, for one question. Waits a while for its turn, which ends when the
    /// database and everything made of it is dropped.
    ///
    /// # Errors
    /// [`QueryError::Crowded`] if too many questions are asked, or memory is short.
    pub async fn database(&self, bucket: &Arc<Bucket>) -> Result<Arc<dyn Database>, QueryError> {
        let turn = self.turn().await?;
        Ok(self.in_turn(&turn, bucket))
    }

    /// The turn of one question, however many buckets it reads. Waits a while for it.
    ///
    /// # Errors
    /// [`QueryError::Crowded`] if too many questions are asked, or memory is short.
    pub async fn turn(&self) -> Result<Arc<Turn>, QueryError> {
        let until = clock::instant() + self.shared.patience;
        let place = self.place(until).await?;
        let writes = self.shared.metrics.lines_accepted_so_far();
        self.shared.beside.question(writes);
        let room = self.floor(until).await?.map(Room::within);
        Ok(Arc::new(Turn::new(place, room, self.shared.partitions)))
    }

    /// A bucket as it is now, for the question that has this turn.
    pub fn in_turn(&self, turn: &Arc<Turn>, bucket: &Arc<Bucket>) -> Arc<dyn Database> {
        let shared = &self.shared;
        let oldest_ns = bucket.oldest_ns(shared.clock.now_ns());
        let access = Access {
            sources: shared.sources.clone(),
            catalog: shared.catalog.clone(),
            bucket: Arc::clone(bucket),
            oldest_ns: oldest_ns.unwrap_or(i64::MIN),
            threads: shared.threads.handle(),
            turn: Arc::clone(turn),
        };
        Arc::new(BucketMoment::new(Arc::new(access)))
    }

    /// A request of InfluxQL that comes in at `now_ns`, as [`QueryEngine::request`].
    pub fn request(&self, now_ns: i64) -> Request {
        self.shared.engine.request(now_ns)
    }

    /// Begins a statement of InfluxQL that reads points, as [`QueryEngine::influxql`].
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong or has no database, or if its answer cannot be begun.
    pub async fn influxql(
        &self,
        asker: Asker,
        databases: Arc<dyn Databases>,
        statement: &ast::Statement,
        request: Request,
    ) -> Result<Statement, QueryError> {
        let engine = &self.shared.engine;
        engine.influxql(asker, databases, statement, request).await
    }

    /// Begins the record of a statement of InfluxQL that the program carries out itself.
    pub fn record(&self, asker: Asker, statement: &str) -> Recorded {
        self.shared.engine.record(asker, statement)
    }

    /// The questions that run, as far as this sender may see them; the oldest first.
    pub fn asked_by(&self, asker: &Asker) -> Vec<Running> {
        self.shared.engine.running(asker)
    }

    /// Ends a question that runs and that this sender may see. Returns false if there is none.
    pub fn kill(&self, asker: &Asker, id: u64) -> bool {
        self.shared.engine.kill(asker, id)
    }

    /// Somebody who waits for a question, as [`QueryEngine::waiter`].
    pub fn waiter(&self) -> Waiter {
        self.shared.engine.waiter(self.shared.patience)
    }

    /// Memory of questions for what is kept of an answer; none yet.
    pub fn holding(&self) -> Holding {
        self.shared.engine.holding()
    }

    /// Does all of the work of a question on the threads of questions: each hand-over from others to them
    /// and back takes longer than one among them. Ends it early if nobody waits for it any more.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if it panics.
    pub async fn carry_out<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let work = AbortOnDropHandle::new(self.threads().spawn(work.in_current_span()));
        work.await
            .map_err(|error| QueryError::Internal(error.to_string()))
    }

    /// The threads that work on questions. What is done with their rows is done there too.
    pub fn threads(&self) -> Handle {
        self.shared.threads.handle()
    }

    /// The bytes of memory that the plans of all questions have.
    pub fn memory_used_bytes(&self) -> usize {
        self.shared.engine.memory_used_bytes()
    }

    /// The number of questions that are being answered.
    pub fn running(&self) -> usize {
        let free = self.shared.places.available_permits();
        let running = self.shared.concurrent_max.checked_sub(free);
        running.certain("no more places are free than there are")
    }

    /// The number of questions that wait for their turn.
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    async fn place(&self, until: Instant) -> Result<OwnedSemaphorePermit, QueryError> {
        let places = &self.shared.places;
        // None is free while others wait for it.
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = self.queue()?;
        let place = Arc::clone(places).acquire_owned();
        match tokio::time::timeout_at(until.into(), place).await {
            Ok(place) => Ok(place.certain("the semaphore is never closed")),
            Err(_) => Err(QueryError::Crowded(format!(
                "{} queries are running already (query.concurrent_max), and none ended within {} ms \
                 (query.wait_timeout_ms): try again later",
                self.shared.concurrent_max,
                self.shared.patience.as_millis(),
            ))),
        }
    }

    /// Joins the queue, if it is not full.
    fn queue(&self) -> Result<Waiting, QueryError> {
        let waiting = Waiting::new(&self.shared.waiting);
        let waiting_max = self.shared.concurrent_max.saturating_mul(WAITING_PER_PLACE);
        match self.waiting() <= waiting_max {
            true => Ok(waiting),
            false => Err(QueryError::Crowded(format!(
                "{waiting_max} queries are waiting already for one of {} places \
                 (query.concurrent_max): try again later",
                self.shared.concurrent_max,
            ))),
        }
    }

    /// The memory in which files are read; none without a lake.
    async fn floor(&self, until: Instant) -> Result<Option<Reservation>, QueryError> {
        let Sources { budget, lake, .. } = &self.shared.sources;
        let budget_bytes = budget.marks().budget_bytes;
        if budget_bytes < BUDGET_BYTES_MIN {
            return Err(QueryError::Exhausted(format!(
                "queries need a memory budget of at least {BUDGET_BYTES_MIN} bytes, and it is \
                 {budget_bytes} (memory.budget_bytes)"
            )));
        }
        if lake.is_none() {
            return Ok(None);
        }
        let patience = until.saturating_duration_since(clock::instant());
        let floor = budget.reserve_to_read(self.shared.reading_bytes, patience);
        let floor = floor.await;
        floor
            .map(Some)
            .map_err(|refused| QueryError::Crowded(refused.to_string()))
    }
}

/// A question that waits for its turn, until it is dropped.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Leaves a processor to writes while there are some beside questions, where threads have processors.
#[cfg(target_os = "linux")]
fn keeper(
    threads: &Threads,
    places: &Arc<Semaphore>,
    beside: &Arc<Beside>,
    environment: &Environment,
    runtime: &Handle,
) -> Option<AbortOnDropHandle<()>> {
    let spare = threads.spare()?;
    let (places, beside) = (Arc::clone(places), Arc::clone(beside));
    let metrics = environment.metrics.clone();
    let all = places.available_permits();
    let keep = spare::keep(
        spare,
        move || beside.wait(),
        move || places.available_permits() < all,
        move || metrics.lines_accepted_so_far(),
    );
    Some(AbortOnDropHandle::new(runtime.spawn(keep)))
}

#[cfg(not(target_os = "linux"))]
fn keeper(
    _threads: &Threads,
    _places: &Arc<Semaphore>,
    _beside: &Arc<Beside>,
    _environment: &Environment,
    _runtime: &Handle,
) -> Option<AbortOnDropHandle<()>> {
    None
}

/// The folder for what does not fit into memory: in the data folder, or one of one's choice.
fn disk(config: &Config, storage: &Arc<dyn Storage>) -> Result<SpillDisk, StorageError> {
    let storage = match &config.query.spill_dir {
        Some(folder) => Arc::new(DiskStorage::shared_with_own(folder, disk::FOLDER)?),
        None => Arc::clone(storage),
    };
    let reserve_bytes = narrow::to_u64(RESERVE_BYTES);
    SpillDisk::open(
        storage,
        config.wal.segment_bytes_max.saturating_add(reserve_bytes),
    )
}

/// The time that a question waits: there is no use in waiting longer than an answer may take.
fn patience(wait: Duration, timeout: Duration) -> Duration {
    match timeout.is_zero() {
        true => wait,
        false => wait.min(timeout),
    }
}

fn timeout(timeout: Duration) -> Option<(Duration, String)> {
    let text = format!(
        "the query was not answered within {} ms (query.timeout_ms): ask for a shorter stretch of time \
         or for fewer columns, or have the setting raised; the same query will not end earlier",
        timeout.as_millis()
    );
    (!timeout.is_zero()).then_some((timeout, text))
}
