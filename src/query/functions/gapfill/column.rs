//! One column of a group, and the values that it gets where there were none.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int64Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, PrimitiveArray, StructArray, UInt64Array,
    new_null_array,
};
use arrow_schema::DataType;
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::{cast, take};
use datafusion::common::cast::{
    as_float64_array, as_int64_array, as_struct_array, as_uint64_array,
};
use datafusion::common::internal_err;
use datafusion::error::Result;

use super::calls::{Fill, VALUE};

/// One column of a group.
pub(super) struct Column {
    values: ArrayRef,
    way: Way,
}

enum Way {
    /// The bin, which is none of ours to fill.
    Bin,
    /// The same in each row.
    Tag,
    /// Null where no row is.
    Null,
    Locf(Cursor),
    Interpolate(Cursor, Numbers),
    /// What a selector gives: the values in one of its fields.
    Selected(Cursor, Numbers),
}

impl Column {
    /// The place of the bin, which stays empty.
    pub(super) fn bin() -> Self {
        Self {
            values: new_null_array(&DataType::Null, 0),
            way: Way::Bin,
        }
    }

    /// A column that makes the group.
    pub(super) fn tag(values: &ArrayRef) -> Self {
        Self {
            values: Arc::clone(values),
            way: Way::Tag,
        }
    }

    /// A column of values.
    ///
    /// # Errors
    /// They cannot be filled this way.
    pub(super) fn filled(fill: Fill, values: &ArrayRef) -> Result<Self> {
        let way = match (fill, values.data_type()) {
            (Fill::Null, _) => Way::Null,
            (Fill::Locf, _) => Way::Locf(Cursor::new(values.logical_nulls())),
            (Fill::Interpolate, DataType::Null) => Way::Null,
            (Fill::Interpolate, DataType::Struct(_)) => {
                let selected = as_struct_array(values)?;
                let Some(numbers) = selected.column_by_name(VALUE) else {
                    return internal_err!("nothing to interpolate between {}", values.data_type());
                };
                let nulls = numbers.logical_nulls();
                let nulls = NullBuffer::union(nulls.as_ref(), selected.nulls());
                Way::Selected(Cursor::new(nulls), Numbers::new(numbers)?)
            }
            (Fill::Interpolate, _) => {
                Way::Interpolate(Cursor::new(values.logical_nulls()), Numbers::new(values)?)
            }
        };
        let values = Arc::clone(values);
        Ok(Self { values, way })
    }

    /// The values for some bins, which come in order. `times` are the bins of the rows that there are,
    /// `rows` the ones of these that the bins have.
    ///
    /// # Errors
    /// Arrow cannot make them.
    pub(super) fn fill(
        &mut self,
        times: &[i64],
        starts: &[i64],
        rows: &UInt64Array,
    ) -> Result<ArrayRef> {
        match &mut self.way {
            Way::Bin => Ok(new_null_array(&DataType::Null, rows.len())),
            Way::Tag => {
                let firsts = UInt64Array::from(vec![0; rows.len()]);
                Ok(take(&self.values, &firsts, None)?)
            }
            Way::Null => Ok(take(&self.values, rows, None)?),
            Way::Locf(cursor) => {
                let last = starts.iter().map(|start| {
                    cursor.move_to(*start, times);
                    cursor.before.map(|row| row as u64)
                });
                let last: UInt64Array = last.collect();
                Ok(take(&self.values, &last, None)?)
            }
            Way::Interpolate(cursor, numbers) => {
                let places = starts.iter().map(|start| cursor.place(*start, times));
                numbers.at(&places.collect::<Vec<_>>(), self.values.data_type())
            }
            Way::Selected(cursor, numbers) => {
                let places = starts.iter().map(|start| cursor.place(*start, times));
                select(&self.values, numbers, &places.collect::<Vec<_>>(), rows)
            }
        }
    }
}

/// The rows of a selector, with values in between. The time of such a value is null.
fn select(
    selected: &ArrayRef,
    numbers: &Numbers,
    places: &[Place],
    rows: &UInt64Array,
) -> Result<ArrayRef> {
    let taken = take(selected, rows, None)?;
    let (fields, mut columns, nulls) = as_struct_array(&taken)?.clone().into_parts();
    let mut is_there = nulls.map_or_else(|| vec![true; rows.len()], |nulls| nulls.iter().collect());
    for (field, column) in fields.iter().zip(&mut columns) {
        if field.name() == VALUE {
            *column = numbers.at(places, field.data_type())?;
            for (row, is_there) in is_there.iter_mut().enumerate() {
                *is_there |= column.is_valid(row);
            }
        }
    }
    let nulls = NullBuffer::from(is_there);
    Ok(Arc::new(StructArray::try_new(
        fields,
        columns,
        Some(nulls),
    )?))
}

/// A place among the rows that have a value. It moves on with the time.
struct Cursor {
    nulls: Option<NullBuffer>,
    /// The last row with a value up to the time.
    before: Option<usize>,
    /// The first row after the time.
    after: usize,
    /// The first row with a value from there on, or one before it.
    next: usize,
}

/// Where a bin lies among the rows that have a value.
enum Place {
    /// Before the first of them, or after the last one.
    Outside,
    /// On one.
    Row(usize),
    /// Between two.
    Between(usize, usize, Part),
}

/// A part of the time between two rows, in nanoseconds.
#[derive(Clone, Copy)]
struct Part {
    passed: u64,
    whole: u64,
}

impl Cursor {
    fn new(nulls: Option<NullBuffer>) -> Self {
        Self {
            nulls,
            before: None,
            after: 0,
            next: 0,
        }
    }

    fn has_value(&self, row: usize) -> bool {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
    }

    /// Moves on to a time.
    fn move_to(&mut self, time: i64, times: &[i64]) {
        while times.get(self.after).is_some_and(|row| *row <= time) {
            if self.has_value(self.after) {
                self.before = Some(self.after);
            }
            self.after += 1;
        }
    }

    /// Moves on to a time, and tells where that is.
    fn place(&mut self, time: i64, times: &[i64]) -> Place {
        self.move_to(time, times);
        let Some(before) = self.before else {
            return Place::Outside;
        };
        let Some(&from) = times.get(before) else {
            return Place::Outside;
        };
        if from == time {
            return Place::Row(before);
        }
        self.next = self.next.max(self.after);
        while self.next < times.len() && !self.has_value(self.next) {
            self.next += 1;
        }
        let Some(&to) = times.get(self.next) else {
            return Place::Outside;
        };
        let part = Part {
            passed: from.abs_diff(time),
            whole: from.abs_diff(to),
        };
        Place::Between(before, self.next, part)
    }
}

/// Numbers of the three kinds between which a line is drawn.
enum Numbers {
    Float(Float64Array),
    Signed(Int64Array),
    Unsigned(UInt64Array),
}

impl Numbers {
    fn new(values: &ArrayRef) -> Result<Self> {
        let data_type = values.data_type();
        Ok(if data_type.is_unsigned_integer() {
            Self::Unsigned(as_uint64_array(&cast(values, &DataType::UInt64)?)?.clone())
        } else if data_type.is_integer() {
            Self::Signed(as_int64_array(&cast(values, &DataType::Int64)?)?.clone())
        } else {
            Self::Float(as_float64_array(&cast(values, &DataType::Float64)?)?.clone())
        })
    }

    /// The numbers at some places, in a type that they came in.
    fn at(&self, places: &[Place], data_type: &DataType) -> Result<ArrayRef> {
        let numbers: ArrayRef = match self {
            Self::Float(values) => Arc::new(at::<Float64Type>(values, places, float)),
            Self::Signed(values) => Arc::new(at::<Int64Type>(values, places, signed)),
            Self::Unsigned(values) => Arc::new(at::<UInt64Type>(values, places, unsigned)),
        };
        match numbers.data_type() == data_type {
            true => Ok(numbers),
            false => Ok(cast(&numbers, data_type)?),
        }
    }
}

/// What lies between two numbers, at a part of the way.
type Between<N> = fn(N, N, Part) -> Option<N>;

fn at<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    places: &[Place],
    between: Between<T::Native>,
) -> PrimitiveArray<T> {
    let numbers = places.iter().map(|place| match *place {
        Place::Outside => None,
        Place::Row(row) => Some(values.value(row)),
        Place::Between(before, after, part) => {
            let number = between(values.value(before), values.value(after), part);
            debug_assert!(number.is_some(), "what lies between two numbers is one");
            number
        }
    });
    numbers.collect()
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a part of a line is as exact as a float is"
)]
#[allow(clippy::unnecessary_wraps, reason = "whole numbers need it")]
fn float(before: f64, after: f64, part: Part) -> Option<f64> {
    Some(before + (after - before) * (part.passed as f64 / part.whole as f64))
}

/// Whole numbers are cut off towards 0, as in InfluxQL.
fn signed(before: i64, after: i64, part: Part) -> Option<i64> {
    let (passed, whole) = (i128::from(part.passed), i128::from(part.whole));
    // Neither product leaves 128 bits, nor does the sum: the weights are 64 bits together.
    let sum = i128::from(before) * (whole - passed) + i128::from(after) * passed;
    i64::try_from(sum.checked_div(whole)?).ok()
}

fn unsigned(before: u64, after: u64, part: Part) -> Option<u64> {
    let (passed, whole) = (u128::from(part.passed), u128::from(part.whole));
    let sum = u128::from(before) * (whole - passed) + u128::from(after) * passed;
    u64::try_from(sum.checked_div(whole)?).ok()
}
