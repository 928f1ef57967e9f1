//! A request to write and its outcome.

use std::sync::Arc;

use bytes::Bytes;

use super::report::LineReport;
use crate::catalog::Bucket;
use crate::line_protocol::{Oddities, Precision};
use crate::memory::Reservation;

/// A decoded body and the memory reserved for it.
#[derive(Debug)]
pub struct Body {
    /// The line protocol.
    pub bytes: Bytes,
    /// Covers `bytes`.
    pub reservation: Reservation,
}

/// The bucket that the points go to.
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

/// The promise that an acknowledgement makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// The points are on disk and can be read.
    Durable,
    /// The points are valid and queued for the log. They can be lost: this is only for clients
    /// that ask for it (`no_sync`, contract section 3.2).
    Queued,
}

/// A request to write, as the client sent it.
#[derive(Debug)]
pub struct WriteRequest {
    /// The bucket.
    pub target: Target,
    /// The lines.
    pub body: Body,
    /// The unit of the lines' timestamps.
    pub precision: Precision,
    /// If true, valid lines are written even when others are not.
    pub accept_partial: bool,
    /// The promise that the answer makes.
    pub acknowledge: Acknowledge,
    /// The request's one reading of the clock, nanoseconds since the epoch.
    pub received_ns: i64,
}

/// The outcome for the lines. If there are no reports, everything was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Lines that are durable now.
    pub accepted: u64,
    /// Lines that were not written.
    pub rejected: u64,
    /// At most 100 reports, in line order; dropped fields too.
    pub reports: Vec<LineReport>,
    /// The number of reports beyond those.
    pub more: u64,
    /// Lines that were stored, or skipped, as written but probably not as meant.
    pub oddities: Oddities,
}

impl WriteOutcome {
    /// The first line that has a report: 1-based, physical.
    pub fn first_line(&self) -> Option<u32> {
        self.reports.first().map(|report| report.line)
    }
}
