//! The columns of a table, and their names in its files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::columnar::ColumnKind;

/// The column of microseconds, for readers that do not support nanoseconds.
pub const TIME: &str = "time";

/// The column of exact times.
pub const TIME_NS: &str = "time_ns";

/// A tag or a field of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name in files and in the table's schema.
    pub storage: Arc<str>,
    /// Its name in line protocol: mostly the same text, held once.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: ColumnKind,
}

/// The columns of a table after `time` and `time_ns`, in the table's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
    by_name: HashMap<ColumnKind, HashMap<Arc<str>, usize>>,
    by_storage: HashMap<Arc<str>, usize>,
    /// By place; absent if all columns are read.
    read: Option<Vec<bool>>,
}

impl Layout {
    /// The layout of a table with these columns. Storage names must be distinct, and so must names of one
    /// kind.
    pub fn new(columns: Vec<Column>) -> Self {
        let mut by_name: HashMap<ColumnKind, HashMap<Arc<str>, usize>> = HashMap::new();
        for (place, column) in columns.iter().enumerate() {
            let of_kind = by_name.entry(column.kind).or_default();
            of_kind.insert(Arc::clone(&column.name), place);
        }
        let stored = columns.iter().enumerate();
        let by_storage = stored.map(|(place, column)| (column.storage.clone(), place));
        Self {
            by_name,
            by_storage: by_storage.collect(),
            read: None,
            columns,
        }
    }

    /// The same layout for a reader that reads the tags and only some of the fields.
    pub fn reading(&self, has: impl Fn(&str) -> bool) -> Self {
        let columns = self.columns.iter();
        let is_read = columns.map(|column| column.kind == ColumnKind::Tag || has(&column.name));
        Self {
            read: Some(is_read.collect()),
            ..self.clone()
        }
    }

    /// Returns whether the column at a place is read.
    pub fn is_read(&self, place: usize) -> bool {
        let read = self.read.as_ref();
        read.is_none_or(|read| read.get(place).is_some_and(|is_read| *is_read))
    }

    /// The columns, in the table's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column that has this name in line protocol.
    pub fn find(&self, name: &str, kind: ColumnKind) -> Option<usize> {
        self.by_name.get(&kind)?.get(name).copied()
    }

    /// The place of the column with this name in files.
    pub fn find_stored(&self, storage: &str) -> Option<usize> {
        self.by_storage.get(storage).copied()
    }

    /// The places of the tags, ordered bytewise by their names in line protocol: the order in which rows
    /// are sorted.
    pub fn tags_by_name(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let mut tags: Vec<(usize, &Column)> = columns
            .filter(|(_, column)| column.kind == ColumnKind::Tag)
            .collect();
        tags.sort_unstable_by(|a, b| a.1.name.cmp(&b.1.name));
        tags.into_iter().map(|(place, _)| place).collect()
    }
}
