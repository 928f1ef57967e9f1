//! How much is stored of a time range, without reading it: buffered rows are counted one by one, those
//! in files as the table's log tells of each file.

use super::ReadError;
use super::sources::{DataFile, Sources};
use crate::id::{BucketId, Sequence, TableId};
use crate::merge::TimeRange;

/// What is stored in a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// At most so many rows; nothing if a file does not tell. A file that has some rows in the range
    /// counts with all of them, and a point that was written twice may count twice.
    pub rows_max: Option<u64>,
    /// No row in the range is older, nanoseconds since the epoch; nothing if there is none.
    pub first_ns: Option<i64>,
    /// No row in the range is newer.
    pub last_ns: Option<i64>,
}

impl Extent {
    /// What is stored of a bucket in a range. Blocks: not for threads that serve others.
    ///
    /// # Errors
    /// The buffer cannot be looked at for lack of memory, or the lake not at all.
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
        let Sources {
            buffer,
            lake,
            budget,
        } = sources;
        // In this order: see `sources`.
        let snapshot = buffer.snapshot(table, budget)?;
        let files = match lake {
            Some(lake) => lake.table(table)?,
            None => None,
        };
        let flushed = files.as_ref().map_or(Sequence(0), |files| files.flushed);
        for file in files.iter().flat_map(|files| files.days.values().flatten()) {
            self.add_file(file.as_ref(), range);
        }
        let segments = snapshot.map(|snapshot| snapshot.after(flushed));
        for segment in segments.unwrap_or_default() {
            let times = segment.times().iter();
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

    /// Adds so many rows between two times.
    fn add(&mut self, rows: Option<u64>, first_ns: i64, last_ns: i64) {
        let earlier = |known: i64| known.min(first_ns);
        let later = |known: i64| known.max(last_ns);
        let known = self.rows_max.zip(rows);
        self.rows_max = known.map(|(known, more)| known.saturating_add(more));
        self.first_ns = Some(self.first_ns.map_or(first_ns, earlier));
        self.last_ns = Some(self.last_ns.map_or(last_ns, later));
    }
}
