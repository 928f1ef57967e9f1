//! The log as the lake sees it: the operations that the lake needs, whatever implements them.

use std::collections::HashSet;
use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::buffer::LoggedAgain;
use crate::id::TableId;

/// Rows that are logged again; exported for implementations of the log.
pub use crate::columnar::Batch;

/// The log.
pub trait Log: Send + Sync + Debug {
    /// The bytes that count against its limit: all but those that are set apart ([`Log::refuse`]).
    fn bytes(&self) -> u64;
    /// The bytes that are kept only because of these tables.
    fn pinned_bytes(&self, tables: &HashSet<TableId>) -> u64;
    /// Releases what no table needs any more. Blocks on the disk.
    fn release(&self) -> Result<(), String>;
    /// Returns once [`Log::release`] is due before its time, because there is more to note than the
    /// disk's reserve allows for. For one caller at a time.
    fn outgrown(&self) -> BoxFuture<'_, ()>;
    /// Refuses points for these tables, which cannot be flushed, until the next call. `apart_bytes`
    /// bytes of the log belong to them and do not count against its limit.
    fn refuse(&self, tables: HashSet<TableId>, apart_bytes: u64);
    /// Takes no points for a table until the returned value is dropped. Returns once all points that
    /// were on their way are in the buffer. Blocks on the disk.
    fn hold(&self, table: &TableId) -> Result<Box<dyn TableHold>, String>;
}

/// A hold on a table that gets no points meanwhile.
pub trait TableHold: Send {
    /// Logs buffered rows of the table once more, each field with its newest value. Returns once they
    /// are durable. Blocks on the disk.
    fn log_again(&mut self, rows: &Batch) -> Result<(), String>;
    /// The frames that were logged so far, also those of an attempt that failed.
    fn logged(&self) -> Option<LoggedAgain>;
}
