//! Tables that cannot be flushed. Their writers are refused while they keep the log from shrinking,
//! and their rows are logged again, so that they no longer do.
//!
//! Rows are logged again when the log is long and enough of it is kept only because of these tables:
//! at least as much as their rows take, so that no more is written than is freed, and at least a
//! quarter of the log's limit; if their rows take more than the log may hold, three quarters of it.
//! The rows of all these tables are moved together. If a flush of a table has an unknown outcome, its
//! rows stay where they are, and what it pins does not count against the log's limit, up to that
//! limit once more.

use std::collections::HashSet;
use std::time::Duration;

use super::Flusher;
use crate::clock;
use crate::id::TableId;
use crate::lake::error::LakeError;
use crate::vital;

/// The pause before rows that could not be logged again are tried once more.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

impl Flusher {
    /// Refuses writers of tables that cannot be flushed while the log is too long, until the tables can
    /// be flushed, or have no rows. Logs their rows again if that helps.
    pub(super) fn look_at_stuck(&self) {
        let is_long = self.shared.log.bytes() >= self.shared.lake.shared.options.log_bytes;
        let (stuck, again_bytes) = self.judge(is_long);
        let (lake, log) = (&self.shared.lake, &self.shared.log);
        let movable = stuck.iter().filter(|key| !lake.is_in_doubt(key));
        let movable: HashSet<TableId> = movable.cloned().collect();
        let apart_bytes = match movable.len() == stuck.len() {
            true => again_bytes,
            false => {
                let log_bytes_max = lake.shared.options.log_bytes.saturating_mul(2);
                again_bytes.max(log.pinned_bytes(&stuck).min(log_bytes_max))
            }
        };
        log.refuse(stuck, apart_bytes);
        if is_long && !movable.is_empty() && self.is_worthwhile(&movable, again_bytes) {
            self.spawn_log_again(movable);
        }
    }

    /// The number of tables whose last flush failed.
    #[cfg(test)]
    pub(in crate::lake) fn failing_count(&self) -> usize {
        self.progress().failing.len()
    }

    /// The tables that cannot be flushed and keep the log from shrinking, and the bytes of the log that
    /// are rows of theirs, logged again.
    fn judge(&self, is_long: bool) -> (HashSet<TableId>, u64) {
        let buffer = &self.shared.lake.shared.buffer;
        let mut guard = self.progress();
        let progress = &mut *guard;
        // Tables of a deleted bucket are not tried again, so nothing else would forget them.
        let is_here = |key: &TableId| buffer.table(key).is_some();
        progress.failing.retain(|key, _| is_here(key));
        for (key, failing) in &progress.failing {
            if is_long && failing.is_stuck(progress.flushed) && progress.stuck.insert(key.clone()) {
                let table = &*key.measurement;
                tracing::error!(
                    table,
                    "cannot be flushed and keeps the log from shrinking: its writers are refused"
                );
            }
        }
        let (failing, stuck) = (&progress.failing, &mut progress.stuck);
        stuck.retain(|key| failing.contains_key(key));
        progress.again_bytes.retain(|key, _| stuck.contains(key));
        (stuck.clone(), progress.again_bytes.values().sum())
    }

    /// Returns whether enough of the log would be freed to be worth logging these rows again.
    fn is_worthwhile(&self, stuck: &HashSet<TableId>, again_bytes: u64) -> bool {
        let progress = self.progress();
        let is_resting = progress.again_from.is_some_and(|at| clock::instant() < at);
        if progress.is_logging_again || is_resting {
            return false;
        }
        drop(progress);
        // Half of the log's limit.
        let half = self.shared.lake.shared.options.log_bytes;
        let freed = self.shared.log.pinned_bytes(stuck);
        freed.saturating_sub(again_bytes) >= again_bytes.clamp(half / 2, half / 2 * 3)
    }

    fn spawn_log_again(&self, stuck: HashSet<TableId>) {
        self.progress().is_logging_again = true;
        let flusher = self.clone();
        self.shared.tasks.spawn(vital::task("log-again", async move {
            let mut has_failed = false;
            for key in stuck {
                if let Err(error) = flusher.log_again(&key).await {
                    has_failed = true;
                    tracing::warn!(
                        table = &*key.measurement, %error,
                        "the rows of a table that cannot be flushed could not be logged again, so \
                         the log cannot shrink yet: this is retried"
                    );
                }
            }
            flusher.release_log().await;
            flusher.note_logged_again(has_failed);
            flusher.shared.changed.notify_one();
        }));
    }

    fn note_logged_again(&self, has_failed: bool) {
        let mut progress = self.progress();
        progress.is_logging_again = false;
        progress.again_from = has_failed.then(|| clock::instant() + AGAIN_AFTER);
    }

    async fn log_again(&self, key: &TableId) -> Result<(), LakeError> {
        let lake = &self.shared.lake;
        let Some(bucket) = lake.shared.catalog.bucket(key.bucket) else {
            return Ok(());
        };
        let (log, stop) = (self.shared.log.clone(), self.shared.stop.clone());
        let again = lake.log_again(&bucket, &key.measurement, log, stop).await?;
        let Some(again) = again else {
            return Ok(());
        };
        self.progress().again_bytes.insert(key.clone(), again.bytes);
        lake.shared.metrics.tables().logged_again(again.bytes);
        tracing::warn!(
            bucket = bucket.name,
            table = &*key.measurement,
            rows = again.rows,
            bytes = again.bytes,
            "the rows of a table that cannot be flushed were logged again, so that the log can \
             release everything before them"
        );
        Ok(())
    }
}
