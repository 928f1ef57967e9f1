//! The chunks that a merge holds: each in a slot, until the current row no longer needs it.

use std::ops::Range;
use std::sync::Arc;

use super::cells::CellIndex;
use super::sorted::SortedSegment;
use crate::certain::Certain;
use crate::columnar::{Picked, Segment};
use crate::narrow;

/// A row of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The run's index, in the order in which runs were given.
    pub run: usize,
    /// The slot of its segment, for [`Merge::chunk`](super::Merge::chunk).
    pub slot: usize,
    /// The row in that segment.
    pub row: u32,
    /// The place of the row in the order of its run.
    pub(super) place: usize,
}

/// Rows that a merge currently holds.
#[derive(Debug)]
pub struct Chunk {
    /// The rows.
    pub segment: Arc<Segment>,
    /// The fields that each row of it may have.
    pub cells: Arc<CellIndex>,
    /// The order of its rows if they do not lie in order.
    pub(super) order: Option<Arc<SortedSegment>>,
    /// Distinguishes it from chunks that were in its slot before.
    pub serial: u64,
}

impl Chunk {
    /// Some of the rows that follow a source in the order of its run, counted from it.
    pub(super) fn rows_after(&self, source: &Source, rows: Range<usize>) -> Picked<'_> {
        match &self.order {
            Some(order) => {
                Picked::list(order.rows_at(source.place + rows.start..source.place + rows.end))
            }
            None => {
                let row = |row| source.row + narrow::to_u32(row, "a segment has fewer rows");
                Picked::Stretch(row(rows.start)..row(rows.end))
            }
        }
    }

    /// The row that comes so many rows after a source in the order of its run.
    #[inline]
    pub(super) fn row_after(&self, source: &Source, rows: usize) -> usize {
        match &self.order {
            Some(order) => order.row(source.place + rows) as usize,
            None => source.row as usize + rows,
        }
    }
}

/// The chunks that a merge holds.
#[derive(Default)]
pub(super) struct Slots {
    chunks: Vec<Option<Chunk>>,
    free: Vec<usize>,
    /// Used up, but the current row may come from them.
    retired: Vec<usize>,
    serial: u64,
}

impl Slots {
    #[inline]
    pub(super) fn chunk(&self, slot: usize) -> Option<&Chunk> {
        self.chunks.get(slot).and_then(Option::as_ref)
    }

    /// Keeps a chunk. Returns its slot.
    pub(super) fn put(
        &mut self,
        segment: Arc<Segment>,
        cells: Arc<CellIndex>,
        order: Option<Arc<SortedSegment>>,
    ) -> usize {
        self.serial += 1;
        let chunk = Chunk {
            segment,
            cells,
            order,
            serial: self.serial,
        };
        let slot = self.free.pop().unwrap_or(self.chunks.len());
        match self.chunks.get_mut(slot) {
            Some(place) => *place = Some(chunk),
            None => self.chunks.push(Some(chunk)),
        }
        slot
    }

    /// Marks a chunk as used up.
    pub(super) fn retire(&mut self, slot: usize) {
        self.retired.push(slot);
    }

    /// Returns true if there are chunks that are used up.
    pub(super) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// Drops the chunks that are used up: the merge leaves the current row.
    pub(super) fn free(&mut self) {
        for slot in self.retired.drain(..) {
            *self.chunks.get_mut(slot).certain("a slot stays") = None;
            self.free.push(slot);
        }
    }
}
