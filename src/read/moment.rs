//! A table at one moment: its columns, its rows in memory and its files.

use std::borrow::Cow;
use std::sync::Arc;

use super::columns::{TableColumns, TableField};
use super::error::ReadError;
use super::sources::{Places, Sources, TableFiles};
use crate::buffer::{SealedSegment, Spread, TableSnapshot};
use crate::columnar::Segment;
use crate::id::TableId;
use crate::memory::Budget;
use crate::merge::{TimeRange, day_of, series_bytes};

/// The rows of a table as they are at one moment.
#[derive(Debug)]
pub struct Moment {
    columns: TableColumns,
    pub(super) buffered: Vec<Buffered>,
    pub(super) files: Option<TableFiles>,
    pub(super) budget: Budget,
    _snapshot: Option<TableSnapshot>,
}

/// Rows in memory.
#[derive(Debug)]
pub(super) struct Buffered {
    pub(super) segment: Arc<Segment>,
    pub(super) spread: Arc<Spread>,
}

impl Moment {
    /// A table as it is now; `None` if there is no such table. May block.
    ///
    /// # Errors
    /// Memory is too short for a copy of what is growing, or the lake cannot be read.
    pub fn of(sources: &Sources, table: &TableId) -> Result<Option<Self>, ReadError> {
        Self::from(sources, sources.look(table)?)
    }

    /// As [`Moment::of`], but does not block: `None` if it would have to. To be called within a runtime.
    pub fn at_once(sources: &Sources, table: &TableId) -> Option<Result<Option<Self>, ReadError>> {
        let places = sources.look_at_once(table)?;
        Some(places.and_then(|places| Self::from(sources, places)))
    }

    fn from(sources: &Sources, places: Places) -> Result<Option<Self>, ReadError> {
        if places.are_empty() {
            return Ok(None);
        }
        let segments = places.buffered();
        let columns =
            TableColumns::new(&segments, places.files.as_ref().map(|files| &files.columns));
        let buffered = segments.into_iter().map(|sealed| {
            let spread = sealed.spread(&sources.budget)?;
            let SealedSegment { segment, .. } = sealed;
            Ok(Buffered { segment, spread })
        });
        Ok(Some(Self {
            columns,
            buffered: buffered.collect::<Result<_, ReadError>>()?,
            files: places.files,
            budget: sources.budget.clone(),
            _snapshot: places.snapshot,
        }))
    }

    /// All columns.
    pub fn columns(&self) -> &TableColumns {
        &self.columns
    }

    /// Returns true if all rows in a range are known to be of one series, without a look at any.
    pub fn has_one_series(&self, range: TimeRange) -> bool {
        let days = self.files.iter().flat_map(|files| &files.days);
        let met = days.filter(|(day, _)| range.meets_day(**day));
        let files = met.flat_map(|(_, files)| files);
        let files = files.filter(|file| file.meets(range));
        let of_files = files.map(|file| file.series().map(Cow::Borrowed));
        let in_memory = self.buffered.iter();
        let in_memory = in_memory.filter(|rows| rows.days(range).next().is_some());
        let of_memory = in_memory.map(|Buffered { segment, .. }| {
            let is_one = segment.series_count() == 1;
            is_one.then(|| Cow::Owned(series_bytes(segment.series_tags(0))))
        });
        let mut all = of_files.chain(of_memory);
        let first = all.next();
        let is_only = |first: Cow<'_, [u8]>| all.all(|other| other.as_ref() == Some(&first));
        first.is_none_or(|first| first.is_some_and(is_only))
    }

    /// The tag keys in bytewise order.
    pub fn tags(&self) -> &[Box<str>] {
        &self.columns.tags
    }

    /// The fields in bytewise order of their names, those of one name by rank.
    pub fn fields(&self) -> &[TableField] {
        &self.columns.fields
    }
}

impl Buffered {
    /// The days on which it may have rows in a range.
    pub(super) fn days(&self, range: TimeRange) -> impl Iterator<Item = i32> {
        let parts = self.spread.parts();
        let met = parts.filter(move |(first, last)| range.meets(*first, *last));
        met.map(|(first, _)| day_of(first))
    }

    /// The times of a day between which it has rows.
    pub(super) fn of_day(&self, day: i32) -> impl Iterator<Item = (i64, i64)> {
        let parts = self.spread.parts();
        parts.filter(move |(first, _)| day_of(*first) == day)
    }
}
