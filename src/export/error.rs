//! The reasons for which an export is refused or ends early.

use thiserror::Error;

use crate::read::ReadError;

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
    #[error("the reader took less than {rate_bytes_min} bytes per second (export.rate_bytes_min)")]
    TooSlow {
        /// The rate at which it must read, in bytes per second.
        rate_bytes_min: u64,
    },
    /// A fault of ours.
    #[error("an Arrow stream could not be written: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}
