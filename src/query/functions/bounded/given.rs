//! The arguments of a call, row by row.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int64Type, IntervalMonthDayNanoType, TimestampNanosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use datafusion::arrow::compute::cast;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

use crate::values::key;

/// The nanoseconds of a day.
pub(super) const DAY: i128 = 86_400_000_000_000;

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Given {
    arguments: Vec<Argument>,
    rows: usize,
}

#[derive(Debug)]
struct Argument {
    /// One row if it is the same in all. A dictionary stays one: unpacked it may be a thousand times as
    /// large, and nothing was lent for that yet.
    values: ArrayRef,
    is_constant: bool,
}

impl Given {
    pub(super) fn new(arguments: &[ColumnarValue], rows: usize) -> Result<Self> {
        let arguments = arguments.iter().map(|argument| {
            let (values, is_constant) = match argument {
                ColumnarValue::Array(array) => (array.clone(), false),
                ColumnarValue::Scalar(value) => (value.to_array_of_size(1)?, true),
            };
            let values = plain(values)?;
            Ok(Argument {
                values,
                is_constant,
            })
        });
        let arguments = arguments.collect::<Result<Vec<_>>>()?;
        // A call with constants alone is made once.
        let is_constant = arguments.iter().all(|argument| argument.is_constant);
        let rows = if is_constant { 1 } else { rows };
        Ok(Self { arguments, rows })
    }

    /// The number of values that a call makes.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.arguments.len()
    }

    fn at(&self, place: usize, row: usize) -> Option<(&dyn Array, usize)> {
        let argument = self.arguments.get(place)?;
        let row = if argument.is_constant { 0 } else { row };
        let (values, row) = match argument.values.as_any_dictionary_opt() {
            Some(dictionary) if row < dictionary.len() => {
                (&**dictionary.values(), key(dictionary, row)?)
            }
            _ => (&*argument.values, row),
        };
        let is_there = row < values.len() && !values.is_null(row);
        is_there.then_some((values, row))
    }

    /// The bytes of an argument; 0 for null.
    pub(super) fn bytes(&self, place: usize, row: usize) -> u64 {
        self.at(place, row)
            .map_or(0, |(values, row)| wide(bytes(&*values.slice(row, 1))))
    }

    /// The number of elements of a list; 0 for null.
    pub(super) fn elements(&self, place: usize, row: usize) -> u64 {
        self.at(place, row)
            .and_then(|(values, row)| elements(values, row))
            .map_or(0, |elements| wide(elements.len()))
    }

    /// A string.
    pub(super) fn text(&self, place: usize, row: usize) -> Option<&str> {
        let (values, row) = self.at(place, row)?;
        match values.data_type() {
            DataType::Utf8 => Some(values.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Some(values.as_string::<i64>().value(row)),
            DataType::Utf8View => Some(values.as_string_view().value(row)),
            _ => None,
        }
    }

    /// An integer.
    pub(super) fn integer(&self, place: usize, row: usize) -> Option<i128> {
        let (values, row) = self.at(place, row)?;
        match values.data_type() {
            DataType::Int64 => Some(values.as_primitive::<Int64Type>().value(row).into()),
            DataType::UInt64 => Some(values.as_primitive::<UInt64Type>().value(row).into()),
            _ => None,
        }
    }

    /// An integer that counts something: 0 if it is negative.
    pub(super) fn number(&self, place: usize, row: usize) -> u64 {
        let number = self.integer(place, row).unwrap_or(0).max(0);
        u64::try_from(number).unwrap_or(u64::MAX)
    }

    /// A time, in nanoseconds.
    pub(super) fn time_ns(&self, place: usize, row: usize) -> Option<i128> {
        let (values, row) = self.at(place, row)?;
        match values.data_type() {
            DataType::Date32 => {
                Some(i128::from(values.as_primitive::<Date32Type>().value(row)) * DAY)
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                let times = values.as_primitive::<TimestampNanosecondType>();
                Some(times.value(row).into())
            }
            _ => None,
        }
    }

    /// The nanoseconds of an interval, with short months and short days.
    pub(super) fn interval_ns(&self, place: usize, row: usize) -> Option<i128> {
        let (values, row) = self.at(place, row)?;
        let values = values.as_primitive_opt::<IntervalMonthDayNanoType>()?;
        let interval = values.value(row);
        let (months, days) = (i128::from(interval.months), i128::from(interval.days));
        Some(months * 28 * DAY + days * (DAY - DAY / 24) + i128::from(interval.nanoseconds))
    }
}

/// The bytes of all values of an array, and of nothing else that its buffers hold.
fn bytes(values: &dyn Array) -> usize {
    let per_value = values.len().saturating_mul(8);
    let range = |first: Option<&i32>, last: Option<&i32>| match (first, last) {
        (Some(first), Some(last)) => narrow(i64::from(*last) - i64::from(*first)),
        _ => {
            debug_assert!(false, "offsets are never empty");
            usize::MAX
        }
    };
    match values.data_type() {
        DataType::Utf8 => {
            let offsets = values.as_string::<i32>().value_offsets();
            range(offsets.first(), offsets.last()) + per_value
        }
        DataType::List(_) => {
            let values = values.as_list::<i32>();
            let lists = values.iter().flatten();
            lists.map(|list| bytes(&*list)).sum::<usize>() + per_value
        }
        DataType::LargeList(_) => {
            let values = values.as_list::<i64>();
            let lists = values.iter().flatten();
            lists.map(|list| bytes(&*list)).sum::<usize>() + per_value
        }
        DataType::Utf8View => {
            let values = values.as_string_view();
            values.lengths().fold(2 * per_value, |sum, bytes| {
                sum.saturating_add(narrow(bytes.into()))
            })
        }
        other => match other.primitive_width() {
            Some(width) => values.len().saturating_mul(width),
            None => values
                .to_data()
                .get_slice_memory_size()
                .unwrap_or_else(|_| values.get_buffer_memory_size()),
        },
    }
}

/// The elements of a list.
fn elements(values: &dyn Array, row: usize) -> Option<ArrayRef> {
    match values.data_type() {
        DataType::List(_) => Some(values.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(values.as_list::<i64>().value(row)),
        DataType::FixedSizeList(_, _) => Some(values.as_fixed_size_list().value(row)),
        _ => None,
    }
}

/// The values in one of the types that are read here.
fn plain(values: ArrayRef) -> Result<ArrayRef> {
    let to = match values.data_type() {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => DataType::Int64,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => return Ok(values),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        _ => return Ok(values),
    };
    Ok(cast(&values, &to)?)
}

fn wide(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// A length as Arrow keeps it, which is never negative. What makes no sense is too much.
fn narrow(bytes: i64) -> usize {
    debug_assert!(bytes >= 0, "a length of {bytes} bytes");
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
    use datafusion::logical_expr::ColumnarValue;

    use super::Given;

    /// From a review: tags were unpacked to see how much a call would make of them, before it was
    /// asked whether there is memory.
    #[test]
    fn packed_arguments_are_read_in_place() {
        let values = StringArray::from(vec!["a".repeat(60_000), "b".to_owned()]);
        let keys: Int32Array = [Some(0), None, Some(1), Some(0)]
            .iter()
            .cycle()
            .take(8192)
            .collect();
        let tags = DictionaryArray::<Int32Type>::new(keys, Arc::new(values));
        let given = Given::new(&[ColumnarValue::Array(Arc::new(tags) as ArrayRef)], 8192);
        let given = given.expect("read");
        let held = given.arguments[0].values.get_array_memory_size();
        assert!(held < 1 << 20, "{held}");
        let texts: Vec<_> = (0..4).map(|row| given.text(0, row).map(str::len)).collect();
        assert_eq!(texts, [Some(60_000), None, Some(1), Some(60_000)]);
        assert_eq!(given.bytes(0, 1), 0);
        assert!((60_000..60_100).contains(&given.bytes(0, 8191 - 8191 % 4)));
    }
}
