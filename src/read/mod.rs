//! Reading what is stored: rows of a table, merged and sorted, and the formats they leave in.
//!
//! ```text
//! segments ─ rank series ─ sort rows of each segment ─ merge by (series, time) ─┬─ record batches ─ Arrow
//!                                                                               └─ cells ─ text
//! ```
//!
//! Promises: rows come by tag set (sorted keys, bytewise) and time; rows of equal series and time
//! are one, and for each field the last written value counts (design decision D7); points older
//! than the bucket's retention are not seen; memory beyond what is stored is taken from the
//! budget, a few bytes a row, and the result is streamed. Sources are segments in the order in
//! which they were written, wherever they come from.
//!
//! This module does not know HTTP or tokens.

mod csv;
mod export;
mod gather;
mod line_protocol;
mod merge;
mod rows;
mod scan;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::memory::Exhausted;

pub use export::{ExportQuery, Format, Options, Reader};
pub use merge::TimeRange;
pub use scan::Scan;

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
    /// A fault of ours.
    #[error("a record batch could not be made: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}
