//! The write path: from the bytes of a body to points that are durable and can be read.
//!
//! ```text
//!            slice of <= 1 MiB                       one short lock
//! body ─ parse ────────────── scratch columns ─ resolve ─ log ─ (fdatasync) ─ apply ─ acknowledge
//!          │ line errors                          │ line errors     │ fails: 503, roll back
//! ```
//!
//! The file `write` is the only one where that order stands. The promises (design
//! decisions D1 to D4, contract sections 1.3 and 5):
//!
//! - A request is answered after the sync that covers its last frame, or it is refused; unless its
//!   client gave that up ([`Acknowledge::Queued`]).
//! - Every valid line is written and every invalid one is named, by physical line and column; a
//!   rejected line leaves no trace. Or, if asked for, the request is all or nothing.
//! - Which lines survive a clash of types is decided against the schema first and by line order
//!   second. Nobody is refused for a column whose log write failed.
//! - Memory for applying is reserved before logging: after the log, applying cannot fail.
//!
//! This module does not know HTTP, tokens or files.

mod again;
mod apply;
mod check;
mod decision;
mod frame;
mod in_flight;
mod open;
mod parse;
mod queued;
mod release;
mod report;
mod resolution;
mod resolve;
mod rules;
mod scratch;
mod series_limit;
mod settle;
mod stuck;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use crate::buffer::Buffer;
use crate::catalog::{Bucket, Catalog, CatalogError};
use crate::clock;
use crate::id::BucketId;
use crate::line_protocol::{Oddities, Precision};
use crate::memory::{Budget, Exhausted, Reservation};
use crate::storage::Storage;
use crate::telemetry::{Metrics, causes};
use crate::wal::LogStats;

pub use again::HeldTable;
pub use check::{Check, CheckError, Checked};
pub use frame::{FrameDescription, FrameError, describe_frame};
pub use open::{Flushed, OnDelete, OpenError, Opened, Pressure};
pub use report::{LineReport, Stage};
pub use rules::Limits;

use queued::QueuedBytes;
use release::{Applied, Checkpointed};
use resolve::Resolver;

/// How the write path works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Limits that a line must keep.
    pub limits: Limits,
    /// Text that is parsed, resolved and logged as one, in bytes.
    pub slice_bytes_max: usize,
    /// Bodies above this are parsed off the threads that serve connections, in bytes.
    pub inline_bytes_max: usize,
    /// What one bucket may fill of the budget, in bytes.
    pub bucket_bytes_max: u64,
    /// What the log may take of the disk before writes are refused, in bytes.
    pub log_bytes_max: u64,
}

/// The handle to the write path. Clones share it.
#[derive(Clone, Debug)]
pub struct Ingest {
    shared: Arc<Shared>,
}

struct BeforeDelete(OnDelete);

impl fmt::Debug for BeforeDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeDelete")
    }
}

#[derive(Debug)]
struct Shared {
    on_delete: Option<BeforeDelete>,
    options: Options,
    storage: Arc<dyn Storage>,
    catalog: Catalog,
    buffer: Buffer,
    budget: Budget,
    metrics: Metrics,
    resolver: Arc<Resolver>,
    /// What was acknowledged and is not in the buffer yet.
    queued: Arc<QueuedBytes>,
    /// What the log may let go of at most.
    applied: Arc<Applied>,
    checkpointed: Checkpointed,
    /// How many bodies may be parsed at the same time off the serving threads.
    parsers: Arc<tokio::sync::Semaphore>,
    newest_replayed_ns: Option<i64>,
}

/// A decoded body and the memory that it was promised.
#[derive(Debug)]
pub struct Body {
    /// The line protocol.
    pub bytes: Bytes,
    /// Covers `bytes`.
    pub reservation: Reservation,
}

/// Where the points go.
#[derive(Clone, Debug)]
pub enum Target {
    /// A bucket that exists.
    Existing(Arc<Bucket>),
    /// A bucket to be created as soon as there is a line to store in it.
    Create(String),
}

impl Target {
    /// The bucket's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Existing(bucket) => &bucket.name,
            Self::Create(name) => name,
        }
    }
}

/// What an acknowledgement promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// The points are on disk and can be read.
    Durable,
    /// The points are valid and queued for the log. They can be lost: this is for clients that
    /// ask for it (`no_sync`, contract section 3.2).
    Queued,
}

/// What a client asked for.
#[derive(Debug)]
pub struct WriteRequest {
    /// The bucket.
    pub target: Target,
    /// The lines.
    pub body: Body,
    /// The unit of the lines' timestamps.
    pub precision: Precision,
    /// Whether valid lines are written when others are not.
    pub accept_partial: bool,
    /// When the request is answered.
    pub acknowledge: Acknowledge,
    /// The request's one reading of the clock, nanoseconds since the epoch.
    pub received_ns: i64,
}

/// What became of the lines. If there are no reports everything was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Lines that are durable now.
    pub accepted: u64,
    /// Lines that were not written.
    pub rejected: u64,
    /// At most 100 reports, in line order; dropped fields too.
    pub reports: Vec<LineReport>,
    /// Reports beyond those.
    pub more: u64,
    /// What is stored, or left out, as it says and probably not as it is meant.
    pub oddities: Oddities,
}

impl WriteOutcome {
    /// The first line that has a report: 1-based, physical.
    pub fn first_line(&self) -> Option<u32> {
        self.reports.first().map(|report| report.line)
    }
}

/// Memory that even a write of one line takes for a moment, in bytes.
const SMALL_WRITE_BYTES: u64 = 64 * 1024;

/// Reports that an outcome carries at most (contract section 1.3).
pub const REPORTS_MAX: usize = 100;

/// Why nothing can be said about the lines: the request as a whole was not written, or may not
/// have been.
#[derive(Debug, Error)]
pub enum WriteError {
    /// Memory is short now; the same request may succeed later.
    #[error("memory is short: {0}")]
    Overloaded(Exhausted),
    /// The request needs more memory than there ever is.
    #[error("the request does not fit: {0}")]
    TooLarge(Exhausted),
    /// The bucket has its share of the memory.
    #[error(
        "bucket \"{bucket}\" holds {used_bytes} bytes of memory, its share is {bucket_bytes_max} (memory.bucket_percent)"
    )]
    BucketFull {
        /// Its name.
        bucket: String,
        /// What it holds.
        used_bytes: u64,
        /// What it may hold.
        bucket_bytes_max: u64,
    },
    /// The log has its share of the disk: what it holds must go elsewhere first.
    #[error(
        "the log holds {log_bytes} bytes, it may hold {log_bytes_max} (wal.log_bytes_max): it shrinks when its points are safe elsewhere"
    )]
    LogFull {
        /// What it holds.
        log_bytes: u64,
        /// What it may hold.
        log_bytes_max: u64,
    },
    /// A table cannot be flushed and holds the log up. Nothing of the slice that names it is logged.
    #[error(
        "table \"{table}\" of bucket \"{bucket}\" cannot be flushed and keeps the log from shrinking: \
         its points are refused until an operator has mended that (the server's log says what is \
         wrong); leave its lines out to write to other tables"
    )]
    TableStuck {
        /// The bucket's name.
        bucket: String,
        /// The measurement.
        table: String,
    },
    /// The log could not be written or synced: nothing is acknowledged.
    #[error("the log cannot be written: {0}")]
    LogUnavailable(String),
    /// The bucket was deleted while the request was on its way.
    #[error("bucket \"{0}\" not found")]
    BucketGone(String),
    /// The bucket could not be created.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A fault of ours.
    #[error("the write was lost inside the server: {0}")]
    Internal(&'static str),
}

impl From<Exhausted> for WriteError {
    fn from(exhausted: Exhausted) -> Self {
        if exhausted.fits_when_idle() {
            Self::Overloaded(exhausted)
        } else {
            Self::TooLarge(exhausted)
        }
    }
}

impl Ingest {
    /// What is buffered, for readers and for metrics.
    pub fn buffer(&self) -> &Buffer {
        &self.shared.buffer
    }

    /// The newest time of a point that the log held when it was replayed, in nanoseconds since the
    /// epoch; absent if it held none.
    pub fn newest_replayed_ns(&self) -> Option<i64> {
        self.shared.newest_replayed_ns
    }

    /// The age of the oldest row that is in no table yet.
    pub fn lag(&self) -> Duration {
        let tables = self.shared.buffer.tables().into_iter();
        let oldest = tables.map(|table| table.since).min();
        oldest.map_or(Duration::ZERO, |since| {
            clock::instant().saturating_duration_since(since)
        })
    }

    /// What the log looks like on disk, for metrics.
    pub fn log_stats(&self) -> LogStats {
        self.shared.resolver.wal().stats()
    }

    /// Deletes a bucket: durable when it returns, its memory is free, and batches that are on
    /// their way to it are answered with [`WriteError::BucketGone`]. Blocks on the disk.
    pub fn delete_bucket(&self, id: BucketId) -> Result<(), CatalogError> {
        let found = self.shared.catalog.bucket(id);
        if let (Some(BeforeDelete(tell)), Some(bucket)) = (&self.shared.on_delete, found) {
            tell(id, &bucket.name)?;
        }
        self.shared.catalog.delete_bucket(id)?;
        self.shared.resolver.drop_bucket(id);
        // Its points need no log any more. It is deleted, whether or not that can be used now.
        if let Err(error) = self.release_log() {
            tracing::warn!(
                error = causes(&error),
                "the log of a deleted bucket is not given back yet"
            );
        }
        Ok(())
    }

    /// Whether a write would be taken now; if not, why. Memory that requests hold which are on their
    /// way does not count: it comes back by itself, and whoever looks would restart a busy server.
    pub fn health(&self) -> Result<(), String> {
        self.shared.resolver.log_health()?;
        self.check_log().map_err(|full| full.to_string())?;
        let room = self.shared.budget.would_fit(SMALL_WRITE_BYTES);
        room.map_err(|full| format!("memory is full: {full}"))
    }
}
