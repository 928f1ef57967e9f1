//! A field column: a name, a type, and the values of the rows that have one, packed.

use super::bits::Bits;
use super::presence::Presence;
use super::strings::Strings;
use super::value::{FieldType, FieldValue};
use crate::certain::{Certain, impossible};
use crate::narrow;

/// The reason why there is a value.
const RANKED: &str = "a column has as many values as rows that have one";
/// The reason why a value can be pushed.
const OF_TYPE: &str = "a value of the column's type";

/// The values of a column, absent ones left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    Float(Vec<f64>),
    Integer(Vec<i64>),
    Unsigned(Vec<u64>),
    Boolean(Bits),
    String(Strings),
}

impl Values {
    pub(super) fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Float => Self::Float(Vec::new()),
            FieldType::Integer => Self::Integer(Vec::new()),
            FieldType::Unsigned => Self::Unsigned(Vec::new()),
            FieldType::Boolean => Self::Boolean(Bits::default()),
            FieldType::String => Self::String(Strings::default()),
        }
    }

    pub(super) fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::Boolean(_) => FieldType::Boolean,
            Self::String(_) => FieldType::String,
        }
    }

    fn get(&self, rank: usize) -> Option<FieldValue<'_>> {
        match self {
            Self::Float(values) => values.get(rank).copied().map(FieldValue::Float),
            Self::Integer(values) => values.get(rank).copied().map(FieldValue::Integer),
            Self::Unsigned(values) => values.get(rank).copied().map(FieldValue::Unsigned),
            Self::Boolean(values) => values.get(rank).map(FieldValue::Boolean),
            Self::String(values) => values.get(narrow::id(rank)).map(FieldValue::String),
        }
    }

    fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::Float(values), Self::Float(more)) => values.extend_from_slice(more),
            (Self::Integer(values), Self::Integer(more)) => values.extend_from_slice(more),
            (Self::Unsigned(values), Self::Unsigned(more)) => values.extend_from_slice(more),
            (Self::Boolean(values), Self::Boolean(more)) => values.append(more),
            (Self::String(values), Self::String(more)) => values.append(more),
            _ => impossible("columns are looked up by name and type"),
        }
    }
}

/// A field of a [`super::Batch`]: one name, one type, a value in some of the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldColumn {
    pub(super) name: Box<str>,
    pub(super) presence: Presence,
    /// The values, as many as `presence` counts.
    pub(super) values: Values,
}

impl FieldColumn {
    pub(super) fn new(name: &str, field_type: FieldType) -> Self {
        let values = Values::new(field_type);
        Self {
            name: name.into(),
            presence: Presence::default(),
            values,
        }
    }

    /// The field's key, unescaped.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of all its values.
    pub fn field_type(&self) -> FieldType {
        self.values.field_type()
    }

    /// Returns true if `row` has a value.
    pub fn has(&self, row: usize) -> bool {
        self.presence.rank(row).is_some()
    }

    /// The value of `row`, if it has one.
    pub fn value(&self, row: usize) -> Option<FieldValue<'_>> {
        let rank = self.presence.rank(row)?;
        Some(self.values.get(rank).certain(RANKED))
    }

    /// Returns the number of rows that have a value.
    pub fn present_count(&self) -> usize {
        self.presence.count()
    }

    /// Every row that has a value, ascending, with the value.
    pub fn iter(&self) -> impl Iterator<Item = (usize, FieldValue<'_>)> {
        let ranked = self.presence.rows().enumerate();
        ranked.map(|(rank, row)| (row, self.values.get(rank).certain(RANKED)))
    }

    /// Sets the value of a row after all rows set before. A value of another type, or a second one
    /// for a row, is a bug of the caller and fails loudly: if it were left out, it would be lost.
    #[inline(always)]
    pub(super) fn push(&mut self, row: u32, value: FieldValue<'_>) {
        self.presence.push(row);
        match value {
            FieldValue::Float(value) => match &mut self.values {
                Values::Float(values) => values.push(value),
                _ => impossible(OF_TYPE),
            },
            FieldValue::Integer(value) => match &mut self.values {
                Values::Integer(values) => values.push(value),
                _ => impossible(OF_TYPE),
            },
            FieldValue::Unsigned(value) => match &mut self.values {
                Values::Unsigned(values) => values.push(value),
                _ => impossible(OF_TYPE),
            },
            FieldValue::Boolean(value) => match &mut self.values {
                Values::Boolean(values) => values.push(value),
                _ => impossible(OF_TYPE),
            },
            FieldValue::String(value) => match &mut self.values {
                Values::String(values) => values.push(value),
                _ => impossible(OF_TYPE),
            },
        }
    }

    /// Appends `other`, of the same type, whose row 0 becomes `first_row`.
    pub(super) fn append(&mut self, other: &Self, first_row: u32) {
        self.presence.append(&other.presence, first_row);
        self.values.append(&other.values);
    }

    pub(super) fn shrink(&mut self) {
        self.presence.shrink();
        match &mut self.values {
            Values::Float(values) => values.shrink_to_fit(),
            Values::Integer(values) => values.shrink_to_fit(),
            Values::Unsigned(values) => values.shrink_to_fit(),
            Values::Boolean(values) => values.shrink(),
            Values::String(values) => values.shrink(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let values = match &self.values {
            Values::Float(values) => values.capacity() * size_of::<f64>(),
            Values::Integer(values) => values.capacity() * size_of::<i64>(),
            Values::Unsigned(values) => values.capacity() * size_of::<u64>(),
            Values::Boolean(values) => values.heap_bytes(),
            Values::String(values) => values.heap_bytes(),
        };
        self.name.len() + self.presence.heap_bytes() + values
    }
}
