//! Export: tables as a stream of bytes, as fast as the client takes them.
//!
//! ```text
//! read ─ rows ┬─ cells ─ text ──────────┬─ pieces ─ whoever asked
//!             └─ record batches ─ Arrow ┘
//! ```
//!
//! Promises: an early failure is an error and not a cut; a later one is reported as a cut, never as
//! an end; points older than the bucket's retention are left out. The pieces are bounded in bytes:
//! text in pieces of 64 KiB, even in the middle of a row, record batches as [`read`](crate::read)
//! makes them. An export whose client takes too little is ended.
//!
//! This module does not know HTTP or tokens.

mod csv;
#[expect(
    clippy::module_inception,
    reason = "the room is named for its one task"
)]
mod export;
mod line_protocol;
mod pace;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::read::ReadError;

pub use export::{ExportQuery, Exporter, Format, Options};
pub use pace::Pieces;

/// The reason for which nothing more is exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The rows cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Too many exports are running.
    #[error("{concurrent_max} exports are running already (export.concurrent_max)")]
    Busy {
        /// The number that may run.
        concurrent_max: usize,
    },
    /// There is no such table.
    #[error("measurement \"{0}\" not found")]
    UnknownMeasurement(String),
    /// This format holds one table.
    #[error("format {format} needs one measurement: add measurement=NAME")]
    MeasurementRequired {
        /// The name of the format.
        format: &'static str,
    },
    /// The client reads too slowly.
    #[error("the reader took less than {rate_bytes_min} bytes a second (export.rate_bytes_min)")]
    TooSlow {
        /// The rate at which it must read, in bytes per second.
        rate_bytes_min: u64,
    },
    /// A fault of ours.
    #[error("an Arrow stream could not be written: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}
