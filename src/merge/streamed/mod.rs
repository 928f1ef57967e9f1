//! The merge of runs, stretch by stretch: for readers and for compaction, whose rows need not fit
//! into memory.
//!
//! ```text
//! Run ── Cursor ─┐  Slots: the chunks in use         ┌─ a point at a time
//! Run ── Cursor ─┼─ Merge ──────── MergedPoints ─────┤
//! Run ── Cursor ─┘  stretches      the last value    └─ PointBatch ── MergedSegments
//!                                  of each field        columns       segments for new files
//! ```
//!
//! A stretch is what one run alone has of a series before another run has a row, or a single row
//! that is merged from several. A batch copies a long stretch column by column as it lies there;
//! short ones and merged rows are planned, and then each column is filled from all of them in one
//! go, at the latest before a chunk is dropped that they come from.
//!
//! A run that states a lower bound of its series ([`Chunks::lower_bound`]) waits unread until the
//! merge reaches that series, and is dropped at its end: of files that follow one another, such as
//! the parts of a compaction, one is open at a time, however many there are.
//!
//! Promises: of every run that is read from a stream, the merge holds the current chunk and, while
//! one row needs both, the chunk before it, whether points are taken one by one or in batches;
//! strings are compared when a run comes to another series, not for each row. A run that is not in
//! order ends the merge with an error: no order is made up.

mod batch;
mod cells;
mod cursor;
mod error;
mod kway;
mod last_value;
mod plan;
mod run;
mod segments;
mod slots;
mod sorted;

pub use batch::{PointBatch, Points, SegmentLimits, Weights};
pub use cells::CellIndex;
pub use error::MergeError;
pub use kway::{Merge, Stretch};
pub use last_value::MergedPoints;
pub use run::{Chunks, ChunksError, Run, Tags};
pub use segments::MergedSegments;
pub use slots::{Chunk, Source};
pub use sorted::SortedSegment;
