//! Values between arrays and the language.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use datafusion::arrow::compute::cast;
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::super::finish::number;
use super::super::value::{Value, ValueType};
use super::function;

/// Returns an expression of another type of number. Floats are cut off, and what is out of range
/// becomes the nearest value.
pub(super) fn to(value: Expr, value_type: ValueType) -> Expr {
    let work = move |arguments: &[ArrayRef]| {
        let [values] = arguments else {
            return Err(internal_datafusion_err!("a conversion of one value"));
        };
        let values = Values::new(values)?;
        let converted = (0..values.len()).map(|row| number::cast(&values.at(row)?, value_type));
        Ok(array(converted, value_type))
    };
    function::call("convert", value_type.into(), vec![value], Arc::new(work))
}

/// The values of an array; tags are unpacked.
#[derive(Debug)]
pub(super) enum Values {
    Float(ArrayRef),
    Integer(ArrayRef),
    Unsigned(ArrayRef),
    Boolean(ArrayRef),
    Text(ArrayRef),
    /// Times, which are integers of nanoseconds.
    Time(ArrayRef),
    Null(usize),
}

impl Values {
    /// # Errors
    /// An array of another type.
    pub(super) fn new(array: &ArrayRef) -> Result<Self> {
        let array = Arc::clone(array);
        Ok(match array.data_type() {
            DataType::Float64 => Self::Float(array),
            DataType::Int64 => Self::Integer(array),
            DataType::UInt64 => Self::Unsigned(array),
            DataType::Boolean => Self::Boolean(array),
            DataType::Utf8 => Self::Text(array),
            DataType::Dictionary(..) | DataType::Utf8View | DataType::LargeUtf8 => {
                Self::Text(cast(&array, &DataType::Utf8)?)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Self::Time(array),
            DataType::Null => Self::Null(array.len()),
            other => return Err(internal_datafusion_err!("a value of the type {other}")),
        })
    }

    /// Returns the number of values.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Float(array)
            | Self::Integer(array)
            | Self::Unsigned(array)
            | Self::Boolean(array)
            | Self::Text(array)
            | Self::Time(array) => array.len(),
            Self::Null(rows) => *rows,
        }
    }

    /// Returns a value; `None` if it is null.
    pub(super) fn at(&self, row: usize) -> Option<Value> {
        let (Self::Float(array)
        | Self::Integer(array)
        | Self::Unsigned(array)
        | Self::Boolean(array)
        | Self::Text(array)
        | Self::Time(array)) = self
        else {
            return None;
        };
        if array.is_null(row) {
            return None;
        }
        Some(match self {
            Self::Float(array) => Value::Float(array.as_primitive::<Float64Type>().value(row)),
            Self::Integer(array) => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
            Self::Unsigned(array) => Value::Unsigned(array.as_primitive::<UInt64Type>().value(row)),
            Self::Boolean(array) => Value::Boolean(array.as_boolean().value(row)),
            Self::Text(array) => Value::text(array.as_string::<i32>().value(row)),
            Self::Time(array) => {
                Value::Integer(array.as_primitive::<TimestampNanosecondType>().value(row))
            }
            Self::Null(_) => return None,
        })
    }

    /// Returns a text without copying it; `None` if it is null or none.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(array) if array.is_valid(row) => Some(array.as_string::<i32>().value(row)),
            _ => None,
        }
    }
}

/// Returns an array of values; one of another type than wanted becomes null.
pub(super) fn array(
    values: impl Iterator<Item = Option<Value>>,
    value_type: ValueType,
) -> ArrayRef {
    /// Fills a builder with the values that are of one kind.
    macro_rules! built {
        ($builder:expr, $kind:path, $value:ident => $put:expr) => {{
            let mut builder = $builder;
            for value in values {
                builder.append_option(match &value {
                    Some($kind($value)) => Some($put),
                    _ => None,
                });
            }
            Arc::new(builder.finish())
        }};
    }
    match value_type {
        ValueType::Float => built!(Float64Builder::new(), Value::Float, value => *value),
        ValueType::Integer => built!(Int64Builder::new(), Value::Integer, value => *value),
        ValueType::Unsigned => built!(UInt64Builder::new(), Value::Unsigned, value => *value),
        ValueType::Boolean => built!(BooleanBuilder::new(), Value::Boolean, value => *value),
        ValueType::String => built!(StringBuilder::new(), Value::String, value => &**value),
    }
}
