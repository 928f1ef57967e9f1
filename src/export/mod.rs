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
mod error;
#[expect(
    clippy::module_inception,
    reason = "the room is named for its one task"
)]
mod export;
mod line_protocol;
mod pace;
#[cfg(test)]
mod tests;

pub use error::ExportError;
pub use export::{ExportQuery, Exporter, Format, Options};
pub use pace::Pieces;
