//! The amount stored in a time range, without reading it: buffered rows are counted one by one,
//! those in files by what the table's log says about each file.

use super::error::ReadError;
use super::sources::{DataFile, Sources};
use crate::id::{BucketId, TableId};
use crate::merge::TimeRange;

/// The amount stored in a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// An upper bound for the number of rows; absent if the rows of a file are not known. A file
    /// that has some rows in the range counts with all of them, and a point that was written twice
    /// may count twice.
    pub rows_max: Option<u64>,
    /// A lower bound for the times of the rows, nanoseconds since the epoch; absent if there are
    /// none.
    pub first_ns: Option<i64>,
    /// An upper bound for the times of the rows.
    pub last_ns: Option<i64>,
}

impl Extent {
    /// The amount that is stored of a bucket in a range. Blocks: never call it on a thread that
    /// serves connections.
    ///
    /// # Errors
    /// Memory is too short for a snapshot of the buffer, or the lake cannot be read.
    pub fn of(sources: &Sources, bucket: BucketId, range: TimeRange) -> Result<Self, ReadError> {
        let mut extent = Self {
            rows_max: Some(0),
            first_ns: None,
            last_ns: None,
        };
        if range.end_ns.is_some_and(|end_ns| end_ns <= range.start_ns) {
            return Ok(extent);
        }
        for measurement in sources.measurements(bucket)? {
            extent.add_table(sources, &TableId::new(bucket, measurement), range)?;
        }
        Ok(extent)
    }

    fn add_table(
        &mut self,
        sources: &Sources,
        table: &TableId,
        range: TimeRange,
    ) -> Result<(), ReadError> {
        let places = sources.look(table)?;
        let files = places.files.iter();
        for file in files.flat_map(|files| files.days.values().flatten()) {
            self.add_file(file.as_ref(), range);
        }
        for sealed in places.buffered() {
            let times = sealed.segment.times().iter();
            for time_ns in times.filter(|time_ns| range.contains(**time_ns)) {
                self.add(Some(1), *time_ns, *time_ns);
            }
        }
        Ok(())
    }

    fn add_file(&mut self, file: &dyn DataFile, range: TimeRange) {
        let (min_ns, max_ns) = file.times();
        let end_ns = range.end_ns.unwrap_or(i64::MAX);
        if file.meets(range) {
            let last_ns = max_ns.min(end_ns.saturating_sub(1));
            self.add(file.rows(), min_ns.max(range.start_ns), last_ns);
        }
    }

    /// Adds this many rows between two times.
    fn add(&mut self, rows: Option<u64>, first_ns: i64, last_ns: i64) {
        let earlier = |known: i64| known.min(first_ns);
        let later = |known: i64| known.max(last_ns);
        let known = self.rows_max.zip(rows);
        self.rows_max = known.map(|(known, more)| known.saturating_add(more));
        self.first_ns = Some(self.first_ns.map_or(first_ns, earlier));
        self.last_ns = Some(self.last_ns.map_or(last_ns, later));
    }
}
