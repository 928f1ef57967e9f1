//! The hash indexes that make ids out of names while a batch is being built.
//!
//! Seeded per process, so that a client cannot choose names that collide; every hit is compared in
//! full. A few are compared one by one, and enter a table only when there are more: most requests are
//! small, and a table for each tag of a line would take more time than the line.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::batch::TagColumn;
use super::column::FieldColumn;
use super::series::SeriesTable;
use super::short::spread;
use super::strings::Strings;
use super::value::FieldType;
use crate::certain::Certain;
use crate::narrow;

/// The reason why an id is found.
const KNOWN: &str = "an id is handed out when what it names is put there, and nothing is removed";

/// The number of ids that are found without a table.
const FEW: u32 = 16;

/// Ids by what they name, which lies elsewhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// Empty while there are at most [`FEW`] ids.
    table: HashTable<Hashed>,
}

/// An id, and half of the hash of what it names: a table that grows does not have to hash all of it
/// again. There may be millions of series, and of values of a tag.
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

/// The id of a tag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagValue {
    /// The id in the dictionary of the tag.
    pub id: u32,
    /// True if it was handed out just now: no series has the value yet.
    pub is_new: bool,
}

/// What a look-up that found nothing leaves for [`Ids::enter`]: the hash, if there is a table.
type Missing = Option<u32>;

impl Ids {
    /// The one of the ids below `count` that names the same as `named`. Those that were not entered are
    /// not found if there are more than [`FEW`].
    #[inline]
    fn find(
        &self,
        count: usize,
        hasher: &DefaultHashBuilder,
        named: impl Hash,
        is_same: impl Fn(u32) -> bool,
    ) -> Result<u32, Missing> {
        let count = narrow::id(count);
        if count <= FEW {
            return (0..count).find(|id| is_same(*id)).ok_or(None);
        }
        let wanted = Hashed {
            hash: half_hash(hasher, named),
            id: 0,
        };
        let is_wanted = |known: &Hashed| known.hash == wanted.hash && is_same(known.id);
        let found = self.table.find(wanted.widened(), is_wanted);
        found.map(|known| known.id).ok_or(Some(wanted.hash))
    }

    /// Enters an id that was missing: the one after all that there were. `hash_of` gives [`half_hash`] of
    /// what any of them names.
    #[inline]
    fn enter(&mut self, id: u32, missing: Missing, hash_of: impl Fn(u32) -> u32) {
        match missing {
            Some(hash) => self.insert(Hashed { hash, id }),
            None if id < FEW => {}
            None => (0..=id).for_each(|id| {
                self.insert(Hashed {
                    hash: hash_of(id),
                    id,
                });
            }),
        }
    }

    /// Enters the ids below `count` that were not entered when they were handed out. `hash_of` is that of
    /// [`Ids::enter`].
    #[inline]
    fn catch_up(&mut self, count: usize, hash_of: impl Fn(u32) -> u32) {
        let entered = self.table.len();
        if count > FEW as usize && entered < count {
            self.table.reserve(count - entered, |known| known.widened());
            for id in narrow::id(entered)..narrow::id(count) {
                let hash = hash_of(id);
                self.insert(Hashed { hash, id });
            }
        }
    }

    fn insert(&mut self, new: Hashed) {
        self.table
            .insert_unique(new.widened(), new, |known| known.widened());
    }

    /// The id of a text, made if there is none.
    #[inline]
    fn value(&mut self, values: &mut Strings, hasher: &DefaultHashBuilder, text: &str) -> TagValue {
        match self.find(values.len(), hasher, text, |id| values.is(id, text)) {
            Ok(id) => TagValue { id, is_new: false },
            Err(missing) => {
                let id = narrow::id(values.len());
                values.push(text);
                let text_of = |id| values.get(id).certain(KNOWN);
                self.enter(id, missing, |id| half_hash(hasher, text_of(id)));
                TagValue { id, is_new: true }
            }
        }
    }

    fn heap_bytes(&self) -> usize {
        self.table.allocation_size()
    }
}

/// The values of one tag column by their text.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueIndex {
    ids: Ids,
    /// Ids handed out lately, each at the place that [`spread`] gives its text: most tags have few
    /// values, and comparing one takes less time than hashing it.
    recent: [u32; RECENT],
}

/// The number of values of a tag that are found without a hash at most: two may want the same place.
const RECENT: usize = 8;

/// The indexes that accompany a batch under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    hasher: DefaultHashBuilder,
    keys: Ids,
    /// One per tag column.
    values: Vec<ValueIndex>,
    shapes: Ids,
    series: Ids,
    fields: Ids,
}

impl Index {
    /// Makes room for so many tag columns.
    pub(super) fn reserve_tags(&mut self, count: usize) {
        self.values.reserve_exact(count);
    }

    /// The column of a tag key, made if there is none.
    pub(super) fn tag_column(&mut self, tags: &mut Vec<TagColumn>, key: &str) -> u32 {
        let Self { hasher, keys, .. } = self;
        let is_same = |id| key_of(tags, id) == key;
        let missing = match keys.find(tags.len(), hasher, key, is_same) {
            Ok(id) => return id,
            Err(missing) => missing,
        };
        let id = narrow::id(tags.len());
        tags.push(TagColumn {
            key: key.into(),
            values: Default::default(),
        });
        keys.enter(id, missing, |id| half_hash(hasher, key_of(tags, id)));
        self.values.push(ValueIndex::default());
        id
    }

    /// The dictionary id of a tag's value, made if there is none. The column must exist.
    #[inline]
    pub(super) fn tag_value(&mut self, tags: &mut [TagColumn], column: u32, text: &str) -> u32 {
        let values = &mut tags.get_mut(column as usize).certain(KNOWN).values;
        let ValueIndex { ids, recent } = self.values.get_mut(column as usize).certain(KNOWN);
        let recent = recent.get_mut(usize::from(spread(text.as_bytes())) % RECENT);
        let recent = recent.certain("the place is one of them");
        if !values.is(*recent, text) {
            *recent = ids.value(values, &self.hasher, text).id;
        }
        *recent
    }

    /// The same for a caller who has a memory of recent values.
    #[inline]
    pub(super) fn other_tag_value(
        &mut self,
        tags: &mut [TagColumn],
        column: u32,
        text: &str,
    ) -> TagValue {
        let values = &mut tags.get_mut(column as usize).certain(KNOWN).values;
        let index = self.values.get_mut(column as usize).certain(KNOWN);
        index.ids.value(values, &self.hasher, text)
    }

    /// The id of a list of tag columns, made if there is none.
    pub(super) fn shape(&mut self, series: &mut SeriesTable, columns: &[u32]) -> u32 {
        let Self { hasher, shapes, .. } = self;
        let is_same = |id| series.shape(id) == columns;
        let found = shapes.find(series.shapes().len(), hasher, columns, is_same);
        found.unwrap_or_else(|missing| {
            let id = series.push_shape(columns);
            shapes.enter(id, missing, |id| half_hash(hasher, series.shape(id)));
            id
        })
    }

    /// The id of a series, made if there is none.
    #[inline]
    pub(super) fn series(&mut self, table: &mut SeriesTable, shape: u32, values: &[u32]) -> u32 {
        let Self { hasher, series, .. } = self;
        let wanted = (shape, values);
        series.catch_up(table.len(), |id| {
            half_hash(hasher, table.get(id).certain(KNOWN))
        });
        let is_same = |id| table.get(id) == Some(wanted);
        let found = series.find(table.len(), hasher, wanted, is_same);
        found.unwrap_or_else(|missing| {
            let id = table.push(shape, values);
            let of = |id| table.get(id).certain(KNOWN);
            series.enter(id, missing, |id| half_hash(hasher, of(id)));
            id
        })
    }

    /// The id of a series if it and all its tags are known.
    pub(super) fn find_series(
        &self,
        tags: &[TagColumn],
        series: &SeriesTable,
        wanted: &[(&str, &str)],
    ) -> Option<u32> {
        let hasher = &self.hasher;
        let mut columns = Vec::with_capacity(wanted.len());
        let mut values = Vec::with_capacity(wanted.len());
        for (key, text) in wanted {
            let is_same = |id| key_of(tags, id) == *key;
            let column = self.keys.find(tags.len(), hasher, *key, is_same).ok()?;
            let known = &tags.get(column as usize).certain(KNOWN).values;
            let ids = &self.values.get(column as usize).certain(KNOWN).ids;
            let is_same = |id| known.is(id, text);
            columns.push(column);
            values.push(ids.find(known.len(), hasher, *text, is_same).ok()?);
        }
        let is_same = |id| series.shape(id) == columns;
        let shapes = series.shapes().len();
        let shape = self.shapes.find(shapes, hasher, &*columns, is_same).ok()?;
        let wanted = (shape, &*values);
        let is_same = |id| series.get(id) == Some(wanted);
        let found = self.series.find(series.len(), hasher, wanted, is_same);
        let mut not_entered = narrow::id(self.series.table.len())..narrow::id(series.len());
        found.ok().or_else(|| not_entered.find(|id| is_same(*id)))
    }

    /// The column of a field of this name and type, made if there is none.
    pub(super) fn field_column(
        &mut self,
        fields: &mut Vec<FieldColumn>,
        name: &str,
        field_type: FieldType,
    ) -> u32 {
        let hasher = &self.hasher;
        let wanted = (name, field_type);
        let is_same = |id| identity_of(fields, id) == wanted;
        let missing = match self.fields.find(fields.len(), hasher, wanted, is_same) {
            Ok(id) => return id,
            Err(missing) => missing,
        };
        let id = narrow::id(fields.len());
        fields.push(FieldColumn::new(name, field_type));
        let hash_of = |id| half_hash(hasher, identity_of(fields, id));
        self.fields.enter(id, missing, hash_of);
        id
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let values: usize = self.values.iter().map(|index| index.ids.heap_bytes()).sum();
        self.keys.heap_bytes()
            + values
            + self.values.capacity() * size_of::<ValueIndex>()
            + self.shapes.heap_bytes()
            + self.series.heap_bytes()
            + self.fields.heap_bytes()
    }
}

/// Half of the hash of what an id names.
#[inline]
fn half_hash(hasher: &DefaultHashBuilder, named: impl Hash) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let half = hasher.hash_one(named) as u32;
    half
}

fn key_of(tags: &[TagColumn], column: u32) -> &str {
    &tags.get(column as usize).certain(KNOWN).key
}

fn identity_of(fields: &[FieldColumn], column: u32) -> (&str, FieldType) {
    let field = fields.get(column as usize).certain(KNOWN);
    (field.name(), field.field_type())
}
