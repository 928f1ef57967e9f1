//! The columns of one measurement: a map that is never changed, only succeeded by a larger one.
//!
//! ```text
//! layers    [ 700 columns ][ 200 ][ 60 ][ 1 ]      oldest first, each less than half of the one before
//! ```
//!
//! A schema with more columns shares the layers of the one before it and adds one; a layer that has
//! grown to half of the one below is joined with it. So a copy costs a few pointers, adding columns
//! one by one costs each of them a few moves, and a look-up asks a few layers. Names are shared by
//! all schemas that have them. A schema may be held and read for any length of time.

use std::hash::BuildHasher;
use std::sync::{Arc, LazyLock};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::columnar::ColumnKind;
use crate::id::Sequence;
use crate::narrow;

/// The bytes that a column takes besides its name: its slot in a hash table that is half empty at
/// worst, the counts of a shared name, what the allocator adds.
const COLUMN_BYTES: u64 = 88;

/// The bytes that a table takes besides its name and columns.
const TABLE_BYTES: u64 = 512;

/// Seeded per process, so that a client cannot choose names that collide; every hit is compared in
/// full.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

type Layer = HashTable<(Arc<str>, ColumnKind)>;

/// The columns of one measurement.
#[derive(Clone, Debug, Default)]
pub struct TableSchema {
    layers: Vec<Arc<Layer>>,
    len: usize,
    heap_bytes: u64,
    since: Sequence,
}

impl TableSchema {
    /// Returns the kind of the column of this name, if there is one.
    pub fn column(&self, name: &str) -> Option<ColumnKind> {
        work::count(1);
        let hash = HASHER.hash_one(name);
        let mut layers = self.layers.iter();
        layers.find_map(|layer| {
            let found = layer.find(hash, |(known, _)| **known == *name);
            found.map(|(_, kind)| *kind)
        })
    }

    /// Returns all columns, in no order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, ColumnKind)> {
        let layers = self.layers.iter().flat_map(|layer| layer.iter());
        layers.map(|(name, kind)| (&**name, *kind))
    }

    /// Returns the schema with more columns. Those that it already has stay as they are.
    #[must_use]
    pub fn extended<'a>(&self, columns: impl IntoIterator<Item = (&'a str, ColumnKind)>) -> Self {
        let mut new = Layer::new();
        let mut heap_bytes = self.heap_bytes;
        for (name, kind) in columns {
            let hash = HASHER.hash_one(name);
            if self.column(name).is_some()
                || new.find(hash, |(known, _)| **known == *name).is_some()
            {
                continue;
            }
            new.insert_unique(hash, (Arc::from(name), kind), hash_of);
            heap_bytes += column_bytes(name);
        }
        let mut extended = self.clone();
        extended.len += new.len();
        extended.heap_bytes = heap_bytes;
        extended.push(new);
        extended
    }

    /// Columns, tags and fields together.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns true if there is no column yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The last frame that brought a column.
    pub fn since(&self) -> Sequence {
        self.since
    }

    pub(super) fn set_since(&mut self, since: Sequence) {
        self.since = since;
    }

    /// An upper estimate of the memory that the columns take, in bytes.
    pub(super) fn heap_bytes(&self) -> u64 {
        self.heap_bytes
    }

    fn push(&mut self, mut top: Layer) {
        if top.is_empty() {
            return;
        }
        while let Some(below) = self.layers.pop_if(|below| below.len() <= 2 * top.len()) {
            top = joined(&below, &top);
        }
        top.shrink_to_fit(hash_of);
        self.layers.push(Arc::new(top));
    }
}

impl PartialEq for TableSchema {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(name, kind)| other.column(name) == Some(kind);
        self.len == other.len && self.columns().all(is_there)
    }
}

/// An upper estimate of the memory that one more column takes, in bytes.
pub fn column_bytes(name: &str) -> u64 {
    COLUMN_BYTES.saturating_add(narrow::to_u64(name.len()))
}

/// An upper estimate of the memory that one more table takes, without its columns, in bytes.
pub fn table_bytes(measurement: &str) -> u64 {
    TABLE_BYTES.saturating_add(narrow::to_u64(measurement.len()))
}

fn joined(below: &Layer, above: &Layer) -> Layer {
    work::count(below.len() + above.len());
    let mut layer = Layer::with_capacity(below.len() + above.len());
    for (name, kind) in below.iter().chain(above) {
        layer.insert_unique(HASHER.hash_one(&**name), (Arc::clone(name), *kind), hash_of);
    }
    layer
}

fn hash_of((name, _): &(Arc<str>, ColumnKind)) -> u64 {
    HASHER.hash_one(&**name)
}

/// The number of names that a thread has looked up or moved; tests compare it with the number of
/// columns.
pub(crate) mod work {
    #[cfg(test)]
    thread_local! {
        static NAMES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(crate) fn names() -> usize {
        NAMES.get()
    }

    #[cfg(test)]
    pub(super) fn count(names: usize) {
        NAMES.set(NAMES.get() + names);
    }

    #[cfg(not(test))]
    pub(super) fn count(_: usize) {}
}
