//! Making room while a start replays the log.

use std::time::Duration;

use crate::clock;
use crate::lake::handle::Lake;

/// The pause before a start tries again to make room.
const AGAIN: Duration = Duration::from_secs(2);

/// The time for which a start tries to make room when nothing can be flushed now. Then it continues
/// with the memory that is left: the log may end before that runs out.
const PATIENCE: Duration = Duration::from_secs(60);

/// The outcome of trying to make room.
enum Tried {
    /// Memory was freed.
    Flushed,
    /// Nothing could be flushed now, but it may be possible later.
    Later,
    /// Nothing can be flushed until somebody repairs the tables: waiting does not help.
    Never,
}

impl Lake {
    /// Flushes tables, the largest first, until a replay has enough memory. A table that cannot be
    /// flushed does not hold up the others. Returns at once if no table can ever be flushed as it is,
    /// and after a while if none can be flushed now.
    pub async fn relieve(&self) {
        let mut last = clock::instant();
        while !self.has_room() && !self.shared.buffer.tables().is_empty() {
            let waited = clock::instant().saturating_duration_since(last);
            match self.flush_some().await {
                Tried::Flushed => last = clock::instant(),
                Tried::Later if waited < PATIENCE => tokio::time::sleep(AGAIN).await,
                Tried::Later | Tried::Never => {
                    tracing::warn!(
                        "no memory could be freed: the start continues with what is left"
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
                        "the start waits: the log holds more than fits into memory, and a table cannot be \
                         flushed"
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
