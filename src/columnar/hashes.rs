//! Hashes by which a series is recognised in any batch and any segment: its id ends with each of them.
//!
//! The hash of a series is made of the hashes of its tags. Most tags of a series are those of many
//! others, and are hashed once for all of them: of ten tags of a machine, nine say where it stands.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use hashbrown::DefaultHashBuilder;

use super::batch::{Batch, TagColumn};
use super::segment::Segment;
use super::series::SeriesTable;
use crate::certain::Certain;
use crate::narrow;

/// The number of values of a tag whose hashes are kept: those that came first, which are all of a tag
/// that has few.
const KEPT: usize = 128;

/// With fewer series nothing is kept: it would take more time than it saves. Most small writes bring no
/// series at all, into a table that may have a thousand tags.
const FEW: usize = 8;

/// The reason why tags and values are found.
const KNOWN: &str = "ids of series, tags and values are those of their batch";

/// Hashes series with a seed of its own: hashes of two of these have nothing in common.
#[derive(Clone, Debug, Default)]
pub struct SeriesHasher {
    builder: DefaultHashBuilder,
}

impl SeriesHasher {
    /// The hash of a series. `tags` are unescaped, ordered by key, distinct.
    pub fn hash<'a>(&self, tags: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
        let of_tag = |(key, value)| self.of_tag(self.builder.hash_one::<&str>(key), value);
        self.of_tags(tags.map(of_tag))
    }

    /// The hashes of some series of a batch or a segment, in the order of their ids.
    fn hash_each(
        &self,
        tags: &[TagColumn],
        table: &SeriesTable,
        series: Range<u32>,
    ) -> impl Iterator<Item = u64> {
        let kept = match series.len() < FEW {
            true => 0,
            false => tags.len(),
        };
        let mut hashes: Vec<Option<TagHashes<'_>>> = Vec::new();
        hashes.resize_with(kept, || None);
        series.map(move |series| {
            let (shape, values) = table.get(series).certain(KNOWN);
            let values = table.shape(shape).iter().zip(values);
            self.of_tags(values.map(|(column, value)| {
                let tag = tags.get(*column as usize).certain(KNOWN);
                match hashes.get_mut(*column as usize) {
                    Some(hashes) => hashes
                        .get_or_insert_with(|| TagHashes::new(self, tag))
                        .of_value(self, *value),
                    None => self.of_tag(self.of_key(tag), text_of(tag, *value)),
                }
            }))
        })
    }

    fn of_key(&self, tag: &TagColumn) -> u64 {
        self.builder.hash_one::<&str>(&tag.key)
    }

    fn of_tags(&self, tags: impl Iterator<Item = u64>) -> u64 {
        let mut hasher = self.builder.build_hasher();
        tags.for_each(|tag| hasher.write_u64(tag));
        hasher.finish()
    }

    fn of_tag(&self, key: u64, value: &str) -> u64 {
        self.builder.hash_one((key, value))
    }
}

impl Batch {
    /// The hashes of some series, in the order of their ids.
    pub fn series_hashes(
        &self,
        hasher: &SeriesHasher,
        series: Range<u32>,
    ) -> impl Iterator<Item = u64> {
        hasher.hash_each(&self.tags, &self.series, series)
    }
}

impl Segment {
    /// The hashes of some series, in the order of their ids.
    pub fn series_hashes(
        &self,
        hasher: &SeriesHasher,
        series: Range<u32>,
    ) -> impl Iterator<Item = u64> {
        hasher.hash_each(&self.tags, &self.series, series)
    }
}

/// The hashes of one tag.
struct TagHashes<'a> {
    tag: &'a TagColumn,
    key: u64,
    /// By the id of the value; nothing that was not asked for yet.
    kept: Vec<Option<u64>>,
}

impl<'a> TagHashes<'a> {
    fn new(hasher: &SeriesHasher, tag: &'a TagColumn) -> Self {
        Self {
            tag,
            key: hasher.of_key(tag),
            kept: vec![None; KEPT.min(tag.values.len())],
        }
    }

    fn of_value(&mut self, hasher: &SeriesHasher, value: u32) -> u64 {
        let hash = || hasher.of_tag(self.key, text_of(self.tag, value));
        match self.kept.get_mut(narrow::to_usize(u64::from(value))) {
            Some(kept) => *kept.get_or_insert_with(hash),
            None => hash(),
        }
    }
}

fn text_of(tag: &TagColumn, value: u32) -> &str {
    tag.values.get(value).certain(KNOWN)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::SeriesHasher;
    use crate::columnar::{Batch, BatchBuilder};

    /// A hundred hosts more than hashes are kept, with and without a tag that they share.
    fn batch(first: usize) -> Batch {
        let mut builder = BatchBuilder::new("cpu");
        for host in first..first + 230 {
            let host = format!("host{host}");
            builder.series(&[("host", &*host), ("region", "eu")]);
            builder.series(&[("host", &*host)]);
            builder.series(&[("region", "eu"), ("zone", &*host)]);
        }
        builder.series(&[]);
        builder.batch().clone()
    }

    #[test]
    fn a_series_has_one_hash_wherever_it_is_and_shares_it_with_no_other() {
        let hasher = SeriesHasher::default();
        let (here, there) = (batch(0), batch(100).freeze());
        let expected: Vec<u64> = (0..691)
            .map(|series| hasher.hash(here.series_tags(series)))
            .collect();
        let distinct: HashSet<&u64> = expected.iter().collect();
        assert_eq!(distinct.len(), 691);
        assert!(
            here.series_hashes(&hasher, 0..691)
                .eq(expected.iter().copied())
        );
        // Few are hashed one by one.
        let few = here.series_hashes(&hasher, 300..305);
        assert!(few.eq(expected.iter().copied().skip(300).take(5)));
        assert_eq!(here.series_hashes(&hasher, 9..9).count(), 0);
        let shared = there.series_hashes(&hasher, 0..390);
        assert!(shared.eq(expected.iter().copied().skip(300).take(390)));
        let other = SeriesHasher::default();
        assert_ne!(
            other.hash(here.series_tags(0)),
            hasher.hash(here.series_tags(0))
        );
    }

    #[test]
    fn what_is_a_key_here_and_a_value_there_makes_another_hash() {
        let hasher = SeriesHasher::default();
        let sets: [&[(&str, &str)]; 6] = [
            &[],
            &[("a", "b")],
            &[("b", "a")],
            &[("ab", "")],
            &[("a", "b"), ("b", "a")],
            &[("a", "bb"), ("b", "a")],
        ];
        let hashes = sets.map(|tags| hasher.hash(tags.iter().copied()));
        assert_eq!(hashes.into_iter().collect::<HashSet<_>>().len(), sets.len());
    }
}
