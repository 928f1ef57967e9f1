//! The hash indexes that make ids out of names while a batch is being built.
//!
//! Seeded per process, so that a client cannot choose names that collide; every hit is compared in
//! full.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::batch::TagColumn;
use super::column::FieldColumn;
use super::series::SeriesTable;
use super::value::FieldType;
use crate::certain::Certain;
use crate::narrow;

/// The reason why an id is found.
const KNOWN: &str = "an id is handed out when what it names is put there, and nothing is removed";

/// The values of one tag column by their text.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueIndex {
    ids: HashTable<u32>,
    /// The id handed out last: neighbouring series share most of their tags.
    last: u32,
}

/// The indexes that accompany a batch under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    hasher: DefaultHashBuilder,
    keys: HashTable<u32>,
    /// One per tag column.
    values: Vec<ValueIndex>,
    shapes: HashTable<u32>,
    series: HashTable<u32>,
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
        if tag.values.is(index.last, text) {
            return index.last;
        }
        let hash = self.hasher.hash_one(text);
        let found = index.ids.find(hash, |id| tag.values.is(*id, text)).copied();
        index.last = found.unwrap_or_else(|| {
            let id = narrow::id(tag.values.len());
            tag.values.push(text);
            let hash_of = |id: &u32| self.hasher.hash_one(tag.values.get(*id).certain(KNOWN));
            index.ids.insert_unique(hash, id, hash_of);
            id
        });
        index.last
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
        let hash = self.hasher.hash_one((shape, values));
        if let Some(id) = self
            .series
            .find(hash, |id| series.get(*id) == Some((shape, values)))
        {
            return *id;
        }
        let id = series.push(shape, values);
        let hash_of = |id: &u32| self.hasher.hash_one(series.get(*id).certain(KNOWN));
        self.series.insert_unique(hash, id, hash_of);
        id
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
            let hash = self.hasher.hash_one(*text);
            columns.push(column);
            values.push(*index.ids.find(hash, |id| dictionary.is(*id, text))?);
        }
        let hash = self.hasher.hash_one(&*columns);
        let shape = *self.shapes.find(hash, |id| series.shape(*id) == columns)?;
        let hash = self.hasher.hash_one((shape, &*values));
        self.series
            .find(hash, |id| series.get(*id) == Some((shape, &*values)))
            .copied()
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

fn key_of(tags: &[TagColumn], column: u32) -> &str {
    &tags.get(column as usize).certain(KNOWN).key
}

fn identity_of(fields: &[FieldColumn], column: u32) -> (&str, FieldType) {
    let field = fields.get(column as usize).certain(KNOWN);
    (field.name(), field.field_type())
}
