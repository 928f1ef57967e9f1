//! Rows of a batch whose values are still to be copied: those of short stretches and those merged
//! from several. Each column is then filled in one go.

use super::last_value::MergedPoints;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, PickedRow, SegmentField};
use crate::narrow;

/// The reason why a number fits.
const FEW: &str = "a batch has few rows, and a merge few chunks at once";

/// Rows that are in a batch without their values, which are in chunks that the merge holds.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The first of the rows.
    first: u32,
    /// Where each row's sources end; they start where those of the row before end.
    ends: Vec<u32>,
    /// By row, oldest first.
    sources: Vec<PickedRow>,
    /// The slots of the chunks of the sources.
    slots: Vec<usize>,
    /// At least the bytes of the values.
    bytes_max: usize,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// At least the bytes of the values.
    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    pub(super) fn clear(&mut self) {
        *self = Self {
            ends: std::mem::take(&mut self.ends),
            sources: std::mem::take(&mut self.sources),
            slots: std::mem::take(&mut self.slots),
            ..Self::default()
        };
        self.ends.clear();
        self.sources.clear();
        self.slots.clear();
    }

    /// Notes the next point at hand, which is a row of the batch already.
    pub(super) fn add(&mut self, row: u32, points: &MergedPoints, value_bytes: usize) {
        if self.is_empty() {
            self.first = row;
        }
        for (slot, row) in points.next_sources() {
            let (chunk, map) = points.chunk(slot);
            let fields = chunk.segment.fields();
            let texts = map.texts.iter().map(|position| {
                let field: Option<&SegmentField> = fields.get(*position as usize);
                field.map_or(0, |field| field.text_bytes(row))
            });
            self.bytes_max += map.dense.len() * value_bytes + texts.sum::<usize>();
            let part = self.part(slot);
            self.sources.push(PickedRow { part, row });
        }
        self.ends.push(narrow::to_u32(self.sources.len(), FEW));
    }

    fn part(&mut self, slot: usize) -> u32 {
        let known = self.slots.iter().rposition(|known| *known == slot);
        let part = known.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        narrow::to_u32(part, FEW)
    }

    /// Copies the values of one field: of each row the one written last. The column comes from
    /// `column`, which is asked only if there is a value. Returns the bytes of the values.
    pub(super) fn copy(
        &self,
        place: u32,
        points: &MergedPoints,
        builder: &mut BatchBuilder,
        column: impl FnOnce(&mut BatchBuilder) -> u32,
    ) -> (usize, usize) {
        let parts = self.slots.iter().map(|slot| {
            let (chunk, map) = points.chunk(*slot);
            let position = map.position(place)?;
            let field = chunk.segment.fields().get(position);
            Some(field.certain("positions are those of the fields of the chunk"))
        });
        let parts: Vec<Option<&SegmentField>> = parts.collect();
        let has_any = self.sources.iter().any(|source| {
            let field = parts.get(source.part as usize).copied().flatten();
            field.is_some_and(|field| field.has(source.row as usize))
        });
        if !has_any {
            return (0, 0);
        }
        let column = column(builder);
        builder.push_newest(column, self.first, &parts, (&self.ends, &self.sources))
    }
}
