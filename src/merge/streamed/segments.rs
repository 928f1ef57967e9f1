//! Merged rows as new segments, from which files are written.

use super::batch::{PointBatch, SegmentLimits, Weights};
use super::error::MergeError;
use super::kway::Merge;
use super::last_value::MergedPoints;
use crate::columnar::Segment;

/// The weights of rows that stay packed.
const PACKED: Weights = Weights {
    row_bytes: size_of::<i64>(),
    value_bytes: size_of::<i64>(),
    // That is not more than the numbers of a row.
    tag_bytes_free: 16,
};

/// An iterator of segments that hold the merged rows, in order, with the last written value of each
/// field and no two rows of equal series and time. It ends after an error.
///
/// A field that comes with several types has a column for each.
pub struct MergedSegments {
    points: MergedPoints,
    batch: PointBatch,
    is_done: bool,
}

impl MergedSegments {
    /// Segments of `measurement` with the rows of `merge`.
    pub fn new(measurement: &str, merge: Merge, limits: SegmentLimits) -> Self {
        let mut points = MergedPoints::of_all_fields();
        points.start(merge);
        Self {
            points,
            batch: PointBatch::new(measurement, limits, PACKED),
            is_done: false,
        }
    }
}

impl Iterator for MergedSegments {
    type Item = Result<Segment, MergeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let filled = self.batch.fill(&mut self.points);
        self.is_done = !matches!(filled, Ok(true));
        let segment = filled.map(|_| self.batch.finish().map(|points| points.segment));
        segment.transpose()
    }
}
