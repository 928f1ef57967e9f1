//! Merged rows as new segments, from which files are written.

use super::error::MergeError;
use super::kway::Merge;
use super::last_value::MergedPoints;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldValue, Segment};

/// The limits on the size of a segment of merged rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentLimits {
    /// The maximum number of rows.
    pub rows_max: usize,
    /// The bytes of values at which a segment is full, however few rows it has.
    pub bytes_max: usize,
}

/// The reason why a field has a place.
const PLACE: &str = "places are those of the fields known so far";

/// The length up to which a tag's value takes no more than the numbers of its row, in bytes.
const TAG_BYTES_SHORT: usize = 16;

/// An iterator of segments that hold the merged rows, in order, with the last written value of each
/// field and no two rows of equal series and time. It ends after an error.
///
/// A field that comes with several types has a column for each.
pub struct MergedSegments {
    points: MergedPoints,
    measurement: Box<str>,
    limits: SegmentLimits,
    /// The builder's column of each field.
    columns: Vec<Option<u32>>,
    is_done: bool,
}

impl MergedSegments {
    /// Segments of `measurement` with the rows of `merge`.
    pub fn new(measurement: &str, merge: Merge, limits: SegmentLimits) -> Self {
        let mut points = MergedPoints::of_all_fields();
        points.start(merge);
        Self {
            points,
            measurement: measurement.into(),
            limits,
            columns: Vec::new(),
            is_done: false,
        }
    }

    fn build(&mut self) -> Result<Option<Segment>, MergeError> {
        let mut builder = BatchBuilder::new(&self.measurement);
        self.columns.fill(None);
        let mut series = None;
        let mut bytes = 0;
        while builder.rows() < self.limits.rows_max.max(1) && bytes < self.limits.bytes_max.max(1) {
            if !self.points.advance()? {
                self.is_done = true;
                break;
            }
            let known = series.filter(|_| !self.points.is_new_series());
            let id = known.unwrap_or_else(|| {
                let tags: Vec<(&str, &str)> = self.points.tags().collect();
                let long = tags.iter();
                let long = long.map(|(_, value)| value.len().saturating_sub(TAG_BYTES_SHORT));
                bytes += long.sum::<usize>();
                builder.series(&tags)
            });
            series = Some(id);
            bytes += self.push(&mut builder, id);
        }
        Ok((builder.rows() > 0).then(|| builder.freeze()))
    }

    /// Adds the current point. Returns the bytes of its values.
    fn push(&mut self, builder: &mut BatchBuilder, series: u32) -> usize {
        let Self {
            points, columns, ..
        } = self;
        columns.resize(points.fields().len(), None);
        for place in points.places() {
            let column = columns.get_mut(place).certain(PLACE);
            column.get_or_insert_with(|| {
                let (name, field_type) = points.field(place).certain(PLACE);
                builder.field_column(name, field_type)
            });
        }
        let mut bytes = size_of::<i64>();
        let cells = points.values().map(|(place, value)| {
            bytes += match value {
                FieldValue::String(text) => text.len(),
                _ => size_of::<i64>(),
            };
            let column = columns.get(place).copied().flatten();
            (column.certain("each place was given a column above"), value)
        });
        builder.push_values(series, points.time_ns(), cells);
        bytes
    }
}

impl Iterator for MergedSegments {
    type Item = Result<Segment, MergeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let built = self.build();
        self.is_done |= built.is_err();
        built.transpose()
    }
}
