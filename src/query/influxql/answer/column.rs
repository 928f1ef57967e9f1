//! Columns of a part by their types, so that the type is asked for once a part and not once a row.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, UInt64Array,
};
use arrow_schema::DataType;

use super::error::AnswerError;
use crate::influxql::series::SeriesPart;

/// A column of one of the types that answers have.
pub(super) enum Column<'a> {
    /// Nanoseconds since the epoch.
    Time(&'a Int64Array),
    Float(&'a Float64Array),
    Integer(&'a Int64Array),
    Unsigned(&'a UInt64Array),
    Boolean(&'a BooleanArray),
    Text(&'a StringArray),
    /// Nothing but nulls, of no type.
    Null,
}

/// One value.
pub(super) enum Cell<'a> {
    Null,
    /// Nanoseconds since the epoch.
    Time(i64),
    Float(f64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    Text(&'a str),
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef, is_time: bool) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Int64 if is_time => Self::Time(array.as_primitive_opt::<Int64Type>()?),
            DataType::Int64 => Self::Integer(array.as_primitive_opt::<Int64Type>()?),
            DataType::Float64 => Self::Float(array.as_primitive_opt::<Float64Type>()?),
            DataType::UInt64 => Self::Unsigned(array.as_primitive_opt::<UInt64Type>()?),
            DataType::Boolean => Self::Boolean(array.as_boolean_opt()?),
            DataType::Utf8 => Self::Text(array.as_string_opt::<i32>()?),
            DataType::Null => Self::Null,
            _ => return None,
        })
    }

    /// Returns the value of a row, which must be there. NaN and infinities are nulls.
    #[inline]
    pub(super) fn cell(&self, row: usize) -> Cell<'a> {
        match *self {
            Self::Time(array) if array.is_valid(row) => Cell::Time(array.value(row)),
            Self::Float(array) if array.is_valid(row) && array.value(row).is_finite() => {
                Cell::Float(array.value(row))
            }
            Self::Integer(array) if array.is_valid(row) => Cell::Integer(array.value(row)),
            Self::Unsigned(array) if array.is_valid(row) => Cell::Unsigned(array.value(row)),
            Self::Boolean(array) if array.is_valid(row) => Cell::Boolean(array.value(row)),
            Self::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            _ => Cell::Null,
        }
    }
}

/// Returns the columns of a part; the first is a time if the statement is `timed`.
pub(super) fn columns(part: &SeriesPart, timed: bool) -> Result<Vec<Column<'_>>, AnswerError> {
    let series = || part.name.to_string();
    if part.rows.num_columns() != part.columns.len() {
        return Err(AnswerError::Width {
            series: series(),
            columns: part.rows.num_columns(),
            names: part.columns.len(),
        });
    }
    let arrays = part.rows.columns().iter().zip(part.columns.iter());
    arrays
        .enumerate()
        .map(|(at, (array, name))| {
            Column::new(array, timed && at == 0).ok_or_else(|| AnswerError::Type {
                column: name.clone(),
                series: series(),
                data_type: array.data_type().clone(),
            })
        })
        .collect()
}
