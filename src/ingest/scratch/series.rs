//! The look-up of a line's series by the text of its tags.

use crate::ingest::keyed::{HasKey, Keyed};

/// The destination of a series' rows: the table, and the series' id in it.
pub(super) type Place = (usize, u32);

/// The number of consecutive lines with unknown series after which most further ones are not
/// remembered: a body in which every series is new would fill a large table for nothing.
const MISSES_MAX: u32 = 512;

/// One in this many of them is still remembered, and one in this many is still looked up: once one
/// is found, all are again. Which ones a generator says, so that no regular order of lines misses them
/// all. Whoever computes an irregular one has each of its lines parsed like the first.
const SAMPLED: u64 = 8;

/// The series of lines by their raw text. It may forget, because the text is only a shortcut to the
/// tags.
#[derive(Debug, Default)]
pub(super) struct KnownSeries<'a> {
    known: Keyed<Known<'a>>,
    /// The series of the line before, if any is known.
    last: usize,
    misses: u32,
    random: u64,
}

#[derive(Debug)]
struct Known<'a> {
    key: &'a [u8],
    place: Place,
    /// The series that came next the last time: clients send theirs in the same order again and
    /// again, and comparing one text takes less time than hashing it.
    next: usize,
}

impl HasKey for Known<'_> {
    type Key = [u8];

    fn key(&self) -> &[u8] {
        self.key
    }
}

impl<'a> KnownSeries<'a> {
    pub(super) fn find(&mut self, key: &[u8]) -> Option<Place> {
        let index = match self.expected(key) {
            None if self.is_picked() => self.known.find(key),
            expected => expected,
        };
        let Some(index) = index else {
            self.misses = self.misses.saturating_add(1);
            return None;
        };
        self.misses = 0;
        self.follow(index);
        self.known.get(index).map(|known| known.place)
    }

    /// Remembers a series that was not found.
    pub(super) fn add(&mut self, key: &'a [u8], place: Place) {
        if self.is_picked() {
            let index = self.known.push(Known {
                key,
                place,
                next: 0,
            });
            self.follow(index);
        }
    }

    /// Returns true if a series is worth a hash.
    #[inline]
    fn is_picked(&mut self) -> bool {
        if self.misses <= MISSES_MAX {
            return true;
        }
        // A linear congruential generator, by its high bits (Knuth's MMIX).
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 32).is_multiple_of(SAMPLED)
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.known.heap_bytes()
    }

    fn expected(&self, key: &[u8]) -> Option<usize> {
        let next = self.known.get(self.last)?.next;
        (self.known.get(next)?.key == key).then_some(next)
    }

    /// Notes that series `index` comes after the last one.
    fn follow(&mut self, index: usize) {
        if let Some(last) = self.known.get_mut(self.last) {
            last.next = index;
        }
        self.last = index;
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownSeries, MISSES_MAX};

    #[test]
    fn series_that_come_again_are_known_even_after_many_that_did_not() {
        let keys: Vec<String> = (0..3 * MISSES_MAX).map(|key| key.to_string()).collect();
        let mut known = KnownSeries::default();
        let mut found = Vec::new();
        for _ in 0..10 {
            let mut hits = 0;
            for (series, key) in (0..).zip(&keys) {
                match known.find(key.as_bytes()) {
                    Some(place) => {
                        assert_eq!(place, (7, series));
                        hits += 1;
                    }
                    None => known.add(key.as_bytes(), (7, series)),
                }
            }
            found.push(hits);
        }
        assert_eq!(found.first(), Some(&0));
        assert_eq!(found.last(), Some(&keys.len()), "{found:?}");
    }

    #[test]
    fn few_of_many_new_series_are_remembered() {
        let keys: Vec<String> = (0..100 * MISSES_MAX).map(|key| key.to_string()).collect();
        let mut known = KnownSeries::default();
        for key in &keys {
            assert_eq!(known.find(key.as_bytes()), None);
            known.add(key.as_bytes(), (0, 0));
        }
        assert!(known.known.len() < keys.len() / 7);
    }
}
