//! Merged points as columns: where only one run has points for a while, whole stretches of its
//! columns are copied; what lies between is planned first and then copied column by column.

use super::error::MergeError;
use super::last_value::{Alone, MergedPoints};
use super::plan::Plan;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldValue, Picked, Segment, SegmentField};
use crate::narrow;

/// The reason why a field has a place, and the place a column.
const PLACE: &str = "places are those of the fields known so far";
const COLUMN: &str = "each place was given a column above";
const POSITION: &str = "positions are those of the fields of the chunk";

/// The number of points from which a stretch is copied by itself.
const LONG: usize = 16;

/// The limits on the size of a segment of merged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentLimits {
    /// The maximum number of rows.
    pub rows_max: usize,
    /// The bytes of values at which a segment is full, however few rows it has.
    pub bytes_max: usize,
}

/// The bytes that count for the limit of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Of a row, whatever it has.
    pub row_bytes: usize,
    /// Of each value that is not a text. Texts count with their length.
    pub value_bytes: usize,
    /// The length up to which the value of a tag costs nothing. The rest counts once per series.
    pub tag_bytes_free: usize,
}

/// A batch of merged points under construction.
///
/// A field that comes with several types has a column for each.
#[derive(Debug)]
pub struct PointBatch {
    builder: BatchBuilder,
    limits: SegmentLimits,
    weights: Weights,
    /// The keys of the tags that are kept, ordered; absent if all are.
    tags: Option<Vec<Box<str>>>,
    /// The places of the fields that a point has to have if those before it may be passed over; absent if
    /// all points are taken.
    newest: Option<Vec<u32>>,
    /// The builder's column of each field.
    columns: Vec<Option<u32>>,
    /// The series of the last point.
    series: Option<u32>,
    /// Without those that are planned.
    bytes: usize,
    plan: Plan,
}

/// A finished batch of points.
#[derive(Debug)]
pub struct Points {
    /// The points, in order.
    pub segment: Segment,
    /// The position in the segment of each field, by its place in [`MergedPoints::fields`]; absent
    /// if no point has a value.
    pub columns: Vec<Option<u32>>,
}

impl PointBatch {
    /// A batch without points. It is full at one of the limits, but never without a point.
    pub fn new(measurement: &str, limits: SegmentLimits, weights: Weights) -> Self {
        Self {
            builder: BatchBuilder::new(measurement),
            limits: SegmentLimits {
                rows_max: limits.rows_max.max(1),
                bytes_max: limits.bytes_max.max(1),
            },
            weights,
            tags: None,
            newest: None,
            columns: Vec::new(),
            series: None,
            bytes: 0,
            plan: Plan::default(),
        }
    }

    /// The same with some tags only, by their keys, which are ordered. Points of different series
    /// may then look like one.
    pub fn with_tags(self, tags: Vec<Box<str>>) -> Self {
        debug_assert!(tags.is_sorted(), "a look-up takes them for sorted");
        let tags = Some(tags);
        Self { tags, ..self }
    }

    /// The same without points that a newer one of the same series follows which has a value in each of the
    /// fields at these places. Where runs alternate, such points are taken, too.
    #[must_use]
    pub fn with_newest(self, present: &[usize]) -> Self {
        let present = present.iter();
        let newest = present.map(|place| narrow::to_u32(*place, PLACE)).collect();
        Self {
            newest: Some(newest),
            ..self
        }
    }

    /// Returns true if a point more would be too many.
    pub fn is_full(&self) -> bool {
        self.builder.rows() >= self.limits.rows_max || self.bytes >= self.limits.bytes_max
    }

    /// Adds the next points. Returns false if they have come to their end, and the batch is not full
    /// yet. After an error the batch is without points.
    pub fn fill(&mut self, points: &mut MergedPoints) -> Result<bool, MergeError> {
        loop {
            if self.bytes + self.plan.bytes_max() >= self.limits.bytes_max {
                self.settle(points);
            }
            if self.is_full() {
                self.settle(points);
                return Ok(true);
            }
            if points.at_hand() == 0 {
                if points.drops_chunks() {
                    self.settle(points);
                }
                match points.next_stretch() {
                    Ok(true) => {}
                    Ok(false) => {
                        self.settle(points);
                        return Ok(false);
                    }
                    Err(error) => {
                        self.plan.clear();
                        self.finish();
                        return Err(error);
                    }
                }
            }
            self.push(points);
        }
    }

    /// The points so far, if there are any. The batch starts anew.
    pub fn finish(&mut self) -> Option<Points> {
        let next = BatchBuilder::new(self.builder.batch().measurement());
        let builder = std::mem::replace(&mut self.builder, next);
        let columns = std::mem::take(&mut self.columns);
        self.series = None;
        self.bytes = 0;
        if builder.rows() == 0 {
            return None;
        }
        let count = builder.batch().fields().len();
        let segment = builder.freeze();
        // So the columns are the positions too.
        debug_assert_eq!(segment.fields().len(), count, "every column has a value");
        Some(Points { segment, columns })
    }

    /// Adds points at hand, at least one.
    fn push(&mut self, points: &mut MergedPoints) {
        let series = self.series_of(points);
        if let Some(present) = &self.newest {
            let older = points.alone().map_or(0, |alone| alone.older(present));
            points.take(older);
        }
        self.columns.resize(points.fields().len(), None);
        let has_sparse = points.next_sources().any(|(slot, _)| {
            let (chunk, _) = points.chunk(slot);
            chunk.cells.has_sparse()
        });
        if !has_sparse && points.at_hand() < LONG {
            let row = self.builder.push_time(series, points.next_ns());
            self.bytes += self.weights.row_bytes;
            self.plan.add(row, points, self.weights.value_bytes);
            points.take(1);
            return;
        }
        self.settle(points);
        if points.next_sources().count() > 1 {
            points.look();
            self.put(series, points);
            points.take(1);
        } else if let Some(alone) = points.alone() {
            let taken = self.copy(series, points, &alone);
            points.take(taken);
        }
    }

    /// Copies the values that are planned.
    fn settle(&mut self, points: &MergedPoints) {
        if self.plan.is_empty() {
            return;
        }
        let Self {
            plan,
            columns,
            builder,
            ..
        } = self;
        for (place, column) in (0_u32..).zip(columns) {
            let column = |builder: &mut BatchBuilder| {
                *column.get_or_insert_with(|| {
                    let (name, field_type) = points.field(place as usize).certain(PLACE);
                    builder.field_column(name, field_type)
                })
            };
            let (values, text_bytes) = plan.copy(place, points, builder, column);
            self.bytes += values * self.weights.value_bytes + text_bytes;
        }
        self.plan.clear();
    }

    /// The series of the next point at hand.
    fn series_of(&mut self, points: &MergedPoints) -> u32 {
        if let Some(series) = self.series.filter(|_| !points.starts_series()) {
            return series;
        }
        let is_kept = |key: &str| {
            let tags = self.tags.as_ref();
            tags.is_none_or(|tags| tags.binary_search_by(|tag| (**tag).cmp(key)).is_ok())
        };
        let tags = points.tags().filter(|(key, _)| is_kept(key));
        let tags: Vec<(&str, &str)> = tags.collect();
        let free = self.weights.tag_bytes_free;
        let long = tags
            .iter()
            .map(|(_, value)| value.len().saturating_sub(free));
        self.bytes += long.sum::<usize>();
        let series = self.builder.series(&tags);
        *self.series.insert(series)
    }

    /// Copies as many points as fit. Returns their number.
    fn copy(&mut self, series: u32, points: &MergedPoints, alone: &Alone<'_>) -> usize {
        let picked = alone.rows.first(self.fitting(alone));
        let segment = &alone.chunk.segment;
        let fields = segment.fields();
        let first = self.builder.push_picked(series, segment, &picked);
        self.bytes += picked.len() * self.weights.row_bytes;
        for (place, position) in alone.map.dense.iter().copied() {
            let field = fields.get(position as usize).certain(POSITION);
            if self.has_column(place) || field.has_any(&picked) {
                let column = self.column(points, place);
                let value_bytes = self.weights.value_bytes;
                let added = self
                    .builder
                    .push_field(column, first, field, &picked, value_bytes);
                self.bytes += added;
            }
        }
        if alone.chunk.cells.has_sparse() {
            self.copy_sparse(points, alone, (first, &picked));
        }
        picked.len()
    }

    /// Copies the values that only the index of the chunk knows.
    fn copy_sparse(
        &mut self,
        points: &MergedPoints,
        alone: &Alone<'_>,
        (first, picked): (u32, &Picked<'_>),
    ) {
        for (row, own) in (first..).zip(picked.iter()) {
            for (place, value) in sparse_cells(alone, own as usize) {
                let column = self.column(points, place);
                self.builder.push_cell(column, row, value);
                self.bytes += self.bytes_of(value);
            }
        }
    }

    /// Puts a point together that is merged from several rows.
    fn put(&mut self, series: u32, points: &MergedPoints) {
        for place in points.places() {
            self.column(points, narrow::to_u32(place, PLACE));
        }
        let mut bytes = self.weights.row_bytes;
        let cells = points.values().map(|(place, value)| {
            bytes += self.bytes_of(value);
            let column = self.columns.get(place).copied().flatten();
            (column.certain(COLUMN), value)
        });
        let cells: Vec<_> = cells.collect();
        self.builder.push_row(series, points.next_ns(), &cells);
        self.bytes += bytes;
    }

    fn bytes_of(&self, value: FieldValue<'_>) -> usize {
        match value {
            FieldValue::String(text) => text.len(),
            _ => self.weights.value_bytes,
        }
    }

    /// The number of points that are taken: up to the one with which the batch is full.
    fn fitting(&self, alone: &Alone<'_>) -> usize {
        let rows_left = self.limits.rows_max.saturating_sub(self.builder.rows());
        let most = alone.rows.len().min(rows_left).max(1);
        let bytes_left = self.limits.bytes_max.saturating_sub(self.bytes);
        let Weights {
            row_bytes,
            value_bytes,
            ..
        } = self.weights;
        let has_sparse = value_bytes > 0 && alone.chunk.cells.has_sparse();
        let bytes_max = most * (row_bytes + alone.map.dense.len() * value_bytes);
        if bytes_max < bytes_left && alone.map.texts.is_empty() && !has_sparse {
            return most;
        }
        // The bytes of the first rows: they grow with each row.
        let bytes_of = |rows: usize| self.bytes_in(alone, &alone.rows.first(rows));
        if bytes_of(most) <= bytes_left {
            return most;
        }
        let (mut enough, mut too_few) = (most, 0);
        while enough - too_few > 1 {
            let middle = too_few.midpoint(enough);
            match bytes_of(middle) < bytes_left {
                true => too_few = middle,
                false => enough = middle,
            }
        }
        enough
    }

    fn bytes_in(&self, alone: &Alone<'_>, picked: &Picked<'_>) -> usize {
        let fields = alone.chunk.segment.fields();
        let dense = alone.map.dense.iter().map(|(_, position)| {
            let field: &SegmentField = fields.get(*position as usize).certain(POSITION);
            field.bytes_in(picked, self.weights.value_bytes)
        });
        let mut bytes = picked.len() * self.weights.row_bytes + dense.sum::<usize>();
        if alone.chunk.cells.has_sparse() {
            let cells = picked
                .iter()
                .flat_map(|row| sparse_cells(alone, row as usize));
            bytes += cells.map(|(_, value)| self.bytes_of(value)).sum::<usize>();
        }
        bytes
    }

    fn has_column(&self, place: u32) -> bool {
        let column = self.columns.get(place as usize);
        column.certain(PLACE).is_some()
    }

    /// The builder's column of a field that has a value now.
    fn column(&mut self, points: &MergedPoints, place: u32) -> u32 {
        let Self {
            columns, builder, ..
        } = self;
        let column = columns.get_mut(place as usize).certain(PLACE);
        *column.get_or_insert_with(|| {
            let (name, field_type) = points.field(place as usize).certain(PLACE);
            builder.field_column(name, field_type)
        })
    }
}

/// The values of a row that only the index of its chunk knows, each with the place of its field.
fn sparse_cells<'a>(
    alone: &'a Alone<'_>,
    row: usize,
) -> impl Iterator<Item = (u32, FieldValue<'a>)> {
    let fields = alone.chunk.segment.fields();
    let cells = alone.map.read(alone.chunk.cells.sparse(row));
    cells.map(move |(place, position)| {
        let field = fields.get(position as usize).certain(POSITION);
        let value = field.value(row);
        (
            place,
            value.certain("the index lists the values that exist"),
        )
    })
}
