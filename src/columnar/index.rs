//! The hash indexes that make ids out of names while a batch is being built.
//!
//! Seeded per process, so that a client cannot choose names that collide; every hit is compared in
//! full.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::batch::TagColumn;
use super::column::FieldColumn;
use super::series::SeriesTable;
use super::value::FieldType;
use crate::certain::Certain;
use crate::narrow;

/// The reason why an id is found.
const KNOWN: &str = "an id is handed out when what it names is put there, and nothing is removed";

/// An id, and the hash of what it names: a table that grows does not have to hash all of it again.
/// There may be millions of series, and of values of a tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed {
    hash: u32,
    id: u32,
}

impl Hashed {
    /// The hash for a table, which looks at its highest bits and at its lowest ones.
    #[inline]
    fn widened(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

/// The values of one tag column by their text.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueIndex {
    ids: HashTable<Hashed>,
    /// Ids handed out lately, each at the place that [`place_of`] gives its text: most tags have few
    /// values, and comparing one takes less time than hashing it.
    recent: [u32; RECENT],
}

/// The number of values of a tag that are found without a hash at most: two may want the same place.
const RECENT: usize = 8;

/// The indexes that accompany a batch under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    hasher: DefaultHashBuilder,
    keys: HashTable<u32>,
    /// One per tag column.
    values: Vec<ValueIndex>,
    shapes: HashTable<u32>,
    series: HashTable<Hashed>,
    fields: HashTable<u32>,
}

impl Index {
    /// The column of a tag key, made if there is none.
    pub(super) fn tag_column(&mut self, tags: &mut Vec<TagColumn>, key: &str) -> u32 {
        let hash = self.hasher.hash_one(key);
        if let Some(id) = self.keys.find(hash, |id| key_of(tags, *id) == key) {
            return *id;
        }
        let id = narrow::id(tags.len());
        tags.push(TagColumn {
            key: key.into(),
            values: Default::default(),
        });
        self.values.push(ValueIndex::default());
        self.keys
            .insert_unique(hash, id, |id| self.hasher.hash_one(key_of(tags, *id)));
        id
    }

    /// The dictionary id of a tag's value, made if there is none. The column must exist.
    #[inline]
    pub(super) fn tag_value(&mut self, tags: &mut [TagColumn], column: u32, text: &str) -> u32 {
        let tag = tags.get_mut(column as usize).certain(KNOWN);
        let index = self.values.get_mut(column as usize).certain(KNOWN);
        let recent = index.recent.get_mut(place_of(text.as_bytes()));
        let recent = recent.certain("the place is one of them");
        if tag.values.is(*recent, text) {
            return *recent;
        }
        let next = hashed(&self.hasher, text, tag.values.len());
        let is_same = |known: &Hashed| known.hash == next.hash && tag.values.is(known.id, text);
        let found = index.ids.find(next.widened(), is_same).copied();
        let known = found.unwrap_or_else(|| {
            tag.values.push(text);
            let hash = next.widened();
            index.ids.insert_unique(hash, next, |known| known.widened());
            next
        });
        *recent = known.id;
        known.id
    }

    /// The id of a list of tag columns, made if there is none.
    pub(super) fn shape(&mut self, series: &mut SeriesTable, columns: &[u32]) -> u32 {
        let hash = self.hasher.hash_one(columns);
        if let Some(id) = self.shapes.find(hash, |id| series.shape(*id) == columns) {
            return *id;
        }
        let id = series.push_shape(columns);
        self.shapes
            .insert_unique(hash, id, |id| self.hasher.hash_one(series.shape(*id)));
        id
    }

    /// The id of a series, made if there is none.
    #[inline]
    pub(super) fn series(&mut self, series: &mut SeriesTable, shape: u32, values: &[u32]) -> u32 {
        let next = hashed(&self.hasher, (shape, values), series.len());
        let is_same = |known: &Hashed| {
            known.hash == next.hash && series.get(known.id) == Some((shape, values))
        };
        if let Some(known) = self.series.find(next.widened(), is_same) {
            return known.id;
        }
        let hash = next.widened();
        self.series
            .insert_unique(hash, next, |known| known.widened());
        series.push(shape, values)
    }

    /// The id of a series if it and all its tags are known.
    pub(super) fn find_series(
        &self,
        tags: &[TagColumn],
        series: &SeriesTable,
        wanted: &[(&str, &str)],
    ) -> Option<u32> {
        let mut columns = Vec::with_capacity(wanted.len());
        let mut values = Vec::with_capacity(wanted.len());
        for (key, text) in wanted {
            let hash = self.hasher.hash_one(*key);
            let column = *self.keys.find(hash, |id| key_of(tags, *id) == *key)?;
            let dictionary = &tags.get(column as usize).certain(KNOWN).values;
            let index = self.values.get(column as usize).certain(KNOWN);
            let hash = hashed(&self.hasher, *text, 0).widened();
            let found = index.ids.find(hash, |known| dictionary.is(known.id, text));
            columns.push(column);
            values.push(found?.id);
        }
        let hash = self.hasher.hash_one(&*columns);
        let shape = *self.shapes.find(hash, |id| series.shape(*id) == columns)?;
        let hash = hashed(&self.hasher, (shape, &*values), 0).widened();
        let is_same = |known: &Hashed| series.get(known.id) == Some((shape, &*values));
        Some(self.series.find(hash, is_same)?.id)
    }

    /// The column of a field of this name and type, made if there is none.
    pub(super) fn field_column(
        &mut self,
        fields: &mut Vec<FieldColumn>,
        name: &str,
        field_type: FieldType,
    ) -> u32 {
        let hash = self.hasher.hash_one((name, field_type));
        let same = |id: &u32| identity_of(fields, *id) == (name, field_type);
        if let Some(id) = self.fields.find(hash, same) {
            return *id;
        }
        let id = narrow::id(fields.len());
        fields.push(FieldColumn::new(name, field_type));
        let hash_of = |id: &u32| self.hasher.hash_one(identity_of(fields, *id));
        self.fields.insert_unique(hash, id, hash_of);
        id
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let values: usize = self
            .values
            .iter()
            .map(|index| index.ids.allocation_size())
            .sum();
        self.keys.allocation_size()
            + values
            + self.values.capacity() * size_of::<ValueIndex>()
            + self.shapes.allocation_size()
            + self.series.allocation_size()
            + self.fields.allocation_size()
    }
}

/// A place among the recent ids, by the first and the last bytes of a text. Whoever chooses texts that
/// share one only does without the others.
#[inline]
fn place_of(text: &[u8]) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first).rotate_left(23) ^ u64::from_le_bytes(*last)
        }
        _ => match (text.first_chunk(), text.last_chunk()) {
            (Some(first), Some(last)) => {
                u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
            }
            _ => text
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        },
    };
    let place = word.wrapping_mul(MIX) >> (u64::BITS - RECENT.ilog2());
    usize::from(u8::try_from(place).certain("it has as many bits as a place"))
}

/// The id that comes after `count` others, with the hash of what it names.
#[inline]
fn hashed(hasher: &DefaultHashBuilder, named: impl Hash, count: usize) -> Hashed {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let hash = hasher.hash_one(named) as u32;
    Hashed {
        hash,
        id: narrow::id(count),
    }
}

fn key_of(tags: &[TagColumn], column: u32) -> &str {
    &tags.get(column as usize).certain(KNOWN).key
}

fn identity_of(fields: &[FieldColumn], column: u32) -> (&str, FieldType) {
    let field = fields.get(column as usize).certain(KNOWN);
    (field.name(), field.field_type())
}
