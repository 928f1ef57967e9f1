//! The look-up of a line's series by its tags, fast both for lines that repeat each other and for
//! lines that do not.

use crate::ingest::keyed::{HasKey, Keyed};
use crate::line_protocol::Point;

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

/// Sorts the tags of a line by key. Lines mostly have the same keys in the same order, so the
/// permutation of the line before is tried first.
#[derive(Debug, Default)]
pub(super) struct SortedTags<'a> {
    tags: Vec<(&'a str, &'a str)>,
    /// The indexes of the line's tags, in the order of their keys.
    places: Vec<usize>,
}

impl<'a> SortedTags<'a> {
    /// Takes the tags of a line, none of them escaped. Returns true if their keys are those of the
    /// last line that was taken, in the same order.
    pub(super) fn take(&mut self, point: &Point<'a>) -> bool {
        if self.renew(point) {
            return true;
        }
        self.places.clear();
        self.places.reserve_exact(point.tags.len());
        self.places.extend(0..point.tags.len());
        self.places
            .sort_unstable_by_key(|place| point.tags.get(*place).map(|tag| tag.key.raw()));
        self.arrange(point);
        false
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.tags.capacity() * size_of::<(&str, &str)>()
            + self.places.capacity() * size_of::<usize>()
    }

    /// The keys of the line, in order.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.tags.iter().map(|(key, _)| *key)
    }

    /// The values of the line, in the order of their keys.
    pub(super) fn values(&self) -> impl Iterator<Item = &'a str> {
        self.tags.iter().map(|(_, value)| *value)
    }

    /// Puts the values of a line in the place of those of the line before. Returns false if its keys
    /// are others: then the tags are not those of the line.
    fn renew(&mut self, point: &Point<'a>) -> bool {
        let mut renewed = self.tags.iter_mut().zip(&self.places);
        self.places.len() == point.tags.len()
            && renewed.all(|((key, value), place)| {
                let Some(tag) = point.tags.get(*place) else {
                    return false;
                };
                *value = tag.value.raw();
                // The parser mostly hands out the very same text.
                std::ptr::eq(*key, tag.key.raw()) || *key == tag.key.raw()
            })
    }

    fn arrange(&mut self, point: &Point<'a>) {
        let tags = self
            .places
            .iter()
            .filter_map(|place| point.tags.get(*place));
        self.tags.clear();
        self.tags.reserve_exact(point.tags.len());
        self.tags
            .extend(tags.map(|tag| (tag.key.raw(), tag.value.raw())));
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownSeries, MISSES_MAX, SortedTags};
    use crate::line_protocol::{Parser, Point, Precision};

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

    #[test]
    fn tags_are_sorted_in_whatever_order_and_number_they_come() {
        let body = "m,b=1,a=2 v=1\nm,b=3,a=4 v=1\nm,a=5,b=6 v=1\nm v=1\nm,c=7,a=8,b=9 v=1\nm,c=1,a=2 v=1\nm,a=1 v=1";
        let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
        let (mut point, mut sorted, mut texts) =
            (Point::default(), SortedTags::default(), Vec::new());
        while let Some(parsed) = parser.next_point(&mut point) {
            parsed.expect("a good line");
            let is_again = sorted.take(&point);
            let tags = sorted.keys().zip(sorted.values());
            let tags: String = tags.map(|(key, value)| format!("{key}{value}")).collect();
            texts.push((tags, is_again));
        }
        let texts: Vec<(&str, bool)> = texts
            .iter()
            .map(|(tags, again)| (&**tags, *again))
            .collect();
        assert_eq!(
            texts,
            [
                ("a2b1", false),
                ("a4b3", true),
                ("a5b6", false),
                ("", false),
                ("a8b9c7", false),
                ("a2c1", false),
                ("a1", false)
            ]
        );
    }
}
