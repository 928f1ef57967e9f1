//! The series of lines by their tags, for lines whose text is new: most of their tags are not.
//!
//! The keys of a line are mostly those of the line before, in the same order, and so have its columns. Most
//! tags have few values: a value is first compared with one of the same tag that was met lately, where its
//! text lies in the body. A series with a value that is new is new, too, and looked for nowhere.

use crate::certain::Certain;
use crate::columnar::{BatchBuilder, are_equal, spread};
use crate::line_protocol::{Point, Tag};

/// The number of values of a tag that are remembered: two may want the same place.
const RECENT: usize = 64;

/// The number of series of a table from which on values are remembered: the memory of a tag takes more time
/// to make than the look-up of a few values.
const SERIES_MIN: usize = 8;

/// The number of tags of a table whose values are remembered, and the bytes for each.
const REMEMBERED_MAX: usize = 64;
const REMEMBERED_BYTES: usize = RECENT * size_of::<Recent<'_>>();

/// A value of a tag that was met lately, and its id. No value is empty.
#[derive(Clone, Copy, Debug, Default)]
struct Recent<'a> {
    text: &'a str,
    id: u32,
}

/// The tags of the last line that was taken, and what is remembered of all.
#[derive(Debug, Default)]
pub(super) struct KnownTags<'a> {
    /// The keys, sorted, none of them escaped.
    keys: Vec<&'a str>,
    /// The place of each among the tags of the line.
    places: Vec<usize>,
    /// The column of each, and the shape that they make.
    columns: Vec<u32>,
    shape: Option<u32>,
    /// The values of each column of the table, if there are enough series.
    recent: Vec<[Recent<'a>; RECENT]>,
    /// The ids of the values of the current line.
    values: Vec<u32>,
}

impl<'a> KnownTags<'a> {
    /// Returns true if the keys of a line are those of the last line that was taken, in the order in which
    /// they were written, and nothing of its tags is escaped.
    #[inline]
    pub(super) fn has_keys_of(&self, point: &Point<'a>) -> bool {
        let mut tags = self.places.iter().zip(&self.keys);
        self.shape.is_some()
            && self.places.len() == point.tags.len()
            && tags.all(|(place, key)| {
                let tag = point.tags.get(*place);
                tag.is_some_and(|tag| {
                    // The parser mostly hands out the very same text.
                    let raw = tag.key.raw();
                    !tag.value.is_escaped() && (std::ptr::eq(raw, *key) || raw == *key)
                })
            })
    }

    /// The series of a line, made if it is new. `is_again` is what [`KnownTags::has_keys_of`] says of it.
    pub(super) fn series(
        &mut self,
        builder: &mut BatchBuilder,
        point: &Point<'a>,
        is_again: bool,
    ) -> u32 {
        match self.shape {
            Some(shape) if is_again => self.series_of_shape(builder, point, shape),
            _ if point.tags.iter().any(is_escaped) => series_of_escaped(builder, point),
            _ => {
                let shape = self.take_keys(builder, point);
                self.series_of_shape(builder, point, shape)
            }
        }
    }

    /// Takes the keys of a line, none of them escaped, and returns their shape.
    fn take_keys(&mut self, builder: &mut BatchBuilder, point: &Point<'a>) -> u32 {
        let count = point.tags.len();
        let Self {
            keys,
            places,
            columns,
            ..
        } = self;
        let key_at = |place: &usize| point.tags.get(*place).map(|tag| tag.key.raw());
        places.clear();
        places.reserve_exact(count);
        places.extend(0..count);
        places.sort_unstable_by_key(key_at);
        keys.clear();
        keys.reserve_exact(count);
        keys.extend(places.iter().filter_map(key_at));
        let shape = builder.shape(keys.iter().copied());
        columns.clear();
        columns.extend_from_slice(builder.columns_of(shape));
        self.shape = Some(shape);
        shape
    }

    /// The series of a line that has the keys of the last one that was taken.
    #[inline]
    fn series_of_shape(
        &mut self,
        builder: &mut BatchBuilder,
        point: &Point<'a>,
        shape: u32,
    ) -> u32 {
        let remembered = builder.batch().tag_count().min(REMEMBERED_MAX);
        if self.recent.len() < remembered && builder.series_count() >= SERIES_MIN {
            self.recent.reserve_exact(remembered - self.recent.len());
            self.recent.resize(remembered, [Recent::default(); RECENT]);
        }
        let Self {
            places,
            columns,
            recent,
            values,
            ..
        } = self;
        values.clear();
        let mut is_new = false;
        for (place, column) in places.iter().zip(&*columns) {
            let tag = point.tags.get(*place);
            let text = tag.certain("its keys were compared").value.raw();
            let memory = recent.get_mut(*column as usize);
            let remembered = memory
                .and_then(|memory| memory.get_mut(usize::from(spread(text.as_bytes())) % RECENT));
            let id = match remembered {
                Some(known) if are_equal(known.text.as_bytes(), text.as_bytes()) => known.id,
                remembered => {
                    let value = builder.tag_value(*column, text);
                    is_new |= value.is_new;
                    if let Some(known) = remembered {
                        *known = Recent { text, id: value.id };
                    }
                    value.id
                }
            };
            values.push(id);
        }
        if is_new {
            builder.new_series(shape, values)
        } else {
            builder.series_of_values(shape, values)
        }
    }

    /// The bytes that the values that are remembered take.
    #[inline]
    pub(super) fn remembered_bytes(&self) -> usize {
        self.recent.capacity() * REMEMBERED_BYTES
    }

    /// Bytes on the heap, counted by capacity.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.keys.capacity() * size_of::<&str>()
            + self.places.capacity() * size_of::<usize>()
            + (self.columns.capacity() + self.values.capacity()) * size_of::<u32>()
            + self.remembered_bytes()
    }
}

/// The series of a line with escapes among its tags.
fn series_of_escaped(builder: &mut BatchBuilder, point: &Point<'_>) -> u32 {
    let mut tags: Vec<_> = point
        .tags
        .iter()
        .map(|tag| (tag.key.decode(), tag.value.decode()))
        .collect();
    tags.sort_unstable();
    let tags: Vec<(&str, &str)> = tags.iter().map(|(key, value)| (&**key, &**value)).collect();
    builder.series(&tags)
}

fn is_escaped(tag: &Tag<'_>) -> bool {
    tag.key.is_escaped() || tag.value.is_escaped()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::KnownTags;
    use crate::columnar::BatchBuilder;
    use crate::line_protocol::{Parser, Point, Precision};

    /// The tags of a line as written: some of its keys in some order, with values of which few are new.
    fn tags() -> impl Strategy<Value = String> {
        let keys = prop_oneof![
            4 => Just(vec!["b", "a", "long_key_of_a_tag"]),
            1 => subsequence(&["a", "b", r"c\ d", "long_key_of_a_tag"][..], 0..=4).prop_shuffle(),
        ];
        let value = prop_oneof![
            8 => select(&["1", "two", "seven", "eu-central-1", "https://example.com/health"][..])
                .prop_map(str::to_owned),
            4 => (0..90).prop_map(|number| format!("rack{number}")),
            1 => Just(r"a\ b".to_owned()),
        ];
        (keys, vec(value, 4)).prop_map(|(keys, values)| {
            let tags = keys.iter().zip(values);
            tags.map(|(key, value)| format!(",{key}={value}")).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_series_is_made_for_each_set_of_tags_whatever_came_before(lines in vec(tags(), 1..120)) {
            let body: String = lines.iter().map(|tags| format!("m{tags} f=1\n")).collect();
            let mut parser = Parser::new(body.as_bytes(), Precision::Nanosecond);
            let mut builder = BatchBuilder::new("m");
            let (mut known, mut point) = (KnownTags::default(), Point::default());
            let mut ids: HashMap<BTreeMap<String, String>, u32> = HashMap::new();
            while let Some(read) = parser.next_point(&mut point) {
                prop_assert_eq!(read, Ok(()));
                let is_again = known.has_keys_of(&point);
                let id = known.series(&mut builder, &point, is_again);
                let tags = point.tags.iter().map(|tag| {
                    (tag.key.decode().into_owned(), tag.value.decode().into_owned())
                });
                let tags: BTreeMap<String, String> = tags.collect();
                let stored = builder.batch().series_tags(id);
                let expected = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                prop_assert!(stored.eq(expected), "{:?}", tags);
                let of_others = ids.len();
                prop_assert_eq!(*ids.entry(tags).or_insert(id), id);
                prop_assert!(ids.len() == of_others || ids.len() == builder.series_count());
            }
        }
    }
}
