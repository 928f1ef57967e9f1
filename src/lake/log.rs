//! The log, as the lake sees it: what it needs of it, and nothing of how it works.

use std::collections::HashSet;
use std::fmt::Debug;

use crate::buffer::LoggedAgain;
use crate::id::TableId;

/// Rows that are logged again; named here for who implements the log.
pub use crate::columnar::Batch;

/// The log.
pub trait Log: Send + Sync + Debug {
    /// Bytes that count against its limit: without those that are apart ([`Log::refuse`]).
    fn bytes(&self) -> u64;
    /// Bytes that could go but for these tables.
    fn pinned_bytes(&self, tables: &HashSet<TableId>) -> u64;
    /// Lets go of what no table needs any more. Blocks on the disk.
    fn release(&self) -> Result<(), String>;
    /// Takes no more points for these tables, which cannot be flushed, until told otherwise. Of the
    /// log so many bytes do not count, for they are theirs.
    fn refuse(&self, tables: HashSet<TableId>, apart_bytes: u64);
    /// Takes no points for a table until the result is dropped. Returns when all that were on their
    /// way are in the buffer. Blocks on the disk.
    fn hold(&self, table: &TableId) -> Result<Box<dyn TableHold>, String>;
}

/// A table that gets no points.
pub trait TableHold: Send {
    /// Logs rows of the table once more that are in the buffer, each field with its newest value.
    /// Returns when they are durable. Blocks on the disk.
    fn log_again(&mut self, rows: &Batch) -> Result<(), String>;
    /// The frames so far, also of what has failed.
    fn logged(&self) -> Option<LoggedAgain>;
}
