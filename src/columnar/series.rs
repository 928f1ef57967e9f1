//! The series of a batch: each is a list of tags. Series that have the same tag keys share a
//! shape, so a series itself is only its dictionary ids.

use crate::certain::Certain;
use crate::narrow;

/// One series: its shape, and where its ids lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    shape: u32,
    start: u32,
}

/// All series of a batch; their ids count from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SeriesTable {
    /// Lists of tag columns, each ordered by key, bytewise.
    shapes: Vec<Box<[u32]>>,
    entries: Vec<Entry>,
    /// The dictionary ids of all series, end to end, each in the order of its shape.
    values: Vec<u32>,
}

impl SeriesTable {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn shapes(&self) -> &[Box<[u32]>] {
        &self.shapes
    }

    pub(super) fn value_count(&self) -> usize {
        self.values.len()
    }

    pub(super) fn shape(&self, shape: u32) -> &[u32] {
        let columns = self.shapes.get(shape as usize);
        columns.certain("ids of shapes are handed out here")
    }

    pub(super) fn push_shape(&mut self, columns: &[u32]) -> u32 {
        let id = narrow::id(self.shapes.len());
        self.shapes.push(columns.into());
        id
    }

    pub(super) fn push(&mut self, shape: u32, values: &[u32]) -> u32 {
        let id = narrow::id(self.entries.len());
        self.entries.push(Entry {
            shape,
            start: narrow::id(self.values.len()),
        });
        self.values.extend_from_slice(values);
        id
    }

    /// The shape of a series and its dictionary ids, one per column of the shape.
    #[inline]
    pub(super) fn get(&self, series: u32) -> Option<(u32, &[u32])> {
        let entry = self.entries.get(series as usize)?;
        let start = entry.start as usize;
        let values = self
            .values
            .get(start..start + self.shape(entry.shape).len())?;
        Some((entry.shape, values))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &[u32])> + Clone {
        let all = 0..narrow::id(self.len());
        all.map(|series| self.get(series).certain("it is below their number"))
    }

    pub(super) fn shrink(&mut self) {
        self.shapes.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.values.shrink_to_fit();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let shapes: usize = self
            .shapes
            .iter()
            .map(|columns| size_of_val::<[u32]>(columns))
            .sum();
        shapes
            + self.shapes.capacity() * size_of::<Box<[u32]>>()
            + self.entries.capacity() * Self::ENTRY_BYTES
            + self.values.capacity() * size_of::<u32>()
    }

    pub(super) const ENTRY_BYTES: usize = size_of::<Entry>();
}
