//! Reading what is stored: rows of a table as they are at one moment, merged and sorted.
//!
//! ```text
//!              columns ────────────────────────────────┐
//! buffer, lake ┤                                       ├─ rows ─ cells, or record batches
//!              day by day: segments, files ── merge ───┘
//! ```
//!
//! Promises: rows are ordered by day (UTC), tag set (key by key, bytewise, an absent tag first) and
//! time; rows of equal series and time are merged into one, and for each field the last written
//! value counts (design decision D7), where the buffer's values were written after the lake's. If
//! nodes of a shared lake wrote a field with several types, all of its values are returned: nothing
//! that was acknowledged is left out.
//!
//! A reader that can read files itself gets a day divided ([`Selection::split`]): what one file alone
//! has, and stretches that have to be merged.
//!
//! Memory beyond what is buffered is taken from the budget: a few bytes per buffered row, and for
//! files the minimum of one reading ([`Room`](crate::memory::Room)), however many and large they
//! are, so a table may be of any size. A [`Table`] that is opened as a whole takes it before its first
//! row, so that its reader does not break off for lack of memory. A [`Selection`] that is read day by
//! day, or stretch by stretch, sorts what is buffered of a day when the first row of that day is asked
//! for, and once for all of its stretches: its reader may be refused then. A record batch is at most
//! 1 MiB, or a single row if that is longer.
//!
//! This module does not know who asks, in which form rows leave, or how the lake works.

mod columns;
mod error;
mod extent;
mod moment;
mod rows;
mod scan;
mod selection;
mod series;
mod sources;
mod split;
mod table;

#[cfg(test)]
mod tests;

pub use crate::merge::{SeriesFilter, TimeRange, Wanted};
pub use columns::{TableColumns, TableField};
pub use error::{LakeError, ReadError};
pub use extent::Extent;
pub use moment::Moment;
pub use rows::Rows;
pub use scan::{Scan, Shape};
pub use selection::Selection;
pub use sources::{DataFile, Lake, ParquetFile, Reading, Sources, StoredColumns, TableFiles};
pub use split::{DaySplit, Lone, Stretch};
pub use table::Table;
