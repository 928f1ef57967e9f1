//! The chunks that a merge holds: each in a slot, until the current row no longer needs it.

use std::sync::Arc;

use super::cells::CellIndex;
use crate::certain::Certain;
use crate::columnar::Segment;

/// Rows that a merge currently holds.
#[derive(Debug)]
pub struct Chunk {
    /// The rows.
    pub segment: Arc<Segment>,
    /// The fields that each row of it may have.
    pub cells: Arc<CellIndex>,
    /// Distinguishes it from chunks that were in its slot before.
    pub serial: u64,
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
    pub(super) fn put(&mut self, segment: Arc<Segment>, cells: Arc<CellIndex>) -> usize {
        self.serial += 1;
        let chunk = Chunk {
            segment,
            cells,
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

    /// Drops the chunks that are used up: the merge leaves the current row.
    pub(super) fn free(&mut self) {
        for slot in self.retired.drain(..) {
            *self.chunks.get_mut(slot).certain("a slot stays") = None;
            self.free.push(slot);
        }
    }
}
