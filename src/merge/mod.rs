//! Merging sorted rows: what readers and the lake share.
//!
//! ```text
//! segment ── SortedSegment ── a day of it ─┐
//!                                          ├─ Run, Run, ... ── Merge ── Points ── MergedSegments
//! file ───── Chunks ───────────────────────┘   in order of     rows      newest     segments
//!                                              writing                   values
//!
//! segments ── Sorted: where each row goes ── gather: a column in the order of the output
//! ```
//!
//! So there are two ways to one result. The upper one streams: readers and compaction take it. The
//! lower one ([`at_once`]) is for a flush, whose rows are in memory all at once. A test holds them
//! against each other.
//!
//! Rows are ordered by series and time, and everything that is larger than memory is merged day by
//! day ([`day_of`]). Series are ordered by their tags like rows by columns: key by key, bytewise,
//! an absent tag before every value. So a file that is sorted by its tag columns stays in order
//! when the table gets more of them.
//!
//! A streamed run that says what its series do not come before ([`Chunks::lower_bound`]) waits
//! unread until the merge comes to that series, and is dropped at its end: of files that follow one
//! another, such as the parts of a compaction, one is open at a time, however many there are.
//!
//! Promises: a merge holds of every streamed run that it has reached the chunk at hand, and for as
//! long as one row needs both, the one before it; strings are compared when a run comes to another series, not for
//! each row; rows of equal series and time are one, wherever they lie, and for each field the last
//! written value counts (design decision D7). A run that is not in order ends the merge with an
//! error: no order is made up.
//!
//! This module does not know buckets, files or formats, nor the budget: it says what memory it
//! takes.

pub mod at_once;
mod cells;
mod cursor;
mod day;
mod newest;
mod order;
mod run;
mod segments;
mod slots;
mod sorted;
mod ways;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use cells::CellIndex;
pub use day::{DAY_NS, TimeRange, day_of, day_start_ns};
pub use newest::Points;
pub use order::{Ranks, compare_tags};
pub use run::{Chunks, ChunksError, Run, Tags};
pub use segments::{MergedSegments, SegmentLimits};
pub use slots::Chunk;
pub use sorted::SortedSegment;
pub use ways::{Merge, MergedRow, Source};

/// Why a merge has no more rows.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A run could not be read further.
    #[error("{run} cannot be read: {source}")]
    Chunks {
        /// Which one.
        run: Box<str>,
        /// What its source says.
        source: ChunksError,
    },
    /// A run's rows do not come by series and time.
    #[error(
        "{run} is not sorted by its tags (by name) and time as Tidegate sorts: another program may \
         have written it, and must sort it or remove it"
    )]
    OutOfOrder {
        /// Which one.
        run: Box<str>,
    },
}
