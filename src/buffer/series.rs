//! The series of a table over all its segments: the ids of a segment end with it, but a bucket has
//! a limit on distinct series.

use std::ops::Range;

use hashbrown::HashTable;

use crate::columnar::{Batch, Segment, SeriesHasher};
use crate::narrow;

/// A set of series, each as 64 bits of a seeded hash. Two series of the same bits count as one:
/// at two million series the odds of a single such pair are below one in a million, and its
/// only effect is that one more series is accepted.
#[derive(Debug, Default)]
pub struct SeriesSet {
    hasher: SeriesHasher,
    hashes: HashTable<u64>,
}

impl SeriesSet {
    /// Returns the number of series.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Adds a series. `tags` are unescaped, ordered by key, distinct.
    pub fn insert<'a>(&mut self, tags: impl Iterator<Item = (&'a str, &'a str)>) {
        self.add(self.hasher.hash(tags));
    }

    /// Adds series of a batch.
    pub fn insert_of(&mut self, batch: &Batch, series: Range<u32>) {
        let hasher = self.hasher.clone();
        let hashes = batch.series_hashes(&hasher, series);
        hashes.for_each(|hash| self.add(hash));
    }

    /// Adds the series of a segment.
    pub(super) fn insert_all(&mut self, segment: &Segment) {
        let hasher = self.hasher.clone();
        let all = 0..narrow::id(segment.series_count());
        let hashes = segment.series_hashes(&hasher, all);
        hashes.for_each(|hash| self.add(hash));
    }

    fn add(&mut self, hash: u64) {
        if self.hashes.find(hash, |known| *known == hash).is_none() {
            self.hashes.insert_unique(hash, hash, |known| *known);
        }
    }

    /// Returns true if the set has this series. `tags` are unescaped, ordered by key, distinct.
    pub fn contains(&self, tags: &[(&str, &str)]) -> bool {
        let hash = self.hasher.hash(tags.iter().copied());
        self.hashes.find(hash, |known| *known == hash).is_some()
    }

    pub(super) fn heap_bytes(&self) -> u64 {
        self.hashes.allocation_size() as u64
    }

    /// The most bytes that a set of `count` series can have grown to: nine bytes per bucket, at
    /// most 16/7 buckets per entry or four in all, and a group of control bytes with its padding.
    pub(super) fn bytes_max(count: usize) -> u64 {
        if count == 0 {
            0
        } else {
            21 * count as u64 + 4 * 9 + 32
        }
    }
}
