//! Values of fields and columns, and their types.
//!
//! A [`Value`] is never null: where a value may be missing, it is an `Option<Value>`. NaN stands
//! for itself here and becomes null where rows are built.

use std::sync::Arc;

/// One value of a field, a tag or a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A float.
    Float(f64),
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A boolean.
    Boolean(bool),
    /// A text.
    String(Arc<str>),
}

/// The type of a field or a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// [`Value::Float`]
    Float,
    /// [`Value::Integer`]
    Integer,
    /// [`Value::Unsigned`]
    Unsigned,
    /// [`Value::Boolean`]
    Boolean,
    /// [`Value::String`]
    String,
}

impl Value {
    /// Returns a text.
    pub fn text(text: &str) -> Self {
        Self::String(Arc::from(text))
    }

    /// Returns the type of the value.
    pub fn value_type(&self) -> ValueType {
        match self {
            Self::Float(_) => ValueType::Float,
            Self::Integer(_) => ValueType::Integer,
            Self::Unsigned(_) => ValueType::Unsigned,
            Self::Boolean(_) => ValueType::Boolean,
            Self::String(_) => ValueType::String,
        }
    }

    /// Returns a number as a float, rounded to the nearest; `None` for what is no number.
    #[expect(
        clippy::cast_precision_loss,
        reason = "an integer beyond 2^53 becomes the nearest float, as in 1.x"
    )]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            Self::Integer(value) => Some(*value as f64),
            Self::Unsigned(value) => Some(*value as f64),
            Self::Boolean(_) | Self::String(_) => None,
        }
    }
}

impl ValueType {
    /// Returns the word for the type in answers and casts.
    pub fn word(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::Boolean => "boolean",
            Self::String => "string",
        }
    }

    /// Returns true for the three types of numbers.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Float | Self::Integer | Self::Unsigned)
    }
}
