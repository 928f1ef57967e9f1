//! The write path: from the bytes of a body to points that are durable and can be read.
//!
//! ```text
//!            slice of <= 1 MiB                       one short lock
//! body ─ parse ────────────── scratch columns ─ resolve ─ log ─ (fdatasync) ─ apply ─ acknowledge
//!          │ line errors                          │ line errors     │ fails: 503, roll back
//! ```
//!
//! Only `write` knows that order. The promises (design decisions D1 to D4, contract sections 1.3
//! and 5):
//!
//! - A request is answered after the sync that covers its last frame, or it is refused; unless its
//!   client has waived that ([`Acknowledge::Queued`]).
//! - Every valid line is written and every invalid one is reported, by physical line and column; a
//!   rejected line leaves no trace. On request, all lines are written or none.
//! - Which lines survive a conflict of types is decided by the schema first and by line order
//!   second. No line is rejected for a column whose log write failed.
//! - Memory for applying is reserved before logging: once a frame is logged, applying it cannot
//!   fail.
//!
//! This module does not know HTTP, tokens or files.

mod again;
mod apply;
mod aside;
mod check;
mod columns;
mod error;
mod goes_on;
mod handle;
mod in_flight;
mod keyed;
mod open;
mod options;
mod outcome;
mod parse;
mod payload;
mod progress;
mod queued;
mod refuse;
mod release;
mod report;
mod request;
mod resolve;
mod row_reports;
mod rules;
mod scratch;
mod stuck;
#[cfg(test)]
mod tests;
mod write;

pub use again::HeldTable;
pub use check::{Check, CheckError, Checked};
pub use columns::{Columns, columns};
pub use error::WriteError;
pub use handle::{Ingest, OnDelete};
pub use open::{Flushed, IngestParts, OpenError, Pressure};
pub use options::Options;
pub use payload::{FrameDescription, FrameError, describe_frame};
pub use report::{LineReport, REPORTS_MAX, Stage};
pub use request::{Acknowledge, Body, Target, WriteOutcome, WriteRequest};
pub use rules::Limits;
