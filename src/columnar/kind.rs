//! The kind of a column: a tag, or a field of one type.

use std::fmt;

use super::value::FieldType;

/// The kind of a column. The order is that of the kinds in `schemas.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ColumnKind {
    /// Part of the identity of a series.
    Tag,
    /// A measured value of this type.
    Field(FieldType),
}

impl ColumnKind {
    /// The word used in messages, in `schemas.json` and in the schemas of tables: `tag`, or the
    /// field's type.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Field(field_type) => field_type.as_str(),
        }
    }

    /// The kind that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        let fields = FieldType::ALL.into_iter().map(Self::Field);
        fields.chain([Self::Tag]).find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
