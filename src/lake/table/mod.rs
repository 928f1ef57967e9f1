//! One table: reading its log. Adding to it is in [`commit`], writing its files in [`files`].
//!
//! The absence of a next commit proves nothing by itself: the log may be gone, or it may continue
//! after a checkpoint whose earlier commits were cleaned up. So the version that was last seen is
//! looked for too. If it is missing, the table is loaded anew; and if nothing is left of a table that
//! existed, that is an error, unless its bucket was deleted ([`Deletions`]).

mod absence;
mod checked;
mod commit;
mod commits;
mod faults;
pub(super) mod files;
pub(super) mod kept;
mod loading;
mod rest;
mod unproved;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use deltalake_core::kernel::Action;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore, get_actions};
use deltalake_core::operations::vacuum::VacuumMode;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use unproved::Unproved;
use url::Url;

use crate::certain::Certain;
use crate::clock;
use crate::lake::deletion::Deletions;
use crate::lake::error::LakeError;
use crate::lake::state::table_state::TableState;
use crate::lake::store::Store;
use crate::narrow;
use absence::Absence;
use checked::Checked;
use kept::{Cell, Kept};
use loading::LogSource;
use rest::Rest;

/// A state that is older is read anew: commits since could have been cleaned up, and a commit after a
/// gap would not be seen by anyone.
const STATE_AGE_MAX: Duration = Duration::from_secs(3600);

/// A table of the lake.
#[derive(Debug)]
pub(super) struct Table {
    /// Its folder, from the root of the lake.
    pub(super) folder: String,
    /// The lake's store, with the table's folder as its root.
    pub(super) store: Store,
    /// The deletions of all buckets, its own among them.
    deletions: Arc<Deletions>,
    /// True if other nodes write to the same tables.
    is_shared: bool,
    log: LogStoreRef,
    /// The state that readers see. Nothing if it was not read yet, or the table does not exist.
    state: Cell<Known>,
    absence: Absence,
    /// The kept states of all tables, and this table's number among them.
    kept: Arc<Kept<Known>>,
    number: u64,
    /// Held while points are added: one task at a time in this process.
    flushing: tokio::sync::Mutex<()>,
    /// Held while files are rewritten or removed: one task at a time in this process.
    upkeep: tokio::sync::Mutex<()>,
    checked: Checked,
    /// Held during a commit.
    unproved: tokio::sync::Mutex<Option<Unproved>>,
    /// The version at which a compaction found nothing to do.
    pub(super) rest: Rest,
}

/// A state, and the time since which it was followed without gaps.
#[derive(Clone, Debug)]
pub(super) struct Known {
    state: Arc<TableState>,
    loaded: Instant,
    /// The state is no older than the table was then.
    seen: Instant,
    /// The last deletion of the bucket before the table was made.
    deletion: Option<String>,
}

/// A table as it was found.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Nothing if there is no table.
    pub(super) state: Option<Arc<TableState>>,
    /// The last deletion of the bucket, which has ended; nothing if it was never deleted.
    pub(super) deletion: Option<String>,
}

/// The next step of a commit.
pub(super) enum Next {
    /// Commit these actions, on top of the state that was shown.
    Commit(Vec<Action>),
    /// Commit nothing: it is done.
    Done,
}

impl Table {
    pub(super) fn new(
        lake: &Store,
        folder: String,
        is_shared: bool,
        deletions: &Arc<Deletions>,
        kept: &Arc<Kept<Known>>,
    ) -> Result<Self, LakeError> {
        let table = |reason: &dyn ToString| LakeError::table(&folder, reason.to_string());
        let prefix = Path::parse(&folder).map_err(|error| table(&error))?;
        let store: Store = Arc::new(PrefixStore::new(Arc::clone(lake), prefix));
        // The library takes a URL, but reads through the stores that it is given.
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
            deletions: Arc::clone(deletions),
            is_shared,
            log,
            state: Cell::default(),
            absence: Absence::default(),
            number: kept.name(),
            kept: Arc::clone(kept),
            flushing: tokio::sync::Mutex::default(),
            upkeep: tokio::sync::Mutex::default(),
            checked: Checked::default(),
            unproved: tokio::sync::Mutex::default(),
            rest: Rest::default(),
        })
    }

    /// Waits until no other task of this process adds points to the table.
    pub(super) async fn flushing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.flushing.lock().await
    }

    /// Waits until no other task of this process rewrites or removes files of the table.
    pub(super) async fn upkeep(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.upkeep.lock().await
    }

    /// The last state that was seen.
    pub(super) fn known(&self) -> Option<Arc<TableState>> {
        self.read_known().map(|known| known.state)
    }

    /// Returns the current state; nothing if the table does not exist. `app` is the application whose
    /// transactions are wanted.
    pub(super) async fn refresh(&self, app: &str) -> Result<Option<Arc<TableState>>, LakeError> {
        Ok(self.look(app).await?.state)
    }

    /// As [`Table::look`], but asks for nothing if that was done within this time: then the commits of
    /// other nodes since may be missing. This node's are there.
    pub(super) async fn look_within(&self, age: Duration, app: &str) -> Result<Seen, LakeError> {
        let lately = self.read_known().filter(|known| {
            self.is_shared && clock::instant().saturating_duration_since(known.seen) < age
        });
        if let Some(known) = lately {
            let bytes = known.state.heap_bytes();
            self.kept.used(self.number, &self.state, bytes);
            return Ok(known.seen());
        }
        if !self.is_shared || age.is_zero() {
            return self.look(app).await;
        }
        if let Some(missed) = self.absence.within(age) {
            return Ok(Seen {
                state: None,
                deletion: missed.deletion,
            });
        }
        let look = self.absence.begin();
        let seen = self.look(app).await?;
        if seen.state.is_none() {
            self.absence.note(look, seen.deletion.clone());
        }
        Ok(seen)
    }

    /// Returns true if the table was not there when a reader looked for it last.
    pub(super) fn is_absence_noted(&self) -> bool {
        self.absence.is_noted()
    }

    /// As [`Table::look_within`], for who wants no files: if no other node writes to the table, all of its
    /// columns came by this process, and a state that is known has them.
    pub(super) async fn look_for_columns(
        &self,
        age: Duration,
        app: &str,
    ) -> Result<Seen, LakeError> {
        match self.read_known().filter(|_| !self.is_shared) {
            Some(known) => {
                let bytes = known.state.heap_bytes();
                self.kept.used(self.number, &self.state, bytes);
                Ok(known.seen())
            }
            None => self.look_within(age, app).await,
        }
    }

    /// Returns the current state, and the last deletion of the bucket.
    pub(super) async fn look(&self, app: &str) -> Result<Seen, LakeError> {
        if let Ok(mut unproved) = self.unproved.try_lock() {
            self.prove(&mut unproved).await?;
        }
        let known = self.read_known();
        let fresh = known.clone().filter(|known| {
            clock::instant().saturating_duration_since(known.loaded) < STATE_AGE_MAX
        });
        if let Some(fresh) = fresh
            && let Some(known) = self.follow(fresh).await?
        {
            self.publish(known.clone());
            return Ok(known.seen());
        }
        self.load_anew(app, known).await
    }

    /// Reads on from a known state. Returns nothing if that state is no longer part of the log.
    async fn follow(&self, mut known: Known) -> Result<Option<Known>, LakeError> {
        known.seen = clock::instant();
        let first = known.state.version;
        let (mut next, deletion) = match self.is_shared {
            true => {
                let next = self.read_commit(first + 1);
                let (next, deletion) = futures_util::future::join(next, self.deletion()).await;
                (next?, deletion?)
            }
            // No other node deletes, and a deletion by this one makes it forget the table.
            false => (self.read_commit(first + 1).await?, known.deletion.clone()),
        };
        if deletion != known.deletion {
            return Ok(None);
        }
        while let Some(bytes) = next {
            let version = known.state.version + 1;
            let actions = get_actions(version, &bytes);
            let actions = match actions {
                Ok(actions) => actions,
                Err(error) => return Err(self.read_from().damaged(error).await),
            };
            let applied = Arc::make_mut(&mut known.state).apply(version, &actions);
            applied.map_err(|reason| LakeError::table(&self.folder, reason))?;
            next = self.read_commit(version + 1).await?;
        }
        let is_there = known.state.version > first || self.has_version(first).await?;
        Ok(is_there.then_some(known))
    }

    /// Reads the whole table. If it existed before, something of it must be left, or a deletion must
    /// explain why not.
    async fn load_anew(&self, app: &str, known: Option<Known>) -> Result<Seen, LakeError> {
        // Read this first: a later deletion leaves a newer mark.
        let deletion = self.deletion().await?;
        let loaded = clock::instant();
        let Some(state) = self.load(app).await? else {
            return match known {
                Some(known) if known.deletion == deletion => Err(LakeError::Gone {
                    table: self.folder.clone(),
                    missing: format!("version {}", known.state.version),
                }),
                _ => {
                    self.forget();
                    Ok(Seen {
                        state: None,
                        deletion,
                    })
                }
            };
        };
        let known = Known {
            state: Arc::new(state),
            loaded,
            seen: loaded,
            deletion,
        };
        self.publish(known.clone());
        Ok(known.seen())
    }

    /// The last deletion of the bucket.
    async fn deletion(&self) -> Result<Option<String>, LakeError> {
        let bucket = self.folder.split('/').next().unwrap_or(&self.folder);
        self.deletions.settled(bucket).await
    }

    /// Returns whether the log has this version, as a commit or as a checkpoint: if a table was not
    /// written to for long, the commit may have been cleaned up.
    async fn has_version(&self, version: u64) -> Result<bool, LakeError> {
        match self.store.head(&commit_path(version)).await {
            Ok(_) => return Ok(true),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let name = format!("{version:020}.checkpoint.");
        let log = Path::from("_delta_log");
        let mut entries = self
            .store
            .list_with_offset(Some(&log), &log.clone().join(name.as_str()));
        while let Some(entry) = entries.try_next().await? {
            let found = entry.location.filename();
            if found.is_some_and(|found| found.starts_with(&name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes a checkpoint of the table's log. If the time is certain, removes the part of the log that
    /// is older than the table keeps it.
    pub(super) async fn checkpoint(&self, is_time_certain: bool) -> Result<(), LakeError> {
        let table = self.read_from().table().await?;
        let delta = |error| self.delta(error);
        let version = table.version().certain("it was loaded");
        deltalake_core::checkpoints::create_checkpoint(&table, None)
            .await
            .map_err(delta)?;
        if is_time_certain {
            deltalake_core::checkpoints::cleanup_metadata(&table, None)
                .await
                .map_err(delta)?;
        }
        self.checked.note(version);
        Ok(())
    }

    /// The number of commits since the last checkpoint, as of this version.
    pub(super) async fn unchecked(&self, version: u64) -> Result<u64, LakeError> {
        self.checked.since(&self.store, version).await
    }

    /// Deletes files in the table's folder that are not, or no longer, part of it and are older than
    /// `age`. Returns their number.
    pub(super) async fn vacuum(&self, age: Duration) -> Result<u64, LakeError> {
        let table = self.read_from().table().await?;
        let age = chrono::Duration::from_std(age).unwrap_or(chrono::Duration::MAX);
        let vacuum = table
            .vacuum()
            .with_mode(VacuumMode::Full)
            .with_retention_period(age)
            .with_enforce_retention_duration(false);
        let (_, metrics) = vacuum.await.map_err(|error| self.delta(error))?;
        Ok(narrow::to_u64(metrics.files_deleted.len()))
    }

    /// Forgets everything about the table, which is gone.
    pub(super) fn forget(&self) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.kept.gone(self.number);
        self.begin_anew();
    }

    /// Discards what was known about an earlier table.
    fn begin_anew(&self) {
        self.checked.forget();
        self.rest.forget();
    }

    async fn load(&self, app: &str) -> Result<Option<TableState>, LakeError> {
        let is_table = self.log.is_delta_table_location().await;
        if !is_table.map_err(|error| self.delta(error))? {
            return Ok(None);
        }
        let entries = self.read_from().entries().await?;
        let _room = self.kept.room(loading::bytes(&entries)).await;
        match self.read_from().of_commits(&entries).await? {
            Some(state) => Ok(Some(state)),
            None => Ok(Some(self.read_from().state(app).await?)),
        }
    }

    fn read_from(&self) -> LogSource<'_> {
        LogSource {
            folder: &self.folder,
            store: &self.store,
            log: &self.log,
        }
    }

    async fn read_commit(&self, version: u64) -> Result<Option<bytes::Bytes>, LakeError> {
        let read = self.log.read_commit_entry(version).await;
        match read.map_err(|error| self.delta(error))? {
            Some(bytes) if bytes.is_empty() => {
                let empty = faults::empty(&commit_path(version));
                Err(self.read_from().faulty(empty))
            }
            read => Ok(read),
        }
    }

    fn read_known(&self) -> Option<Known> {
        let known = self.state.read().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Publishes a state, unless a newer one is known: two refreshes may end in any order, and readers
    /// must never go back. The later load counts more than the version, as the table may be another one.
    fn publish(&self, new: Known) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_newer = known.as_ref().is_none_or(|known| {
            (known.loaded, known.state.version) <= (new.loaded, new.state.version)
        });
        let bytes = new.state.heap_bytes();
        if is_newer
            && known
                .as_ref()
                .is_some_and(|known| known.deletion != new.deletion)
        {
            self.begin_anew();
        }
        if is_newer {
            *known = Some(new);
        }
        drop(known);
        self.absence.end();
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

impl Known {
    fn seen(&self) -> Seen {
        Seen {
            state: Some(Arc::clone(&self.state)),
            deletion: self.deletion.clone(),
        }
    }
}

fn commit_path(version: u64) -> Path {
    Path::from_iter(["_delta_log", &format!("{version:020}.json")])
}
