//! Upkeep, which keeps tables small and fast: retention, compaction, checkpoints, vacuum.
//!
//! Each is a commit, or follows one, and can be cut short at any point: files that were written and
//! not committed belong to no table, and a vacuum removes them. A commit that removes files goes
//! through only if all of them are still there, so that two nodes at the same work do not undo each
//! other's.

mod compact;
pub(super) mod plan;

use std::sync::PoisonError;
use std::time::Duration;

use crate::catalog::Bucket;
use crate::clock;
use crate::id::{BucketId, TableId};
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::lake::state::actions;
use crate::lake::state::data_file::DataFile;
use crate::lake::state::table_state::TableState;
use crate::lake::table::{Next, Seen, Table};
use crate::memory::Reservation;
use crate::merge::day_start_ns;
use crate::narrow;
use crate::telemetry::UpkeepCounts;

/// The interval between searches for files that belong to no table.
const VACUUM_EVERY: Duration = Duration::from_secs(3600);

/// Bytes that the library holds for a table that it has loaded; for each of its files, with statistics
/// as text and parsed; for each column.
const LOADED_BYTES: u64 = 2 << 20;
const LOADED_FILE_BYTES: u64 = 4096;
const LOADED_COLUMN_BYTES: u64 = 4096;

/// The time for which upkeep waits for memory.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of work on tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep {
    /// Drop days past their retention, join files where it pays, write checkpoints.
    Routine,
    /// The same, but join whatever can be joined.
    Compact,
    /// Delete files that are not, or no longer, part of a table.
    Vacuum,
}

impl Lake {
    /// Runs this work on one table.
    pub async fn upkeep(
        &self,
        bucket: &Bucket,
        measurement: &str,
        what: Upkeep,
    ) -> Result<UpkeepCounts, LakeError> {
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let _owned = table.upkeep().await;
        if self.is_being_deleted(bucket) {
            return Ok(UpkeepCounts::default());
        }
        // Files that are missing from the log of a damaged table look as if they belonged to no table.
        self.see(&table, &TableId::new(bucket.id, measurement))
            .await?;
        if what == Upkeep::Vacuum {
            return self.count("vacuum", self.vacuum(&table).await);
        }
        let mut all = UpkeepCounts::default();
        let retained = self.count("retention", self.retain(&table, bucket.id).await)?;
        all += retained;
        let is_asked = what == Upkeep::Compact;
        let compacted = self.compact(&table, measurement, is_asked).await;
        all += self.count("compact", compacted)?;
        let checkpointed = self.checkpoint(&table).await;
        all += self.count("checkpoint", checkpointed)?;
        Ok(all)
    }

    /// Runs the routine on every table of every bucket and, once per interval, a vacuum.
    pub(super) async fn look_after_all(&self) {
        let mut work = vec![Upkeep::Routine];
        match self.certain_now_ns() {
            Err(error) => tracing::warn!("{error}"),
            Ok(_) if self.is_time_to_vacuum() => work.push(Upkeep::Vacuum),
            Ok(_) => {}
        }
        for bucket in self.shared.catalog.buckets() {
            let tables = match self.measurements(&bucket).await {
                Ok(tables) => tables,
                Err(error) => {
                    tracing::warn!(bucket = bucket.name, %error, "upkeep of the tables of a bucket failed");
                    continue;
                }
            };
            for measurement in tables {
                for what in &work {
                    let done = self.upkeep(&bucket, &measurement, *what).await;
                    if let Err(error) = done {
                        tracing::warn!(
                            bucket = bucket.name, table = measurement, %error,
                            "upkeep of a table failed and will be retried"
                        );
                    }
                }
            }
        }
    }

    /// Returns whether a vacuum is due. It is due for all tables together, as it lists all their files.
    fn is_time_to_vacuum(&self) -> bool {
        let now = clock::instant();
        let vacuumed = self.shared.vacuumed.lock();
        let mut vacuumed = vacuumed.unwrap_or_else(PoisonError::into_inner);
        let is_time = now.saturating_duration_since(*vacuumed) >= VACUUM_EVERY;
        if is_time {
            *vacuumed = now;
        }
        is_time
    }

    /// The measurements of a bucket that have a table, ordered bytewise.
    pub async fn measurements(&self, bucket: &Bucket) -> Result<Vec<String>, LakeError> {
        self.measurements_within(Duration::ZERO, bucket).await
    }

    /// As [`Lake::measurements`], as readers see them: in a shared lake those are missing that other
    /// nodes made within [`Options::refresh`](crate::lake::Options::refresh), unless this node has added
    /// to them.
    pub async fn seen_measurements(&self, bucket: &Bucket) -> Result<Vec<String>, LakeError> {
        let age = self.shared.options.refresh;
        self.measurements_within(age, bucket).await
    }

    async fn measurements_within(
        &self,
        age: Duration,
        bucket: &Bucket,
    ) -> Result<Vec<String>, LakeError> {
        if self.is_being_deleted(bucket) {
            return Ok(Vec::new());
        }
        let tables = &self.shared.tables;
        let mut tables = tables.of_bucket_within(age, &bucket.name).await?;
        // A lost table is listed too: whoever looks at it gets the error.
        for lost in self.shared.positions.expected(bucket.id) {
            tables.entry(lost).or_default();
        }
        Ok(tables.into_keys().collect())
    }

    fn count(
        &self,
        what: &'static str,
        done: Result<UpkeepCounts, LakeError>,
    ) -> Result<UpkeepCounts, LakeError> {
        let tables = self.shared.metrics.tables();
        match &done {
            Ok(counts) if *counts == UpkeepCounts::default() => {}
            Ok(counts) => tables.upkeep(what, *counts),
            Err(_) => tables.upkeep_failed(what),
        }
        done
    }

    /// Drops the days that are past the bucket's retention as it is at the time of the commit. Drops
    /// nothing if the clock is not trusted.
    async fn retain(&self, table: &Table, bucket: BucketId) -> Result<UpkeepCounts, LakeError> {
        let oldest_ns = || {
            let bucket = self.shared.catalog.bucket(bucket)?;
            bucket.oldest_ns(self.certain_now_ns().ok()?)
        };
        if oldest_ns().is_none() {
            return Ok(UpkeepCounts::default());
        }
        let is_over = |file: &DataFile, oldest_ns: i64| day_start_ns(file.day + 1) <= oldest_ns;
        let mut removed = Vec::new();
        let mut next = |seen: &Seen| {
            let Some(oldest_ns) = oldest_ns() else {
                return Ok(Next::Done);
            };
            let files = seen.state.as_ref().map(|state| state.files.values());
            let over = files.into_iter().flatten();
            let over = over.filter(|file| is_over(file, oldest_ns));
            let over: Vec<DataFile> = over.cloned().collect();
            if over.is_empty() {
                return Ok(Next::Done);
            }
            let parameters = serde_json::json!({"predicate": "day past its retention"});
            let actions = actions::removal("DELETE", &parameters, &over, self.now_ms());
            removed = over;
            Ok(Next::Commit(actions::parse(&table.folder, actions)?))
        };
        table.commit(self.app(), &mut next).await?;
        if !removed.is_empty() {
            tracing::info!(
                table = table.folder,
                files = removed.len(),
                "days past their retention were dropped"
            );
        }
        Ok(UpkeepCounts {
            files_removed: narrow::to_u64(removed.len()),
            ..UpkeepCounts::default()
        })
    }

    async fn checkpoint(&self, table: &Table) -> Result<UpkeepCounts, LakeError> {
        let Some(state) = table.refresh(self.app()).await? else {
            return Ok(UpkeepCounts::default());
        };
        if table.unchecked(state.version).await? < self.shared.options.checkpoint_every {
            return Ok(UpkeepCounts::default());
        }
        let _memory = self.memory_to_load(&state).await?;
        table.checkpoint(self.certain_now_ns().is_ok()).await?;
        tracing::debug!(table = table.folder, version = state.version, "checkpoint");
        Ok(UpkeepCounts {
            files_added: 1,
            ..UpkeepCounts::default()
        })
    }

    /// Takes memory for the library's own view of a table. Waits for it; without it, the work is retried
    /// with the next upkeep.
    async fn memory_to_load(&self, state: &TableState) -> Result<Reservation, LakeError> {
        let files = state.files.len() as u64 * LOADED_FILE_BYTES;
        let columns = state.columns.len() as u64 * LOADED_COLUMN_BYTES;
        let budget = &self.shared.budget;
        // A table that is too large for any budget gets its upkeep all the same.
        let most = budget.marks().hard_bytes / 4;
        let wanted = (LOADED_BYTES + files + columns).min(most);
        Ok(budget.reserve_within(wanted, PATIENCE).await?)
    }

    async fn vacuum(&self, table: &Table) -> Result<UpkeepCounts, LakeError> {
        let Some(state) = table.refresh(self.app()).await? else {
            return Ok(UpkeepCounts::default());
        };
        self.certain_now_ns()?;
        // In this order: flushes do not wait while this waits for memory, and need none of it.
        let _memory = self.memory_to_load(&state).await?;
        // A file that a flush has written and not committed yet must not be removed.
        let _still = table.flushing().await;
        let files_removed = table.vacuum(self.shared.options.vacuum_age).await?;
        if files_removed > 0 {
            tracing::info!(table = table.folder, files = files_removed, "vacuumed");
        }
        Ok(UpkeepCounts {
            files_removed,
            ..UpkeepCounts::default()
        })
    }
}
