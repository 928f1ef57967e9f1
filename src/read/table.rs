//! A table with all its sources: its days, and a merge of each.

use std::sync::Arc;

use super::columns::TableField;
use super::error::ReadError;
use super::moment::Moment;
use super::selection::Selection;
use super::sources::Sources;
use crate::id::TableId;
use crate::memory::Room;
use crate::merge::{Merge, TimeRange};

/// The rows of a table as they are at one moment, day by day.
pub struct Table {
    selection: Arc<Selection>,
    /// The days that are left.
    days: std::vec::IntoIter<i32>,
    /// The memory in which its files are read.
    room: Option<Room>,
    /// The number of days that are read at once in that room.
    side_by_side: usize,
}

impl Table {
    /// The rows of a table in `range`, whose files are read in `room`; `None` if there is no such
    /// table.
    pub fn open(
        sources: &Sources,
        table: &TableId,
        range: TimeRange,
        room: Option<&Room>,
    ) -> Result<Option<Self>, ReadError> {
        let Some(moment) = Moment::of(sources, table)? else {
            return Ok(None);
        };
        let selection = Selection::new(Arc::new(moment), range);
        selection.sort()?;
        let days = selection.days().into_iter().collect();
        Ok(Some(Self::of_days(&Arc::new(selection), days, room, 1)))
    }

    /// The rows of some days of a selection. The files of `side_by_side` days are read at once in
    /// `room`.
    pub fn of_days(
        selection: &Arc<Selection>,
        days: Vec<i32>,
        room: Option<&Room>,
        side_by_side: usize,
    ) -> Self {
        Self {
            selection: Arc::clone(selection),
            days: days.into_iter(),
            room: room.cloned(),
            side_by_side,
        }
    }

    /// The tag keys in bytewise order.
    pub fn tags(&self) -> &[Box<str>] {
        self.selection.tags()
    }

    /// The fields in bytewise order of their names, those of one name by rank.
    pub fn fields(&self) -> &[TableField] {
        self.selection.fields()
    }

    /// The rows of the next day; `None` after the last.
    pub(super) fn next_day(&mut self) -> Result<Option<Merge>, ReadError> {
        let Some(day) = self.days.next() else {
            return Ok(None);
        };
        let room = self.room.as_ref();
        let merge = self.selection.day(day, room, self.side_by_side)?;
        Ok(Some(merge))
    }
}
