//! A table as a stream of sorted, merged rows, for formats that are written cell by cell.
//!
//! Only cells that exist are looked at. A column that few rows have is not asked about each row:
//! which of these columns a row has stands in an index, so that a thousand of them cost what they
//! hold and not rows times columns.

use std::sync::Arc;

use super::ReadError;
use super::merge::{Merge, MergedRow, TimeRange};
use super::scan::{Columns, columns, reserve};
use crate::columnar::{FieldType, FieldValue, Segment, SegmentField};
use crate::memory::{Budget, Reservation};
use crate::merge::Ranks;

/// A column is sparse if at most one row in so many has a value.
const SPARSE_ROWS: usize = 8;

/// Asking about fewer sparse columns than this is cheaper than an index.
const SPARSE_COLUMNS_MIN: usize = 8;

/// Rows in order, one at a time.
pub(super) struct Rows {
    segments: Vec<Arc<Segment>>,
    ranks: Arc<Ranks>,
    tags: Vec<Box<str>>,
    fields: Vec<(Box<str>, FieldType)>,
    /// One a segment.
    indexes: Vec<Index>,
    merge: Merge,
    row: MergedRow,
    cells: Vec<Cell>,
    _reservation: Reservation,
}

/// A value of the row at hand: the field, by its place among all, and where the value is.
#[derive(Clone, Copy)]
struct Cell {
    field: usize,
    segment: usize,
    position: usize,
    place: usize,
}

impl Rows {
    /// Starts reading `segments`, which are in the order in which they were written.
    pub(super) fn new(
        segments: &[Arc<Segment>],
        range: TimeRange,
        budget: &Budget,
    ) -> Result<Self, ReadError> {
        let mut reservation = reserve(segments, budget)?;
        let (tags, fields): Columns = columns(segments);
        let mut indexes = Vec::new();
        for segment in segments {
            indexes.push(Index::new(segment, &fields, &mut reservation)?);
        }
        let ranks = Arc::new(Ranks::new(segments));
        Ok(Self {
            segments: segments.to_vec(),
            tags,
            fields,
            indexes,
            merge: Merge::new(segments, Arc::clone(&ranks), range),
            ranks,
            row: MergedRow::default(),
            cells: Vec::new(),
            _reservation: reservation,
        })
    }

    /// The tag keys of the table, bytewise.
    pub(super) fn tag_keys(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|key| &**key)
    }

    /// The field keys of the table, bytewise.
    pub(super) fn field_keys(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(key, _)| &**key)
    }

    /// Goes to the next row; false at the end.
    pub(super) fn next(&mut self) -> bool {
        self.cells.clear();
        if !self.merge.next(&mut self.row) {
            return false;
        }
        // The newest first: of several values of a field the first one stays.
        let mut is_sorted = self.row.sources.len() == 1;
        for source in self.row.sources.iter().rev() {
            let (segment, row) = (source.segment, source.row as usize);
            let Some((fields, index)) = self.segments.get(segment).zip(self.indexes.get(segment))
            else {
                continue;
            };
            let fields = fields.fields();
            is_sorted &= index.sparse.is_empty();
            for (field, position) in index.of_row(row) {
                let place = fields.get(position).and_then(|field| field.place(row));
                self.cells.extend(place.map(|place| Cell {
                    field,
                    segment,
                    position,
                    place,
                }));
            }
        }
        if !is_sorted {
            self.cells.sort_by_key(|cell| cell.field);
            self.cells.dedup_by_key(|cell| cell.field);
        }
        true
    }

    /// Nanoseconds since the epoch.
    pub(super) fn time_ns(&self) -> i64 {
        self.row.time_ns
    }

    /// Names the tag set of the row: rows of one follow each other.
    pub(super) fn series(&self) -> u32 {
        self.row.rank
    }

    /// Key and value of every tag of the row, by key.
    pub(super) fn row_tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let source = self.ranks.source(self.row.rank);
        let found = source.and_then(|(segment, series)| {
            let segment = self.segments.get(segment)?;
            Some(segment.series_tags(series))
        });
        found.into_iter().flatten()
    }

    /// Every value of the row with the place of its field among [`Rows::field_keys`], ascending.
    pub(super) fn row_values(&self) -> impl Iterator<Item = (usize, FieldValue<'_>)> {
        self.cells.iter().filter_map(|cell| {
            let segment = self.segments.get(cell.segment)?;
            let field: &SegmentField = segment.fields().get(cell.position)?;
            Some((cell.field, field.value_at(cell.place)?))
        })
    }
}

/// Which columns a row of a segment may have.
struct Index {
    /// Fields that are asked about every row: place among all, position in the segment.
    dense: Vec<(usize, usize)>,
    /// The others.
    sparse: Vec<(usize, usize)>,
    /// Where the cells of each row end.
    ends: Vec<u32>,
    /// Row after row: places in `sparse`, ascending.
    cells: Vec<u32>,
}

impl Index {
    fn new(
        segment: &Segment,
        fields: &[(Box<str>, FieldType)],
        reservation: &mut Reservation,
    ) -> Result<Self, ReadError> {
        let place_of = |field: &SegmentField| {
            let found = fields.binary_search_by(|(name, _)| (**name).cmp(field.name()));
            let found = found.ok().filter(|place| {
                let known = fields.get(*place);
                known.is_some_and(|(_, field_type)| *field_type == field.field_type())
            });
            // A field of another type cannot be: it would count as absent.
            found
        };
        let own = segment.fields().iter().enumerate();
        let mut all: Vec<(usize, usize)> = own
            .filter_map(|(position, field)| Some((place_of(field)?, position)))
            .collect();
        all.sort_unstable();
        let is_sparse = |(_, position): &(usize, usize)| {
            let field = segment.fields().get(*position);
            field.is_some_and(|field| {
                field.present_count().saturating_mul(SPARSE_ROWS) <= segment.rows()
            })
        };
        let (sparse, dense): (Vec<_>, Vec<_>) = all.iter().copied().partition(is_sparse);
        let mut index = Self {
            dense,
            sparse,
            ends: Vec::new(),
            cells: Vec::new(),
        };
        if index.sparse.len() < SPARSE_COLUMNS_MIN {
            index.sparse.clear();
            index.dense = all;
        } else {
            index.fill(segment, reservation)?;
        }
        Ok(index)
    }

    /// Counts the sparse cells of each row, then puts each in its place.
    fn fill(&mut self, segment: &Segment, reservation: &mut Reservation) -> Result<(), ReadError> {
        let fields = segment.fields();
        let of = |position: usize| {
            let field = fields.get(position);
            field.into_iter().flat_map(SegmentField::rows)
        };
        let counts = self
            .sparse
            .iter()
            .filter_map(|(_, position)| fields.get(*position));
        let cells: usize = counts.map(SegmentField::present_count).sum();
        let bytes = (segment.rows() + cells).saturating_mul(size_of::<u32>());
        reservation.try_grow(u64::try_from(bytes).unwrap_or(u64::MAX))?;
        self.ends = vec![0; segment.rows()];
        self.cells = vec![0; cells];
        for (_, position) in &self.sparse {
            for row in of(*position) {
                if let Some(count) = self.ends.get_mut(row) {
                    *count += 1;
                }
            }
        }
        // From counts to where each row starts...
        let mut start = 0;
        for end in &mut self.ends {
            start += std::mem::replace(end, start);
        }
        // ...which moves to where it ends while its cells are put there.
        for (place, (_, position)) in (0_u32..).zip(&self.sparse) {
            for row in of(*position) {
                let Some(end) = self.ends.get_mut(row) else {
                    continue;
                };
                if let Some(cell) = self.cells.get_mut(*end as usize) {
                    *cell = place;
                }
                *end += 1;
            }
        }
        Ok(())
    }

    /// Place among all and position in the segment of every field that a row may have: the dense
    /// ones, then the sparse ones, each ascending.
    fn of_row(&self, row: usize) -> impl Iterator<Item = (usize, usize)> {
        let end = self.ends.get(row).copied().unwrap_or(0) as usize;
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.copied().unwrap_or(0) as usize;
        let cells = self.cells.get(start..end).unwrap_or_default();
        let sparse = cells
            .iter()
            .filter_map(|cell| self.sparse.get(*cell as usize));
        self.dense.iter().chain(sparse).copied()
    }
}
