//! Conversion of columns of a file to columns of a segment, for files of any writer.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DataType, TimeUnit};

use crate::columnar::{ColumnKind, FieldType};

/// Returns the type to ask the reader for; nothing if a column of this type cannot be read as `kind`.
pub(super) fn type_for(kind: ColumnKind, found: &DataType) -> Option<DataType> {
    use DataType::{
        Binary, BinaryView, Boolean, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64,
        LargeBinary, LargeUtf8, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    let is_text = matches!(
        found,
        Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView
    );
    let readable = match kind {
        // Keys of a dictionary are compared, not texts.
        ColumnKind::Tag => {
            let tag = DataType::Dictionary(Box::new(Int32), Box::new(Utf8));
            return is_text.then_some(tag);
        }
        // Views of the pages: a repeated text is held once.
        ColumnKind::Field(FieldType::String) => {
            return match found {
                Utf8 | LargeUtf8 | Utf8View => Some(Utf8View),
                _ => is_text.then_some(Utf8),
            };
        }
        ColumnKind::Field(FieldType::Float) => matches!(found, Float64 | Float32),
        ColumnKind::Field(FieldType::Integer) => matches!(found, Int64 | Int32 | Int16 | Int8),
        ColumnKind::Field(FieldType::Unsigned) => {
            matches!(
                found,
                Decimal128(_, 0) | Int64 | UInt64 | UInt32 | UInt16 | UInt8
            )
        }
        ColumnKind::Field(FieldType::Boolean) => matches!(found, Boolean),
    };
    readable.then(|| found.clone())
}

/// Converts times to nanoseconds, from `time_ns` or a timestamp of any unit. The error is in words.
pub(super) fn times(array: &ArrayRef) -> Result<ScalarBuffer<i64>, String> {
    if array.null_count() > 0 {
        return Err("a row without a time".to_owned());
    }
    match array.data_type() {
        DataType::Int64 => Ok(array.as_primitive::<Int64Type>().values().clone()),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Ok(array
            .as_primitive::<TimestampNanosecondType>()
            .values()
            .clone()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => scaled(
            array.as_primitive::<TimestampMicrosecondType>().values(),
            1000,
        ),
        DataType::Timestamp(TimeUnit::Millisecond, _) => scaled(
            array.as_primitive::<TimestampMillisecondType>().values(),
            1_000_000,
        ),
        DataType::Timestamp(TimeUnit::Second, _) => scaled(
            array.as_primitive::<TimestampSecondType>().values(),
            1_000_000_000,
        ),
        other => Err(format!("the type {other}, which is not a time")),
    }
}

fn scaled(values: &[i64], factor: i64) -> Result<ScalarBuffer<i64>, String> {
    let times = values.iter().map(|value| {
        let time_ns = value.checked_mul(factor);
        time_ns.ok_or_else(|| format!("the time {value}, which is outside of 64-bit nanoseconds"))
    });
    times.collect::<Result<Vec<i64>, String>>().map(Into::into)
}

/// Converts a column to a tag. An error in words if it has no texts.
pub(super) fn tag(array: &ArrayRef) -> Result<DictionaryArray<Int32Type>, String> {
    let tag = array.as_dictionary_opt::<Int32Type>();
    let tag = tag.filter(|tag| tag.values().as_string_opt::<i32>().is_some());
    tag.cloned().ok_or_else(|| {
        format!(
            "the type {}, which cannot be read as tag",
            array.data_type()
        )
    })
}

/// Converts a column to a field of its type. An error in words if a value does not fit.
pub(super) fn field(array: &ArrayRef, field_type: FieldType) -> Result<ArrayRef, String> {
    let unreadable =
        |found: &DataType| format!("the type {found}, which cannot be read as {field_type}");
    Ok(match (field_type, array.data_type()) {
        (FieldType::Float, DataType::Float64)
        | (FieldType::Integer, DataType::Int64)
        | (FieldType::Unsigned, DataType::UInt64)
        | (FieldType::Boolean, DataType::Boolean)
        | (FieldType::String, DataType::Utf8 | DataType::Utf8View) => Arc::clone(array),
        (FieldType::Float, DataType::Float32) => widen::<Float32Type, Float64Type>(array),
        (FieldType::Integer, DataType::Int32) => widen::<Int32Type, Int64Type>(array),
        (FieldType::Integer, DataType::Int16) => widen::<Int16Type, Int64Type>(array),
        (FieldType::Integer, DataType::Int8) => widen::<Int8Type, Int64Type>(array),
        (FieldType::Unsigned, DataType::UInt32) => widen::<UInt32Type, UInt64Type>(array),
        (FieldType::Unsigned, DataType::UInt16) => widen::<UInt16Type, UInt64Type>(array),
        (FieldType::Unsigned, DataType::UInt8) => widen::<UInt8Type, UInt64Type>(array),
        (FieldType::Unsigned, DataType::Decimal128(_, 0)) => unsigned::<Decimal128Type>(array)?,
        (FieldType::Unsigned, DataType::Int64) => unsigned::<Int64Type>(array)?,
        (_, found) => return Err(unreadable(found)),
    })
}

fn widen<From, To>(array: &ArrayRef) -> ArrayRef
where
    From: ArrowPrimitiveType,
    To: ArrowPrimitiveType,
    To::Native: std::convert::From<From::Native>,
{
    let array = array.as_primitive::<From>();
    Arc::new(array.unary::<_, To>(std::convert::Into::into))
}

fn unsigned<T>(array: &ArrayRef) -> Result<ArrayRef, String>
where
    T: ArrowPrimitiveType,
    u64: TryFrom<T::Native>,
{
    let array = array.as_primitive::<T>();
    let array: PrimitiveArray<UInt64Type> = array.try_unary(|value| {
        u64::try_from(value)
            .map_err(|_| format!("the value {value:?}, which is not an unsigned integer"))
    })?;
    Ok(Arc::new(array))
}
