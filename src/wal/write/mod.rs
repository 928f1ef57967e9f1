//! Writing the log: those who submit frames, the queue, the log's thread, the active segment.
//!
//! ```text
//! handle (Wal::submit) > queue > committer (the log's thread, or a lead) > writer > format
//! ```
//!
//! New and replayed logs are treated alike: the caller says where to continue
//! ([`NextSegment`](writer::NextSegment), [`ExistingLog`](writer::ExistingLog)). Nothing here
//! reads a frame back.

pub(super) mod committer;
pub(super) mod error;
pub(super) mod handle;
pub(super) mod lead;
pub(super) mod options;
mod queue;
pub(super) mod writer;

pub use queue::{Completion, Generation};
