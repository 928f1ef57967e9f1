//! The series of a table over all its segments: the ids of a segment end with it, but a bucket has
//! a limit on distinct series.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

/// A set of series, each as 64 bits of a seeded hash. Two series of the same bits count as one:
/// at two million series the odds of a single such pair are below one in a million, and its
/// only effect is that one more series is accepted.
#[derive(Debug, Default)]
pub struct SeriesSet {
    hasher: DefaultHashBuilder,
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
        let hash = self.hash(tags);
        if self.hashes.find(hash, |known| *known == hash).is_none() {
            self.hashes.insert_unique(hash, hash, |known| *known);
        }
    }

    /// Returns true if the set has this series. `tags` are unescaped, ordered by key, distinct.
    pub fn contains(&self, tags: &[(&str, &str)]) -> bool {
        let hash = self.hash(tags.iter().copied());
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

    fn hash<'a>(&self, tags: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        tags.for_each(|tag| tag.hash(&mut hasher));
        hasher.finish()
    }
}
