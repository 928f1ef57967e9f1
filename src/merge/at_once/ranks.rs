//! Ranks of series: integers in the order of their tag sets.
//!
//! Tag sets are compared tag by tag ([`compare_tags`]), and there may be millions of them. So every
//! value first gets its rank among the values of its tag, and the ranks of a set are packed into one
//! integer, in the order of the keys:
//!
//! ```text
//! arch=x64, host=h7            10 | 0000111 | 00        an absent tag comes before all values: 0
//! arch=x86, host=h2, rack=4    11 | 0000010 | 01
//! ```
//!
//! The integers of most tables' sets say all. Where they hold only the first tags, equal ones are told
//! apart by comparing the sets.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::certain::Certain;
use crate::columnar::Segment;
use crate::merge::order::compare_tags;
use crate::narrow;

/// The reason why numbers fit, and why indexes are valid.
const SERIES: &str = "segments have fewer series and values than bytes, and these fit into memory";
const KNOWN: &str = "segments, columns, values, series and ranks are those that were counted";

/// The rank of every series of every segment: equal tag sets have equal ranks, and ranks ascend
/// with the tag sets.
#[derive(Debug)]
pub(super) struct Ranks {
    /// By segment, then by series id.
    ranks: Vec<Vec<u32>>,
    /// One source (segment, series) per rank.
    sources: Vec<Source>,
}

/// A segment, and a series of it.
type Source = (u32, u32);

/// A series, and the ranks of its first tags.
#[derive(Clone, Copy)]
struct Packed {
    tags: u128,
    source: Source,
}

/// The ranks of the values of a tag column by their ids, and their place in [`Packed::tags`].
struct Digit {
    ranks: Vec<u32>,
    shift: u32,
}

/// A value of a tag.
struct Value<'a> {
    /// What comes after the beginning that all values share, as far as it fits.
    start: u64,
    text: &'a str,
    /// Which of the columns it is of, and its id there.
    column: u32,
    id: u32,
}

impl Ranks {
    /// Ranks the series of these segments.
    pub(super) fn new(segments: &[Arc<Segment>]) -> Self {
        let (mut all, are_whole) = pack(segments);
        let compare = |a: &Packed, b: &Packed| match a.tags.cmp(&b.tags) {
            Ordering::Equal if !are_whole => compare(segments, a.source, b.source),
            order => order,
        };
        all.sort_unstable_by(compare);
        let empty = |segment: &Arc<Segment>| vec![0; segment.series_count()];
        let mut ranks: Vec<Vec<u32>> = segments.iter().map(empty).collect();
        let mut sources: Vec<Source> = Vec::new();
        for sets in all.chunk_by(|a, b| compare(a, b).is_eq()) {
            let rank = narrow::to_u32(sources.len(), SERIES);
            for Packed { source, .. } in sets {
                let of_segment = ranks.get_mut(source.0 as usize).certain(KNOWN);
                *of_segment.get_mut(source.1 as usize).certain(KNOWN) = rank;
            }
            sources.extend(sets.first().map(|first| first.source));
        }
        Self { ranks, sources }
    }

    /// The rank of each series of a segment.
    pub(super) fn of_segment(&self, segment: usize) -> &[u32] {
        self.ranks.get(segment).certain(KNOWN)
    }

    /// A segment with a series of this rank, and that series' id in it.
    pub(super) fn source(&self, rank: u32) -> (usize, u32) {
        let (segment, series) = *self.sources.get(rank as usize).certain(KNOWN);
        (segment as usize, series)
    }
}

/// Packs the tags of every series. Returns false with them if they did not all fit.
fn pack(segments: &[Arc<Segment>]) -> (Vec<Packed>, bool) {
    let (digits, are_whole) = digits(segments);
    let series = segments.iter().map(|segment| segment.series_count()).sum();
    let mut all = Vec::with_capacity(series);
    for ((index, segment), digits) in (0..).zip(segments).zip(&digits) {
        for series in 0..narrow::to_u32(segment.series_count(), SERIES) {
            let mut tags = 0;
            for (column, value) in segment.series_ids(series) {
                let digit = digits.get(column as usize).certain(KNOWN);
                if let Some(Digit { ranks, shift }) = digit {
                    let rank = *ranks.get(value as usize).certain(KNOWN);
                    tags |= u128::from(rank) << shift;
                }
            }
            let source = (index, series);
            all.push(Packed { tags, source });
        }
    }
    (all, are_whole)
}

/// The digits of every segment's tag columns, nothing for those that do not fit; and whether all do.
fn digits(segments: &[Arc<Segment>]) -> (Vec<Vec<Option<Digit>>>, bool) {
    let mut keys: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (index, segment) in segments.iter().enumerate() {
        for (column, key) in segment.tag_keys().enumerate() {
            keys.entry(key).or_default().push((index, column));
        }
    }
    let none = |segment: &Arc<Segment>| segment.tag_keys().map(|_| None).collect();
    let mut digits: Vec<Vec<Option<Digit>>> = segments.iter().map(none).collect();
    let mut shift = u128::BITS;
    for columns in keys.values() {
        let (ranks, highest) = rank_values(segments, columns);
        let width = u32::BITS - highest.leading_zeros();
        if width > shift {
            return (digits, false);
        }
        shift -= width;
        for ((segment, column), ranks) in columns.iter().zip(ranks) {
            let of_segment = digits.get_mut(*segment).certain(KNOWN);
            *of_segment.get_mut(*column).certain(KNOWN) = Some(Digit { ranks, shift });
        }
    }
    (digits, true)
}

/// The ranks, from 1 on, of the values of the columns of a tag, and the highest one.
fn rank_values(segments: &[Arc<Segment>], columns: &[(usize, usize)]) -> (Vec<Vec<u32>>, u32) {
    let mut values = Vec::new();
    let mut ranks = Vec::with_capacity(columns.len());
    for (place, (segment, column)) in (0..).zip(columns) {
        let segment = segments.get(*segment).certain(KNOWN);
        let texts = segment.tag_values(*column);
        ranks.push(vec![0; texts.len()]);
        values.extend((0..).zip(texts).map(|(id, text)| Value {
            start: 0,
            text,
            column: place,
            id,
        }));
    }
    let shared = shared_bytes(&values);
    for value in &mut values {
        value.start = eight_bytes(value.text, shared);
    }
    values.sort_unstable_by(|a, b| a.start.cmp(&b.start).then_with(|| a.text.cmp(b.text)));
    let mut highest = 0;
    for equal in values.chunk_by(|a, b| a.text == b.text) {
        highest += 1;
        for value in equal {
            let of_column = ranks.get_mut(value.column as usize).certain(KNOWN);
            *of_column.get_mut(value.id as usize).certain(KNOWN) = highest;
        }
    }
    (ranks, highest)
}

/// The number of bytes with which all values begin.
fn shared_bytes(values: &[Value<'_>]) -> usize {
    let Some((first, others)) = values.split_first() else {
        return 0;
    };
    others.iter().fold(first.text.len(), |shared, value| {
        let pairs = first.text.bytes().zip(value.text.bytes()).take(shared);
        pairs.take_while(|(a, b)| a == b).count()
    })
}

/// Eight bytes of a text from a place on, which compare as the text does from there on, or are equal.
fn eight_bytes(text: &str, from: usize) -> u64 {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_be_bytes(*eight),
        None => {
            let bytes = rest.iter().chain(std::iter::repeat(&0)).take(8);
            bytes.fold(0, |all, byte| all << 8 | u64::from(*byte))
        }
    }
}

fn compare(segments: &[Arc<Segment>], a: Source, b: Source) -> Ordering {
    let left = segments.get(a.0 as usize).certain(KNOWN);
    let right = segments.get(b.0 as usize).certain(KNOWN);
    compare_tags(left.series_tags(a.1), right.series_tags(b.1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Ranks, compare, digits};
    use crate::columnar::{BatchBuilder, Segment};
    use crate::storage::fault::SplitMix;

    /// Segments of random tag sets: each of `keys` keys may be absent, and has one of the values that
    /// `value` makes out of a number.
    fn segments(seed: u64, keys: usize, value: impl Fn(usize) -> String) -> Vec<Arc<Segment>> {
        let mut random = SplitMix::new(seed);
        let mut segment = || {
            let mut builder = BatchBuilder::new("m");
            for _ in 0..1 + random.below(120) {
                let present = (0..keys).filter(|_| random.below(3) > 0);
                let present: Vec<usize> = present.collect();
                let tags = present.into_iter().map(|key| {
                    let bits = random.below(7);
                    let number = random.below(1 << bits);
                    (format!("k{key:03}"), value(number))
                });
                let tags: Vec<(String, String)> = tags.collect();
                let tags: Vec<(&str, &str)> =
                    tags.iter().map(|(key, value)| (&**key, &**value)).collect();
                builder.series(&tags);
            }
            Arc::new(builder.batch().clone().freeze())
        };
        (0..5).map(|_| segment()).collect()
    }

    fn check(segments: &[Arc<Segment>]) {
        let ranks = Ranks::new(segments);
        let mut all = Vec::new();
        for (index, segment) in (0..).zip(segments) {
            all.extend(
                (0..)
                    .take(segment.series_count())
                    .map(|series| (index, series)),
            );
        }
        let rank =
            |(segment, series): (u32, u32)| ranks.of_segment(segment as usize)[series as usize];
        for a in &all {
            let (segment, series) = ranks.source(rank(*a));
            let source = (u32::try_from(segment).expect("few"), series);
            assert!(compare(segments, *a, source).is_eq());
            for b in &all {
                assert_eq!(rank(*a).cmp(&rank(*b)), compare(segments, *a, *b));
            }
        }
        let highest = all.iter().map(|source| rank(*source)).max();
        let count = highest.map_or(0, |rank| rank as usize + 1);
        assert_eq!(count, ranks.sources.len(), "none is left out");
    }

    #[test]
    fn ranks_are_in_the_order_of_tag_sets() {
        for seed in 0..30 {
            let few = segments(seed, 4, |number| format!("host_{number}"));
            assert!(digits(&few).1, "they fit");
            check(&few);
            let many = segments(seed, 60, |number| format!("v{number}"));
            assert!(!digits(&many).1, "they do not fit");
            check(&many);
        }
    }

    /// Texts of which one begins another, with zeros, and with more shared bytes than are looked at.
    #[test]
    fn values_are_ranked_as_texts_compare() {
        for seed in 0..30 {
            check(&segments(seed, 2, |number| match number % 4 {
                0 => "a".repeat(1 + number % 20),
                1 => format!("aaaaaaaaa{number}"),
                2 => format!("aaaaaaaa\0{}", number % 8),
                _ => format!("é{number}"),
            }));
            check(&segments(seed, 2, |number| "\0".repeat(1 + number % 12)));
        }
        check(&[]);
        check(&segments(1, 0, |_| String::new()));
    }

    /// A bit each: 128 tags fill the integer, one more is compared.
    #[test]
    fn tags_may_fill_all_bits() {
        for (tags, fit) in [(128, true), (129, false)] {
            let keys: Vec<String> = (0..tags).map(|key| format!("k{key:03}")).collect();
            let mut random = SplitMix::new(tags);
            let mut builder = BatchBuilder::new("m");
            for _ in 0..60 {
                let some = keys.iter().filter(|_| random.below(2) > 0);
                let some: Vec<(&str, &str)> = some.map(|key| (&**key, "v")).collect();
                builder.series(&some);
            }
            let all: Vec<(&str, &str)> = keys.iter().map(|key| (&**key, "v")).collect();
            builder.series(&all);
            let segments = [Arc::new(builder.freeze())];
            assert_eq!(digits(&segments).1, fit);
            check(&segments);
        }
    }
}
