//! Merged rows as new segments, for files to be written from.

use super::MergeError;
use super::newest::Points;
use super::ways::Merge;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldValue, Segment};

/// How large a segment of merged rows becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentLimits {
    /// Rows at most.
    pub rows_max: usize,
    /// Bytes of values from which on it is full, however few its rows are.
    pub bytes_max: usize,
}

/// Why a field has a place.
const PLACE: &str = "places are those of the fields known so far";

/// A tag's value up to this length takes no more than the numbers of its row.
const TAG_BYTES_SHORT: usize = 16;

/// An iterator of segments that hold the merged rows, in order, with the newest value of each
/// field and no two rows of equal series and time. After an error there is nothing more.
///
/// A field that comes with several types has a column of each.
pub struct MergedSegments {
    points: Points,
    measurement: Box<str>,
    limits: SegmentLimits,
    /// The builder's column of each field.
    columns: Vec<Option<u32>>,
    is_done: bool,
}

impl MergedSegments {
    /// Segments of `measurement` with the rows of `merge`.
    pub fn new(measurement: &str, merge: Merge, limits: SegmentLimits) -> Self {
        let mut points = Points::of_all_fields();
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

    /// Adds the point at hand; bytes of its values.
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
