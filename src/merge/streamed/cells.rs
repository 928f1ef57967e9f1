//! An index of the fields that each row of a segment may have.
//!
//! A column with few values is not checked for each row: the index lists which of these columns a
//! row has, so that a thousand of them cost what they hold, not rows times columns.

use crate::certain::Certain;
use crate::columnar::{Segment, SegmentField};

/// A column is sparse if at most one row in this many has a value.
const SPARSE_ROWS: usize = 8;

/// The number of sparse columns below which checking each is cheaper than an index.
const SPARSE_COLUMNS_MIN: usize = 8;

/// The reason why a row is listed.
const ROW: &str = "it is a row of the segment";

/// The fields of a segment, by their position in it: the dense ones, which are checked for every
/// row, and the others by row.
#[derive(Debug, Default)]
pub struct CellIndex {
    dense: Vec<u32>,
    /// The end of each row's cells; they start where those of the row before end.
    ends: Vec<u32>,
    /// The position of the field of each sparse cell.
    cells: Vec<u32>,
}

impl CellIndex {
    /// Indexes the columns of `segment`, and the rows of the sparse ones.
    pub fn new(segment: &Segment) -> Self {
        let all = (0_u32..).zip(segment.fields());
        if !needs_index(segment) {
            let dense = all.map(|(position, _)| position).collect();
            return Self {
                dense,
                ..Self::default()
            };
        }
        let (sparse, dense): (Vec<_>, Vec<_>) =
            all.partition(|(_, field)| is_sparse(segment, field));
        let cells: usize = sparse.iter().map(|(_, field)| field.present_count()).sum();
        let mut index = Self {
            dense: dense.into_iter().map(|(position, _)| position).collect(),
            ends: vec![0; segment.rows()],
            cells: vec![0; cells],
        };
        index.fill(&sparse);
        index
    }

    /// The bytes on the heap that [`CellIndex::new`] takes.
    pub fn bytes_of(segment: &Segment) -> u64 {
        let mut count = segment.fields().len();
        if needs_index(segment) {
            let fields = segment.fields().iter();
            let sparse = fields.filter(|field| is_sparse(segment, field));
            count += segment.rows() + sparse.map(SegmentField::present_count).sum::<usize>();
        }
        count.saturating_mul(size_of::<u32>()) as u64
    }

    /// Counts the sparse cells of each row, then puts each in its place.
    fn fill(&mut self, sparse: &[(u32, &SegmentField)]) {
        for row in sparse.iter().flat_map(|(_, field)| field.rows()) {
            *self.ends.get_mut(row).certain(ROW) += 1;
        }
        // From counts to where each row starts...
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        // ...which moves to where it ends while its cells are put there.
        for (position, field) in sparse {
            for row in field.rows() {
                let end = self.ends.get_mut(row).certain(ROW);
                let cell = self.cells.get_mut(*end as usize);
                *cell.certain("each cell was counted") = *position;
                *end += 1;
            }
        }
    }

    /// The fields that any row may have.
    pub fn dense(&self) -> &[u32] {
        &self.dense
    }

    /// Returns true if there are fields that only the index knows.
    pub fn has_sparse(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The other fields that `row` has.
    pub fn sparse(&self, row: usize) -> &[u32] {
        // All are dense.
        if self.ends.is_empty() {
            return &[];
        }
        let end_of = |row: usize| *self.ends.get(row).certain(ROW) as usize;
        let cells = row.checked_sub(1).map_or(0, end_of)..end_of(row);
        self.cells.get(cells).certain("each cell was counted")
    }
}

fn is_sparse(segment: &Segment, field: &SegmentField) -> bool {
    field.present_count().saturating_mul(SPARSE_ROWS) <= segment.rows()
}

fn needs_index(segment: &Segment) -> bool {
    let fields = segment.fields().iter();
    let sparse = fields.filter(|field| is_sparse(segment, field));
    sparse.take(SPARSE_COLUMNS_MIN).count() == SPARSE_COLUMNS_MIN
}
