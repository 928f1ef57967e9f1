//! Work around the flushes: waiting, for whoever asks for a flush, until the tables of a deleted
//! bucket are gone, and trying the store at the start.

use std::time::Duration;

use super::Flusher;
use crate::clock;
use crate::id::BucketId;
use crate::lake::error::LakeError;

/// The pause between looks at whether the tables of a deleted bucket are gone.
const LOOK_EVERY: Duration = match cfg!(test) {
    true => Duration::from_millis(10),
    false => Duration::from_millis(200),
};

/// The time to wait for a removal: one that makes no progress is taken over after ten minutes. A
/// client that asked for a flush waits for at most an hour.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Flusher {
    /// Waits until the tables of a deleted bucket of the same name are gone, whichever node removes them:
    /// no table is flushed before. Returns at once if there are none, and after half an hour in any case.
    /// Only waits, so it may be dropped at any time.
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
        // The bucket may have been deleted meanwhile.
        let Some(bucket) = lake.shared.catalog.bucket(bucket) else {
            return false;
        };
        if lake.is_being_deleted(&bucket) {
            return true;
        }
        let is_shared = lake.shared.options.shared;
        is_shared && matches!(lake.settled(&bucket).await, Err(LakeError::Removing { .. }))
    }

    /// Tries the store that `lake.url` names, in the background. Points go to the log whatever comes of
    /// it, but an operator should learn before the first flush that the store cannot be used.
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
