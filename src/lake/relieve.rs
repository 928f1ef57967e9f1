//! Making room while a start replays the log.

use std::time::Duration;

use super::Lake;
use crate::clock;

/// How long a start waits before it tries again to make room.
const AGAIN: Duration = Duration::from_secs(2);

/// How long a start tries to make room when nothing can be flushed. Then it goes on with the
/// memory that there is: it may end before it is short.
const PATIENCE: Duration = Duration::from_secs(60);

impl Lake {
    /// Flushes tables, the largest first, until memory is no longer short: what a replay needs. A
    /// table that cannot be flushed does not keep the others from it. Returns after a while if
    /// none can be flushed.
    pub async fn relieve(&self) {
        let mut last = clock::instant();
        while !self.has_room() {
            if self.shared.buffer.tables().is_empty() {
                return;
            }
            if self.flush_some().await {
                last = clock::instant();
                continue;
            }
            if clock::instant().saturating_duration_since(last) >= PATIENCE {
                tracing::warn!("no room could be made: the start goes on with what memory is left");
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    fn has_room(&self) -> bool {
        let budget = &self.shared.budget;
        budget.used_bytes() <= budget.marks().soft_bytes / 2
    }

    /// Flushes each table once, the largest first, until there is room. Returns true if any could
    /// be flushed.
    async fn flush_some(&self) -> bool {
        let mut tables = self.shared.buffer.tables();
        tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
        let mut is_any = false;
        for table in tables {
            if self.has_room() {
                return true;
            }
            let Some(bucket) = self.shared.catalog.bucket(table.bucket) else {
                continue;
            };
            match self.flush_table(&bucket, &table.measurement).await {
                Ok(flushed) => is_any |= flushed.files > 0,
                Err(error) => tracing::warn!(
                    bucket = bucket.name, table = table.measurement, %error,
                    "the start waits: the log holds more than there is memory for, and a table \
                     cannot be flushed"
                ),
            }
        }
        is_any
    }
}
