//! What the analysis asks about stored data, and the types of names.

use std::sync::Arc;

use super::super::ast::{Cast, Measurement};
use super::super::value::ValueType;

/// A database and a retention policy as the text names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The database; `None` for the one of the request.
    pub database: Option<Arc<str>>,
    /// The retention policy; `None` for the one of the request, or the default one.
    pub retention_policy: Option<Arc<str>>,
}

/// Why the schema cannot be asked: the text that the client reads, such as
/// `database not found: x`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(pub String);

/// The measurements, and what their points may have.
pub trait Schema {
    /// Returns the names of all measurements, in any order.
    ///
    /// # Errors
    ///
    /// A database or retention policy that is not there, or that cannot be read.
    fn measurements(&self, origin: &Origin) -> Result<Vec<Arc<str>>, SchemaError>;

    /// Returns the keys of the tags of a measurement, in any order; none for an unknown one.
    ///
    /// # Errors
    ///
    /// As for [`Schema::measurements`].
    fn tags(&self, origin: &Origin, measurement: &str) -> Result<Vec<Arc<str>>, SchemaError>;

    /// Returns the fields of a measurement and their types, in any order; none for an unknown one.
    ///
    /// # Errors
    ///
    /// As for [`Schema::measurements`].
    fn fields(
        &self,
        origin: &Origin,
        measurement: &str,
    ) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError>;
}

impl Origin {
    /// Returns the origin of a measurement.
    pub fn of(measurement: &Measurement) -> Self {
        Self {
            database: measurement.database.as_deref().map(Arc::from),
            retention_policy: measurement.retention_policy.as_deref().map(Arc::from),
        }
    }
}

/// The type of a name: of a field, or a tag. One that comes first here wins where sources differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Float,
    Integer,
    Unsigned,
    String,
    Boolean,
    Tag,
}

impl Kind {
    /// Returns the type of the values.
    pub(super) fn value_type(self) -> ValueType {
        match self {
            Self::Float => ValueType::Float,
            Self::Integer => ValueType::Integer,
            Self::Unsigned => ValueType::Unsigned,
            Self::Boolean => ValueType::Boolean,
            Self::String | Self::Tag => ValueType::String,
        }
    }

    /// Returns the word for it in errors.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            other => other.value_type().word(),
        }
    }

    /// Returns the cast that says the same.
    pub(super) fn cast(self) -> Cast {
        match self {
            Self::Float => Cast::Float,
            Self::Integer => Cast::Integer,
            Self::Unsigned => Cast::Unsigned,
            Self::String => Cast::String,
            Self::Boolean => Cast::Boolean,
            Self::Tag => Cast::Tag,
        }
    }

    /// Returns what a cast says; `None` if it leaves the type open.
    pub(super) fn of_cast(cast: Option<Cast>) -> Option<Self> {
        Some(match cast? {
            Cast::Float => Self::Float,
            Cast::Integer => Self::Integer,
            Cast::Unsigned => Self::Unsigned,
            Cast::String => Self::String,
            Cast::Boolean => Self::Boolean,
            Cast::Tag => Self::Tag,
            Cast::Field => return None,
        })
    }
}

impl From<ValueType> for Kind {
    fn from(value_type: ValueType) -> Self {
        match value_type {
            ValueType::Float => Self::Float,
            ValueType::Integer => Self::Integer,
            ValueType::Unsigned => Self::Unsigned,
            ValueType::Boolean => Self::Boolean,
            ValueType::String => Self::String,
        }
    }
}

/// Returns the type that a value of one type can be read as, if another one is wanted: the same
/// type, or any number as any other.
pub(super) fn readable(stored: ValueType, wanted: ValueType) -> Option<ValueType> {
    (stored == wanted || (stored.is_number() && wanted.is_number())).then_some(wanted)
}
