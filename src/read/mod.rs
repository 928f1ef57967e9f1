//! Reading what is stored: rows of a table, merged and sorted, and the formats they leave in.
//!
//! ```text
//!             columns ──────────────────────────────────┐
//! buffer, lake ┤                                        ├─┬─ record batches ─ Arrow
//!             day by day: segments, files ── merge ── rows ┴─ cells ─ text
//! ```
//!
//! Promises: rows come by day (UTC), tag set (key by key, bytewise, an absent tag first) and time;
//! rows of equal series and time are one, and for each field the last written value counts (design
//! decision D7), where the buffer's was written after the lake's; points older than the bucket's
//! retention are not seen. A field that nodes of a shared lake met with several types comes with all
//! its values: nothing that was acknowledged is left out.
//!
//! Memory beyond what is buffered is taken from the budget: a few bytes a buffered row, and for files
//! the floor of one reading ([`Room`](crate::memory::Room)), however many and large they are: a table
//! may be of any size. It is taken before the first row, so that no export breaks off for lack of it.
//! What leaves is bounded in bytes too: text in pieces of 64 KiB, wherever in a row that is, record
//! batches of 1 MiB, or of one row that is longer.
//!
//! This module does not know HTTP or tokens.

mod csv;
mod export;
mod gather;
mod lake;
mod line_protocol;
mod pieces;
mod rows;
mod scan;
mod table;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::memory::Exhausted;
use crate::merge::MergeError;

pub use crate::merge::TimeRange;
pub use export::{ExportQuery, Format, Options, Reader};
pub use lake::{DataFile, Lake, LakeError, TableFiles};
pub use pieces::Pieces;

/// Why nothing more is read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// Memory is short.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// Too many exports at once.
    #[error("{concurrent_max} exports are running already (export.concurrent_max)")]
    Busy {
        /// How many may run.
        concurrent_max: usize,
    },
    /// There is no such table.
    #[error("measurement \"{0}\" not found")]
    UnknownMeasurement(String),
    /// This format holds one table.
    #[error("format {format} needs one measurement: add measurement=NAME")]
    MeasurementRequired {
        /// Its name.
        format: &'static str,
    },
    /// The client reads too slowly.
    #[error("the reader took less than {rate_bytes_min} bytes a second (export.rate_bytes_min)")]
    TooSlow {
        /// What it must take.
        rate_bytes_min: u64,
    },
    /// The lake's store does not answer, or something in the lake is not as it was left.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The rows of a file could not be merged.
    #[error(transparent)]
    Merge(MergeError),
    /// A fault of ours.
    #[error("a record batch could not be made: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

impl From<MergeError> for ReadError {
    /// What the lake says about one of its files is told as the lake's.
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Chunks { run, source } => match source.downcast::<LakeError>() {
                Ok(error) => Self::Lake(*error),
                Err(source) => Self::Merge(MergeError::Chunks { run, source }),
            },
            error @ MergeError::OutOfOrder { .. } => Self::Merge(error),
        }
    }
}
