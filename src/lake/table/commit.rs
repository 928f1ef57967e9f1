//! Adding to a table's log.
//!
//! A commit is tried until it stands or turns out to be done: before every attempt the new part of
//! the log is read, and the caller decides anew from what it finds. The same happens after an error
//! that leaves unknown whether the commit was written.
//!
//! In a shared lake a bucket may be deleted while a commit is on its way. So after the commit the
//! version before it and the mark of the deletion are looked for once more, and a commit whose
//! predecessor is missing, or that fell into a deletion, is taken back ([`Unproved`]).

use std::sync::Arc;
use std::time::Duration;

use deltalake_core::kernel::Action;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::CommitOrBytes;
use object_store::ObjectStoreExt as _;
use serde_json::Value;

use super::unproved::Unproved;
use super::{Known, Next, Seen, Table, commit_path};
use crate::clock;
use crate::lake::error::LakeError;
use crate::lake::state::actions;
use crate::lake::state::table_state::TableState;

const COMMIT_ATTEMPTS_MAX: u32 = 200;

/// The outcome of a commit.
pub(super) enum CommitOutcome {
    Stands,
    /// Another commit is in its place.
    TooLate,
    TakenBack,
}

impl Table {
    /// Commits what `next` decides from the state that it is shown. Returns the state after the commit.
    pub(in crate::lake) async fn commit(
        &self,
        app: &str,
        next: &mut (dyn FnMut(&Seen) -> Result<Next, LakeError> + Send),
    ) -> Result<Option<Arc<TableState>>, LakeError> {
        let mut failed = None;
        for attempt in 0..COMMIT_ATTEMPTS_MAX {
            let seen = match self.look(app).await {
                Ok(seen) => seen,
                // The error that left the outcome unknown says more.
                Err(error) => return Err(failed.unwrap_or(error)),
            };
            let next = next(&seen)?;
            let actions = match next {
                Next::Commit(actions) => actions,
                Next::Done => return Ok(seen.state),
            };
            // The commit is not there, so it did fail.
            if let Some(error) = failed {
                return Err(error);
            }
            let version = seen.state.as_ref().map_or(0, |state| state.version + 1);
            let deletion = seen.deletion.clone();
            match self.write_commit(version, deletion, &actions).await {
                Ok(CommitOutcome::Stands) => {
                    return self.advance(seen, version, &actions);
                }
                Ok(CommitOutcome::TakenBack) => {}
                Ok(CommitOutcome::TooLate) => {
                    // Spread the attempts of those that were slower.
                    let millis = u64::from(attempt.min(20)) * 5;
                    tokio::time::sleep(Duration::from_millis(millis)).await;
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(LakeError::Contended {
            table: self.folder.clone(),
            attempts: COMMIT_ATTEMPTS_MAX,
        })
    }

    /// Returns whether a commit lost its base while it was written: the version before it, or, by a
    /// deletion of the bucket, the files that it adds.
    async fn is_void(&self, version: u64, known: Option<&String>) -> Result<bool, LakeError> {
        if !self.is_shared {
            return Ok(false);
        }
        let is_after_gap = async {
            match version.checked_sub(1) {
                Some(before) => self.has_version(before).await.map(|is_there| !is_there),
                None => Ok(false),
            }
        };
        let (is_after_gap, deletion) =
            futures_util::future::join(is_after_gap, self.deletion()).await;
        match deletion {
            Err(LakeError::Removing { .. }) => Ok(true),
            deletion => Ok(is_after_gap? || deletion?.as_ref() != known),
        }
    }

    /// Writes a commit. In a shared lake it stands only after a check that it is not void.
    async fn write_commit(
        &self,
        version: u64,
        deletion: Option<String>,
        actions: &[Action],
    ) -> Result<CommitOutcome, LakeError> {
        let lines = actions::lines(actions);
        let lines = lines.map_err(|error| LakeError::table(&self.folder, error))?;
        let mut unproved = self.unproved.lock().await;
        *unproved = Some(Unproved::new(version, deletion, &lines));
        let entry = CommitOrBytes::LogBytes(lines.into());
        let written = self
            .log
            .write_commit_entry(version, entry, uuid::Uuid::new_v4());
        match written.await {
            Ok(()) => self.prove(&mut unproved).await,
            Err(TransactionError::VersionAlreadyExists(_)) => Ok(CommitOutcome::TooLate),
            Err(error) => Err(self.delta(error.into())),
        }
    }

    /// Checks that a commit stands, and takes it back if not. After an error the check must be repeated.
    pub(super) async fn prove(
        &self,
        unproved: &mut Option<Unproved>,
    ) -> Result<CommitOutcome, LakeError> {
        let mut written = CommitOutcome::Stands;
        if let Some(commit) = &unproved
            && self
                .is_void(commit.version, commit.deletion.as_ref())
                .await?
        {
            self.take_back(commit).await?;
            written = CommitOutcome::TakenBack;
        }
        *unproved = None;
        Ok(written)
    }

    /// Removes a commit that nobody can read, as its predecessor or its files are gone. If the commit of
    /// another node is in its place by now, that one stays.
    async fn take_back(&self, commit: &Unproved) -> Result<(), LakeError> {
        let written = self.read_commit(commit.version).await?;
        if written.is_none_or(|written| !commit.is(&written)) {
            return Ok(());
        }
        match self.store.delete(&commit_path(commit.version)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn advance(
        &self,
        Seen { state, deletion }: Seen,
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
        let known = self.read_known();
        Arc::make_mut(&mut state)
            .apply(version, actions)
            .map_err(wrong)?;
        self.publish(Known {
            state: Arc::clone(&state),
            loaded: known
                .as_ref()
                .map_or_else(clock::instant, |known| known.loaded),
            seen: known.map_or_else(clock::instant, |known| known.seen),
            deletion,
        });
        Ok(Some(state))
    }
}

/// The metadata that an action gives a table; none if it is another action.
pub(super) fn metadata_of(action: &Action) -> Option<Value> {
    match action {
        Action::Metadata(metadata) => serde_json::to_value(metadata).ok(),
        _ => None,
    }
}
