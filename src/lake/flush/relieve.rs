//! Making room while a start replays the log.

use std::time::Duration;

use crate::clock;
use crate::lake::handle::Lake;

/// How long a start waits before it tries again to make room.
const AGAIN: Duration = Duration::from_secs(2);

/// How long a start tries to make room when nothing can be flushed now. Then it goes on with the
/// memory that there is: it may end before it is short.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of trying to make room.
enum Tried {
    /// There is more of it.
    Flushed,
    /// Nothing could be flushed. Later it may.
    Later,
    /// Nothing can be flushed before somebody has mended the tables: waiting does not help.
    Never,
}

impl Lake {
    /// Flushes tables, the largest first, until memory is no longer short: what a replay needs. A
    /// table that cannot be flushed does not keep the others from it. Returns at once if none can
    /// ever be flushed as it is, and after a while if none can be now.
    pub async fn relieve(&self) {
        let mut last = clock::instant();
        while !self.has_room() && !self.shared.buffer.tables().is_empty() {
            let waited = clock::instant().saturating_duration_since(last);
            match self.flush_some().await {
                Tried::Flushed => last = clock::instant(),
                Tried::Later if waited < PATIENCE => tokio::time::sleep(AGAIN).await,
                Tried::Later | Tried::Never => {
                    tracing::warn!(
                        "no room could be made: the start goes on with what memory is left"
                    );
                    return;
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        let budget = &self.shared.budget;
        budget.used_bytes() <= budget.marks().soft_bytes / 2
    }

    /// Flushes each table once, the largest first, until there is room.
    async fn flush_some(&self) -> Tried {
        let mut tables = self.shared.buffer.tables();
        tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
        let mut tried = Tried::Never;
        for table in tables {
            if self.has_room() {
                return Tried::Flushed;
            }
            let Some(bucket) = self.shared.catalog.bucket(table.id.bucket) else {
                continue;
            };
            match self.flush_table(&bucket, &table.id.measurement).await {
                Ok(_) => tried = Tried::Flushed,
                Err(error) => {
                    tracing::warn!(
                        bucket = bucket.name, table = &*table.id.measurement, %error,
                        "the start waits: the log holds more than there is memory for, and a table \
                         cannot be flushed"
                    );
                    if error.is_transient() && matches!(tried, Tried::Never) {
                        tried = Tried::Later;
                    }
                }
            }
        }
        tried
    }
}
