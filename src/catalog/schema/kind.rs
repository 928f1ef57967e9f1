//! What a column holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::columnar::FieldType;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Part of the identity of a series.
    Tag,
    /// A measured value.
    Field(FieldType),
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag => f.write_str("tag"),
            Self::Field(field_type) => f.write_str(field_type.as_str()),
        }
    }
}

/// The stored form of a kind: one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StoredKind {
    Tag,
    Float,
    Integer,
    Unsigned,
    Boolean,
    String,
}

impl From<ColumnKind> for StoredKind {
    fn from(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Tag => Self::Tag,
            ColumnKind::Field(FieldType::Float) => Self::Float,
            ColumnKind::Field(FieldType::Integer) => Self::Integer,
            ColumnKind::Field(FieldType::Unsigned) => Self::Unsigned,
            ColumnKind::Field(FieldType::Boolean) => Self::Boolean,
            ColumnKind::Field(FieldType::String) => Self::String,
        }
    }
}

impl From<StoredKind> for ColumnKind {
    fn from(kind: StoredKind) -> Self {
        match kind {
            StoredKind::Tag => Self::Tag,
            StoredKind::Float => Self::Field(FieldType::Float),
            StoredKind::Integer => Self::Field(FieldType::Integer),
            StoredKind::Unsigned => Self::Field(FieldType::Unsigned),
            StoredKind::Boolean => Self::Field(FieldType::Boolean),
            StoredKind::String => Self::Field(FieldType::String),
        }
    }
}
