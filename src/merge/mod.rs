//! Merging sorted rows: what readers and the lake share.
//!
//! ```text
//! segment ── SortedSegment ── a day of it ─┐
//!                                          ├─ Run, Run, ... ── Merge ── MergedPoints ── MergedSegments
//! file ───── Chunks ───────────────────────┘   in order of  stretches    last value       segments
//!                                              writing                   per field
//!
//! segments ── Sorted: where each row goes ── gather: a column in the order of the output
//! ```
//!
//! There are two ways to one result. Readers and compaction take the upper one, which streams
//! (`streamed`). A flush, whose rows are all in memory, takes the lower one ([`at_once`]). A test
//! holds the two against each other.
//!
//! Rows are ordered by series and time, and everything that may exceed memory is merged day by day
//! ([`day_of`]). Series are ordered by their tags like rows by columns: key by key, bytewise, an
//! absent tag before every value. So a file that is sorted by its tag columns stays in order when
//! the table gets more tags.
//!
//! The promise of both: rows of equal series and time become one, wherever they are, and for each
//! field the last written value counts (design decision D7).
//!
//! This module knows no buckets, files or formats, and no memory budget: it states how much memory
//! it takes.

pub mod at_once;
mod day;
mod order;
mod streamed;
mod wanted;

#[cfg(test)]
mod tests;

pub use day::{DAY_NS, TimeRange, day_of, day_start_ns};
pub use order::{compare_tags, series_bytes};
pub use streamed::{
    CellIndex, Chunk, Chunks, ChunksError, Merge, MergeError, MergedPoints, MergedSegments,
    PointBatch, Points, Run, SegmentLimits, SortedSegment, Source, Stretch, Tags, Weights,
};
pub use wanted::{SeriesFilter, Wanted};
