//! The constraints that rows must meet besides the schemas: limits, memory, and the series that are
//! in memory already.

use crate::buffer::Buffer;
use crate::id::BucketId;
use crate::ingest::rules::Limits;
use crate::memory::Budget;

/// The constraints on the rows of one request.
#[derive(Clone, Copy)]
pub(in crate::ingest) struct Constraints<'a> {
    pub(in crate::ingest) limits: &'a Limits,
    pub(in crate::ingest) budget: &'a Budget,
    pub(in crate::ingest) series: &'a dyn SeriesInMemory,
    /// The number of rejected rows per table that are named at most.
    pub(in crate::ingest) reports_max: usize,
}

/// The series that are in memory; their number per bucket is limited.
pub(in crate::ingest) trait SeriesInMemory {
    /// The number of series that a bucket has.
    fn series_count(&self, bucket: BucketId) -> u64;

    /// Returns whether a bucket has this series. `tags` are unescaped, ordered by key, distinct.
    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool;
}

impl SeriesInMemory for Buffer {
    fn series_count(&self, bucket: BucketId) -> u64 {
        self.series_count(bucket)
    }

    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool {
        self.contains_series(bucket, measurement, tags)
    }
}
