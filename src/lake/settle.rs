//! Comparison of the rows that a table has from this node with those that it should have.
//!
//! The table's transaction is the truth about the rows it has; the positions record what it should
//! have. If it has more, another process writes under this node's id. If it has less, the table was
//! lost: an error for everyone who uses it, unless a deletion of the bucket that this node has not
//! seen yet explains it ([`super::deletion`]), or an operator gives up what the table had.

use std::time::Duration;

use super::error::LakeError;
use super::handle::Lake;
use super::names;
use super::state::table_state::TableState;
use super::table::{Seen, Table};
use crate::catalog::Bucket;
use crate::id::{Sequence, TableId};

impl Lake {
    /// Returns a table as it is now, or an error if rows are missing that it should have.
    pub(super) async fn see(&self, table: &Table, id: &TableId) -> Result<Seen, LakeError> {
        self.see_within(Duration::ZERO, table, id).await
    }

    /// As [`Lake::see`], but the commits that other nodes made within this time may be missing.
    pub(super) async fn see_within(
        &self,
        age: Duration,
        table: &Table,
        id: &TableId,
    ) -> Result<Seen, LakeError> {
        let look = table.look_within(age, self.app());
        self.unless_lost(table, id, look).await
    }

    /// As [`Lake::see_within`], for who wants no files of the table.
    pub(super) async fn see_columns_within(
        &self,
        age: Duration,
        table: &Table,
        id: &TableId,
    ) -> Result<Seen, LakeError> {
        let look = table.look_for_columns(age, self.app());
        self.unless_lost(table, id, look).await
    }

    /// What a look at a table finds, which begins here, or an error if rows are missing.
    async fn unless_lost(
        &self,
        table: &Table,
        id: &TableId,
        look: impl Future<Output = Result<Seen, LakeError>>,
    ) -> Result<Seen, LakeError> {
        // In this order: a flush that ends in between is not yet in a state that was read before.
        let position = self.shared.positions.of(id);
        let seen = look.await?;
        if self.found_in(&seen) < position.expected() && seen.deletion == position.deletion {
            return Err(LakeError::Gone {
                table: table.folder.clone(),
                missing: format!("what was flushed to it up to {}", position.flushed),
            });
        }
        Ok(seen)
    }

    /// The id of the last deletion of a bucket. An error while a deletion is in progress.
    pub(super) async fn settled(&self, bucket: &Bucket) -> Result<Option<String>, LakeError> {
        let folder = names::folder(&bucket.name);
        self.shared.tables.deletions().settled(&folder).await
    }

    /// The last frame up to which the table has this node's rows, or had them when it was deleted.
    pub(super) fn settle(
        &self,
        table: &Table,
        seen: &Seen,
        id: &TableId,
    ) -> Result<Sequence, LakeError> {
        let positions = &self.shared.positions;
        let position = positions.of(id);
        let known = position.last();
        let found = self.found_in(seen);
        if found > known {
            return Err(LakeError::Copied {
                table: table.folder.clone(),
                node_id: self.shared.node_id,
                found: found.0,
                known: known.0,
            });
        }
        if seen.deletion != position.deletion {
            let deletion = seen.deletion.clone();
            if found < position.expected() {
                tracing::info!(
                    table = table.folder,
                    flushed = position.flushed.0,
                    "another node has deleted the bucket: what was flushed to this table is gone"
                );
                positions.gone(id, deletion);
            } else {
                positions.known(id, deletion);
            }
        }
        let flushed = found.max(position.flushed);
        if flushed > position.flushed {
            positions.flushed(id, flushed);
        }
        Ok(flushed)
    }

    /// Gives up what a lost table had, as an operator asked: it begins anew. Returns true if the table
    /// was lost. Durable when it returns.
    pub async fn accept_loss(&self, bucket: &Bucket, measurement: &str) -> Result<bool, LakeError> {
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let _owned = table.flushing().await;
        let id = bucket.table(measurement);
        match self.see(&table, &id).await {
            Err(LakeError::Gone { .. }) => {}
            seen => return seen.map(|_| false),
        }
        table.forget();
        let positions = self.shared.positions.clone();
        let note = move || {
            let position = positions.of(&id);
            positions.gone(&id, position.deletion);
            positions.write()
        };
        tokio::task::spawn_blocking(note).await??;
        tracing::warn!(
            table = table.folder,
            "an operator has given up what a lost table had"
        );
        Ok(true)
    }

    fn found_in(&self, seen: &Seen) -> Sequence {
        let state = seen.state.as_ref();
        state.map_or(Sequence(0), |state| self.flushed_in(state))
    }

    /// The last frame of this node's log up to which a table has all rows.
    pub(super) fn flushed_in(&self, state: &TableState) -> Sequence {
        let found = state.transactions.get(self.app());
        Sequence(found.copied().unwrap_or(0))
    }

    /// Checks that positions can be written, before work that depends on it is done.
    pub(super) async fn probe_positions(&self) -> Result<(), LakeError> {
        let positions = self.shared.positions.clone();
        Ok(tokio::task::spawn_blocking(move || positions.probe()).await??)
    }

    /// Writes the positions of the tables, if they have changed.
    pub(super) async fn write_positions(&self) -> Result<(), LakeError> {
        let positions = self.shared.positions.clone();
        Ok(tokio::task::spawn_blocking(move || positions.write()).await??)
    }
}
