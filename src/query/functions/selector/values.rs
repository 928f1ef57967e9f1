//! The value that each group has chosen so far, one kind of store per kind of value.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::types::{
    ArrowPrimitiveType, Float64Type, Int64Type, TimestampNanosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowNativeTypeOp, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::{DataType, TimeUnit};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::EmitTo;

use super::winners::{Choice, Groups, Types, Winners};

/// The values of all groups.
pub(super) trait Values: Send + Sync + 'static {
    /// The rows of a batch that values are taken from.
    type Rows: Array + 'static;

    /// Makes room for this many groups.
    fn resize(&mut self, groups: usize);
    /// Compares the value of a row with that of a group.
    fn compare(&self, rows: &Self::Rows, row: usize, group: usize) -> Option<Ordering>;
    /// Takes the value of a row for a group.
    fn keep(&mut self, rows: &Self::Rows, row: usize, group: usize);
    /// Takes the values out; null where none was kept.
    fn take(&mut self, emit: EmitTo, kept: &[bool]) -> ArrayRef;
    /// Bytes of memory in use.
    fn size(&self) -> usize;
}

/// The type in which values of a type are chosen; none if they cannot be.
pub(super) fn supported(given: &DataType) -> Option<DataType> {
    Some(match given {
        DataType::Float64 | DataType::Float32 | DataType::Float16 => DataType::Float64,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => DataType::Int64,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            DataType::UInt64
        }
        DataType::Boolean => DataType::Boolean,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
            DataType::Utf8
        }
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Nanosecond, zone.clone()),
        DataType::Dictionary(_, values) => supported(values)?,
        _ => return None,
    })
}

/// The accumulator for values of a supported type.
pub(super) fn winners(choice: Choice, types: &Types) -> Result<Groups> {
    let numbers = types.value.clone();
    match &types.value {
        DataType::Float64 => Winners::make(choice, Numbers::<Float64Type>::new(numbers), types),
        DataType::Int64 => Winners::make(choice, Numbers::<Int64Type>::new(numbers), types),
        DataType::UInt64 => Winners::make(choice, Numbers::<UInt64Type>::new(numbers), types),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = Numbers::<TimestampNanosecondType>::new(numbers);
            Winners::make(choice, times, types)
        }
        DataType::Boolean => Winners::make(choice, Flags::default(), types),
        DataType::Utf8 => Winners::make(choice, Texts::default(), types),
        other => internal_err!("a selector over values of type {other}"),
    }
}

struct Numbers<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    data_type: DataType,
}

impl<T: ArrowPrimitiveType> Numbers<T> {
    fn new(data_type: DataType) -> Self {
        let values = Vec::new();
        Self { values, data_type }
    }
}

impl<T: ArrowPrimitiveType> Values for Numbers<T> {
    type Rows = PrimitiveArray<T>;

    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, T::Native::default());
    }

    fn compare(&self, rows: &Self::Rows, row: usize, group: usize) -> Option<Ordering> {
        let kept = self.values.get(group)?;
        Some(rows.value(row).compare(*kept))
    }

    fn keep(&mut self, rows: &Self::Rows, row: usize, group: usize) {
        if let Some(kept) = self.values.get_mut(group) {
            *kept = rows.value(row);
        }
    }

    fn take(&mut self, emit: EmitTo, kept: &[bool]) -> ArrayRef {
        let values = emit.take_needed(&mut self.values).into_iter().zip(kept);
        let values = values.map(|(value, kept)| kept.then_some(value));
        let values: PrimitiveArray<T> = values.collect();
        Arc::new(values.with_data_type(self.data_type.clone()))
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<T::Native>()
    }
}

#[derive(Default)]
struct Flags(Vec<bool>);

impl Values for Flags {
    type Rows = BooleanArray;

    fn resize(&mut self, groups: usize) {
        self.0.resize(groups, false);
    }

    fn compare(&self, rows: &BooleanArray, row: usize, group: usize) -> Option<Ordering> {
        Some(rows.value(row).cmp(self.0.get(group)?))
    }

    fn keep(&mut self, rows: &BooleanArray, row: usize, group: usize) {
        if let Some(kept) = self.0.get_mut(group) {
            *kept = rows.value(row);
        }
    }

    fn take(&mut self, emit: EmitTo, kept: &[bool]) -> ArrayRef {
        let values = emit.take_needed(&mut self.0).into_iter().zip(kept);
        let values = values.map(|(value, kept)| kept.then_some(value));
        Arc::new(values.collect::<BooleanArray>())
    }

    fn size(&self) -> usize {
        self.0.capacity()
    }
}

#[derive(Default)]
struct Texts {
    values: Vec<String>,
    bytes: usize,
}

impl Values for Texts {
    type Rows = StringArray;

    fn resize(&mut self, groups: usize) {
        self.values.resize_with(groups, String::new);
    }

    fn compare(&self, rows: &StringArray, row: usize, group: usize) -> Option<Ordering> {
        Some(rows.value(row).cmp(self.values.get(group)?.as_str()))
    }

    fn keep(&mut self, rows: &StringArray, row: usize, group: usize) {
        if let Some(kept) = self.values.get_mut(group) {
            let before = kept.capacity();
            kept.clear();
            kept.push_str(rows.value(row));
            self.bytes += kept.capacity() - before;
        }
    }

    fn take(&mut self, emit: EmitTo, kept: &[bool]) -> ArrayRef {
        let values = emit.take_needed(&mut self.values);
        let freed: usize = values.iter().map(String::capacity).sum();
        self.bytes -= freed;
        let mut array = StringBuilder::with_capacity(values.len(), freed);
        for (value, kept) in values.into_iter().zip(kept) {
            array.append_option(kept.then_some(value));
        }
        Arc::new(array.finish())
    }

    fn size(&self) -> usize {
        self.values.capacity() * size_of::<String>() + self.bytes
    }
}
