//! Writing the log: those who submit frames, the queue, the log's thread, the active segment.
//!
//! ```text
//! handle (Wal::submit) > queue > committer (the log's thread) > writer > format
//! ```
//!
//! A new log and one that was replayed are the same to it: where to go on comes from outside
//! ([`NextSegment`](writer::NextSegment), [`ExistingLog`](writer::ExistingLog)). It reads no frame
//! back.

pub(super) mod committer;
pub(super) mod error;
pub(super) mod handle;
pub(super) mod options;
mod queue;
pub(super) mod writer;

pub use queue::{Completion, Generation};
