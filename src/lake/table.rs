//! One table: reading its log, and adding to it.
//!
//! A commit is tried until it stands or turns out to be done: before every attempt the log is read
//! on, and the caller decides anew from what it finds there. That is also what happens after an
//! error that does not tell whether the commit was written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use deltalake_core::DeltaTable;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::kernel::{Action, EagerSnapshot};
use deltalake_core::logstore::{
    CommitOrBytes, LogStoreRef, StorageConfig, default_logstore, get_actions,
};
use deltalake_core::operations::vacuum::VacuumMode;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde_json::Value;
use url::Url;

use super::LakeError;
use super::kept::{Cell, Kept};
use super::state::{DataFile, TableState};
use super::store::Store;
use crate::clock;

/// A state that is older is read anew: commits between could have been cleaned up meanwhile, and a
/// commit after a gap would not be seen by anyone.
const STATE_AGE_MAX: Duration = Duration::from_secs(3600);

const COMMIT_ATTEMPTS_MAX: u32 = 200;

/// A table of the lake.
#[derive(Debug)]
pub(super) struct Table {
    /// Its folder, from the root of the lake.
    pub(super) folder: String,
    /// The lake's store, seen from the table's folder.
    pub(super) store: Store,
    log: LogStoreRef,
    /// What readers see. Nothing as long as it was not read, or the table does not exist.
    state: Cell<Known>,
    /// What is kept of all tables; this one's number there.
    kept: Arc<Kept<Known>>,
    number: u64,
    /// Held by whoever adds points: one at a time in this process.
    flushing: tokio::sync::Mutex<()>,
    /// Held by whoever rewrites or removes files: one at a time in this process.
    upkeep: tokio::sync::Mutex<()>,
    /// Of the last checkpoint that is known of, plus one.
    checkpointed: AtomicU64,
}

/// A state, and since when it is known without gaps.
#[derive(Clone, Debug)]
pub(super) struct Known {
    state: Arc<TableState>,
    loaded: Instant,
}

/// What to commit next.
pub(super) enum Next {
    /// These, on top of the state that was shown.
    Commit(Vec<Action>),
    /// Nothing: it is done.
    Done,
}

impl Table {
    pub(super) fn new(
        lake: &Store,
        folder: String,
        kept: &Arc<Kept<Known>>,
    ) -> Result<Self, LakeError> {
        let table = |reason: &dyn ToString| LakeError::table(&folder, reason.to_string());
        let prefix = Path::parse(&folder).map_err(|error| table(&error))?;
        let store: Store = Arc::new(PrefixStore::new(Arc::clone(lake), prefix));
        // The library takes a URL; what it finds there is what the stores say.
        let location =
            Url::parse(&format!("memory:///{folder}/")).map_err(|error| table(&error))?;
        let log = default_logstore(
            Arc::clone(&store),
            Arc::clone(lake),
            &location,
            &StorageConfig::default(),
        );
        Ok(Self {
            folder,
            store,
            log,
            state: Cell::default(),
            number: kept.name(),
            kept: Arc::clone(kept),
            flushing: tokio::sync::Mutex::default(),
            upkeep: tokio::sync::Mutex::default(),
            checkpointed: AtomicU64::new(0),
        })
    }

    /// Waits until nobody else in this process adds points to the table.
    pub(super) async fn flushing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.flushing.lock().await
    }

    /// Waits until nobody else in this process rewrites or removes files of the table.
    pub(super) async fn upkeep(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.upkeep.lock().await
    }

    /// The last state that was seen.
    pub(super) fn known(&self) -> Option<Arc<TableState>> {
        self.read_known().map(|known| known.state)
    }

    /// The state now; nothing if the table does not exist. `app` is the application whose
    /// transactions are asked about.
    pub(super) async fn refresh(&self, app: &str) -> Result<Option<Arc<TableState>>, LakeError> {
        let known = self.read_known();
        let fresh = known.filter(|known| {
            clock::instant().saturating_duration_since(known.loaded) < STATE_AGE_MAX
        });
        let (mut state, loaded) = match fresh {
            Some(known) => (known.state, known.loaded),
            None => match self.load(app).await? {
                Some(state) => (Arc::new(state), clock::instant()),
                None => return Ok(None),
            },
        };
        while let Some(bytes) = self.read_commit(state.version + 1).await? {
            let version = state.version + 1;
            let actions = get_actions(version, &bytes).map_err(|error| self.delta(error))?;
            let applied = Arc::make_mut(&mut state).apply(version, &actions);
            applied.map_err(|reason| LakeError::table(&self.folder, reason))?;
        }
        self.publish(Arc::clone(&state), loaded);
        Ok(Some(state))
    }

    /// Commits what `next` decides from the state that it is shown. Returns the state with it.
    pub(super) async fn commit(
        &self,
        app: &str,
        next: &mut (dyn FnMut(Option<&TableState>) -> Result<Next, LakeError> + Send),
    ) -> Result<Option<Arc<TableState>>, LakeError> {
        let mut failed = None;
        for attempt in 0..COMMIT_ATTEMPTS_MAX {
            let state = match self.refresh(app).await {
                Ok(state) => state,
                // The error that left the doubt says more.
                Err(error) => return Err(failed.unwrap_or(error)),
            };
            let actions = match next(state.as_deref())? {
                Next::Commit(actions) => actions,
                Next::Done => return Ok(state),
            };
            // It is not there: so the error was what it looked like.
            if let Some(error) = failed {
                return Err(error);
            }
            let version = state.as_ref().map_or(0, |state| state.version + 1);
            match self.write_commit(version, &actions).await {
                Ok(()) => return self.advance(state, version, &actions),
                Err(TransactionError::VersionAlreadyExists(_)) => {
                    // Whoever was faster goes on; the others spread out.
                    let millis = u64::from(attempt.min(20)) * 5;
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                }
                Err(error) => failed = Some(self.delta(error.into())),
            }
        }
        Err(LakeError::Contended {
            table: self.folder.clone(),
            attempts: COMMIT_ATTEMPTS_MAX,
        })
    }

    /// Writes a checkpoint of the table's log, and removes what of the log is older than the
    /// table keeps it.
    pub(super) async fn checkpoint(&self) -> Result<(), LakeError> {
        let mut table = DeltaTable::new(Arc::clone(&self.log));
        let delta = |error| self.delta(error);
        table.load().await.map_err(delta)?;
        let version = table.version().unwrap_or(0);
        deltalake_core::checkpoints::create_checkpoint(&table, None)
            .await
            .map_err(delta)?;
        deltalake_core::checkpoints::cleanup_metadata(&table, None)
            .await
            .map_err(delta)?;
        self.checkpointed.store(version + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Commits since the last checkpoint, as of this version.
    pub(super) async fn unchecked(&self, version: u64) -> Result<u64, LakeError> {
        let known = self.checkpointed.load(Ordering::Relaxed);
        if known > 0 {
            return Ok((version + 1).saturating_sub(known));
        }
        let hint = Path::from("_delta_log/_last_checkpoint");
        let found = match self.store.get(&hint).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(version + 1),
            Err(error) => return Err(error.into()),
        };
        let hint: Value = serde_json::from_slice(&found).unwrap_or_default();
        let last = hint.get("version").and_then(Value::as_u64);
        let next = last.map_or(0, |last| last + 1);
        self.checkpointed.store(next, Ordering::Relaxed);
        Ok((version + 1).saturating_sub(next))
    }

    /// Deletes files in the table's folder that are not, or no longer, part of it, at the age
    /// of `age`; says how many.
    pub(super) async fn vacuum(&self, age: Duration) -> Result<u64, LakeError> {
        let delta = |error| self.delta(error);
        let mut table = DeltaTable::new(Arc::clone(&self.log));
        table.load().await.map_err(delta)?;
        let age = chrono::Duration::from_std(age).unwrap_or(chrono::Duration::MAX);
        let vacuum = table
            .vacuum()
            .with_mode(VacuumMode::Full)
            .with_retention_period(age)
            .with_enforce_retention_duration(false);
        let (_, metrics) = vacuum.await.map_err(delta)?;
        Ok(u64::try_from(metrics.files_deleted.len()).unwrap_or(u64::MAX))
    }

    /// Forgets what it knows: the table is gone.
    pub(super) fn forget(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.kept.gone(self.number);
    }

    fn advance(
        &self,
        state: Option<Arc<TableState>>,
        version: u64,
        actions: &[Action],
    ) -> Result<Option<Arc<TableState>>, LakeError> {
        let wrong = |reason| LakeError::table(&self.folder, reason);
        let mut state = match state {
            Some(state) => state,
            None => {
                let mut metadata = actions.iter().filter_map(metadata_of);
                let metadata = metadata.next().unwrap_or_default();
                Arc::new(TableState::new(metadata).map_err(wrong)?)
            }
        };
        let loaded = self.read_known().map(|known| known.loaded);
        Arc::make_mut(&mut state)
            .apply(version, actions)
            .map_err(wrong)?;
        self.publish(Arc::clone(&state), loaded.unwrap_or_else(clock::instant));
        Ok(Some(state))
    }

    async fn load(&self, app: &str) -> Result<Option<TableState>, LakeError> {
        let delta = |error| self.delta(error);
        let wrong = |reason| LakeError::table(&self.folder, reason);
        if !self.log.is_delta_table_location().await.map_err(delta)? {
            return Ok(None);
        }
        let log = self.log.as_ref();
        let snapshot = EagerSnapshot::try_new(log, None).await.map_err(delta)?;
        let metadata = serde_json::to_value(snapshot.metadata()).unwrap_or_default();
        let mut state = TableState::new(metadata).map_err(wrong)?;
        let protocol = Action::Protocol(snapshot.protocol().clone());
        state
            .apply(snapshot.version(), &[protocol])
            .map_err(wrong)?;
        for view in snapshot.log_data().iter() {
            let day = view.partition_values_map().remove("day").flatten();
            let stats = view.stats();
            let path = view.object_store_path();
            let file = DataFile::new(path.as_ref(), day.as_deref(), view.size(), stats.as_deref());
            let file = file.map_err(wrong)?;
            state.files.insert(Arc::clone(&file.path), file);
        }
        let transaction = snapshot.transaction_version(log, app).await;
        if let Some(version) = transaction.map_err(delta)? {
            let version = u64::try_from(version).unwrap_or(0);
            state.transactions.insert(app.to_owned(), version);
        }
        Ok(Some(state))
    }

    async fn read_commit(&self, version: u64) -> Result<Option<bytes::Bytes>, LakeError> {
        let read = self.log.read_commit_entry(version).await;
        read.map_err(|error| self.delta(error))
    }

    async fn write_commit(&self, version: u64, actions: &[Action]) -> Result<(), TransactionError> {
        let mut lines = Vec::new();
        for action in actions {
            let written = serde_json::to_writer(&mut lines, action);
            written.map_err(|json_err| TransactionError::SerializeLogJson { json_err })?;
            lines.push(b'\n');
        }
        let entry = CommitOrBytes::LogBytes(lines.into());
        self.log
            .write_commit_entry(version, entry, uuid::Uuid::new_v4())
            .await
    }

    fn read_known(&self) -> Option<Known> {
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Readers never go back: two refreshes may end in any order.
    fn publish(&self, state: Arc<TableState>, loaded: Instant) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_newer = known
            .as_ref()
            .is_none_or(|known| known.state.version <= state.version);
        let bytes = state.heap_bytes();
        if is_newer {
            *known = Some(Known { state, loaded });
        }
        drop(known);
        self.kept.used(self.number, &self.state, bytes);
    }

    fn delta(&self, error: deltalake_core::DeltaTableError) -> LakeError {
        LakeError::delta(&self.folder, error)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.kept.gone(self.number);
    }
}

fn metadata_of(action: &Action) -> Option<Value> {
    match action {
        Action::Metadata(metadata) => serde_json::to_value(metadata).ok(),
        _ => None,
    }
}
