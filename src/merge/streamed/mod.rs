//! The merge of runs, row by row: for readers and for compaction, whose rows need not fit into
//! memory.
//!
//! ```text
//! Run ── Cursor ─┐  Slots: the chunks in use
//! Run ── Cursor ─┼─ Merge ──────── MergedPoints ────── MergedSegments
//! Run ── Cursor ─┘  merged rows    the last value      segments for new files
//!                                  of each field
//! ```
//!
//! A run that states a lower bound of its series ([`Chunks::lower_bound`]) waits unread until the
//! merge reaches that series, and is dropped at its end: of files that follow one another, such as
//! the parts of a compaction, one is open at a time, however many there are.
//!
//! Promises: of every run that is read from a stream, the merge holds the current chunk and, while
//! one row needs both, the chunk before it; strings are compared when a run comes to another
//! series, not for each row. A run that is not in order ends the merge with an error: no order is
//! made up.

mod cells;
mod cursor;
mod error;
mod kway;
mod last_value;
mod run;
mod segments;
mod slots;
mod sorted;

pub use cells::CellIndex;
pub use error::MergeError;
pub use kway::{Merge, MergedRow, Source};
pub use last_value::MergedPoints;
pub use run::{Chunks, ChunksError, Run, Tags};
pub use segments::{MergedSegments, SegmentLimits};
pub use slots::Chunk;
pub use sorted::SortedSegment;
