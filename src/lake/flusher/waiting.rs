//! What is done beside the flushes for who asks for one, and at the start: waiting for the tables of a
//! deleted bucket to go, and trying the store.

use std::time::Duration;

use super::Flusher;
use crate::clock;
use crate::id::BucketId;
use crate::lake::error::LakeError;

/// How often it is looked whether the tables of a deleted bucket are gone.
const LOOK_EVERY: Duration = match cfg!(test) {
    true => Duration::from_millis(10),
    false => Duration::from_millis(200),
};

/// How long a removal is waited for: one that does not go on is taken over after ten minutes. Who asked
/// for a flush waits for an hour at most.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Flusher {
    /// Waits until the tables of a deleted bucket of the same name are gone, whoever removes them: a
    /// table is not flushed before. Returns at once if there are none, and after half an hour in any
    /// case. Does nothing else: it may be dropped at any time.
    pub async fn wait_for_removal(&self, bucket: BucketId) {
        let started = clock::instant();
        while self.is_held_up(bucket).await {
            if clock::instant().saturating_duration_since(started) >= PATIENCE {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn is_held_up(&self, bucket: BucketId) -> bool {
        let lake = &self.shared.lake;
        // It may be deleted meanwhile.
        let Some(bucket) = lake.shared.catalog.bucket(bucket) else {
            return false;
        };
        if lake.is_being_deleted(&bucket) {
            return true;
        }
        let is_shared = lake.shared.options.shared;
        is_shared && matches!(lake.settled(&bucket).await, Err(LakeError::Removing { .. }))
    }

    /// Tries a store that `lake.url` names, in the background: points go to the log whatever comes of
    /// it, but whoever has set it up should not learn with the first flush that it cannot be used.
    pub(super) fn try_store(&self) {
        let lake = self.shared.lake.clone();
        let Some(url) = lake.shared.options.url.clone() else {
            return;
        };
        self.run_aside(async move {
            if let Err(error) = lake.shared.tables.try_store().await {
                tracing::warn!(
                    %error,
                    "lake.url = \"{url}\" cannot be used now: points stay in memory and log until it \
                     can"
                );
            }
        });
    }
}
