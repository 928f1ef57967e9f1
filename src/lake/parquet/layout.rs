//! Which columns a table has, and what they are called in its files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::columnar::FieldType;

/// The column of microseconds, for readers that know no nanoseconds.
pub const TIME: &str = "time";

/// The column of exact times.
pub const TIME_NS: &str = "time_ns";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A tag.
    Tag,
    /// A field of this type.
    Field(FieldType),
}

impl Kind {
    /// The word used in messages and in the table's schema: `tag`, or the field's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Field(field_type) => field_type.as_str(),
        }
    }
}

/// A tag or a field of a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    /// What it is called in files and in the table's schema.
    pub storage: Arc<str>,
    /// What it is called in line protocol: mostly the same text, held once.
    pub name: Arc<str>,
    /// What it holds.
    pub kind: Kind,
}

/// The columns of a table behind `time` and `time_ns`, in the table's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<Column>,
    by_name: HashMap<Kind, HashMap<Arc<str>, usize>>,
    by_storage: HashMap<Arc<str>, usize>,
}

impl Layout {
    /// A table with these columns. Storage names are distinct, and so are names of one kind.
    pub fn new(columns: Vec<Column>) -> Self {
        let mut by_name: HashMap<Kind, HashMap<Arc<str>, usize>> = HashMap::new();
        for (place, column) in columns.iter().enumerate() {
            let of_kind = by_name.entry(column.kind).or_default();
            of_kind.insert(Arc::clone(&column.name), place);
        }
        let stored = columns.iter().enumerate();
        let by_storage = stored.map(|(place, column)| (column.storage.clone(), place));
        Self {
            by_name,
            by_storage: by_storage.collect(),
            columns,
        }
    }

    /// The columns, in the table's order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The place of a column that has this name in line protocol.
    pub fn find(&self, name: &str, kind: Kind) -> Option<usize> {
        self.by_name.get(&kind)?.get(name).copied()
    }

    /// The place of a column that is called so in files.
    pub fn find_stored(&self, storage: &str) -> Option<usize> {
        self.by_storage.get(storage).copied()
    }

    /// The places of the tags, ordered by their name in line protocol, bytewise: the order that
    /// rows are sorted by.
    pub fn tags_by_name(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        let mut tags: Vec<(usize, &Column)> = columns
            .filter(|(_, column)| column.kind == Kind::Tag)
            .collect();
        tags.sort_unstable_by(|a, b| a.1.name.cmp(&b.1.name));
        tags.into_iter().map(|(place, _)| place).collect()
    }
}
