//! Refusing writes to tables that cannot be flushed, and the share of the log that counts against
//! its limit meanwhile ([`super::stuck`]).

use std::collections::HashSet;

use super::error::WriteError;
use super::handle::Ingest;
use super::scratch::Part;
use crate::catalog::Bucket;
use crate::id::{Sequence, TableId};

impl Ingest {
    /// Refuses writes to these tables from now on, and to no others. `again_bytes` of the log are
    /// rows of these tables that were logged again.
    pub fn refuse_tables(&self, tables: &HashSet<TableId>, again_bytes: u64) {
        self.shared.resolver.stuck().refuse(tables, again_bytes);
    }

    /// The bytes of the log that could be released if it were not for these tables.
    pub fn bytes_pinned_by(&self, tables: &HashSet<TableId>) -> u64 {
        let applied = self.shared.applied.get();
        let others = self.shared.buffer.tables().into_iter().filter_map(|table| {
            let first = table.first;
            (!tables.contains(&table.id)).then_some(first)
        });
        let up_to = others.min().map_or(applied, |first| {
            applied.min(Sequence(first.0.saturating_sub(1)))
        });
        self.shared.resolver.wal().bytes_up_to(up_to)
    }

    /// The bytes of the log that count against its limit: all but those that
    /// [`Ingest::refuse_tables`] names.
    pub fn counted_log_bytes(&self) -> u64 {
        let resolver = &self.shared.resolver;
        let log_bytes = resolver.wal().log_bytes();
        log_bytes.saturating_sub(resolver.stuck().again_bytes())
    }

    /// Refuses rows for a table that cannot be flushed.
    pub(super) fn check_stuck(&self, bucket: &Bucket, parts: &[Part]) -> Result<(), WriteError> {
        let tables = parts.iter().flatten();
        let measurements = tables.map(|rows| rows.batch.measurement());
        self.shared.resolver.stuck().check(bucket, measurements)
    }
}
