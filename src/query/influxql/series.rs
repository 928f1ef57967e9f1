//! Series of rows as a SELECT or a SHOW answers them.
//!
//! A statement answers parts of series. The parts of one series follow each other directly and have
//! the same name, tags and columns; those of another series have other tags or another name. A part
//! has at most [`ROWS_MAX`] rows and at least one.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::DataType;

use super::value::ValueType;

/// The most rows of one part.
pub const ROWS_MAX: usize = 10_000;

/// The tags by which a series was grouped, in order of their keys. A tag that the points do not
/// have is there with the value `""`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tags(pub Arc<[(Arc<str>, Arc<str>)]>);

/// Consecutive rows of one series.
#[derive(Clone, Debug)]
pub struct SeriesPart {
    /// The measurement, or what a SHOW statement calls the series.
    pub name: Arc<str>,
    /// The tags; `None` without GROUP BY of tags.
    pub tags: Option<Tags>,
    /// The names of the columns, which may repeat.
    pub columns: Arc<[String]>,
    /// As many columns as there are names. The first one of a SELECT is the time as `Int64` in
    /// nanoseconds since the epoch, never null; a SHOW has none. The others are `Float64`, `Int64`,
    /// `UInt64`, `Boolean` or `Utf8`, with nulls. The names within the batch mean nothing.
    pub rows: RecordBatch,
}

impl Tags {
    /// Returns tags of these pairs, put in order of the keys.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = pairs
            .into_iter()
            .map(|(key, value)| (Arc::from(key), Arc::from(value)))
            .collect();
        pairs.sort();
        Self(pairs.into())
    }

    /// Returns the value of a tag; `None` if the series is not grouped by it.
    pub fn get(&self, key: &str) -> Option<&str> {
        let index = self
            .0
            .binary_search_by(|(candidate, _)| candidate.as_ref().cmp(key))
            .ok()?;
        self.0.get(index).map(|(_, value)| value.as_ref())
    }
}

impl SeriesPart {
    /// Returns true if the part continues the series of another one.
    pub fn continues(&self, other: &Self) -> bool {
        self.name == other.name && self.tags == other.tags
    }
}

impl From<ValueType> for DataType {
    fn from(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Float => Self::Float64,
            ValueType::Integer => Self::Int64,
            ValueType::Unsigned => Self::UInt64,
            ValueType::Boolean => Self::Boolean,
            ValueType::String => Self::Utf8,
        }
    }
}
