//! Rows that the program knows, as parts of series.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array};
use tidegate_query::influxql::series::SeriesPart;

use crate::certain::Certain;

/// A series of these columns, of one length. A series without a name has an empty one.
pub(super) fn part<const N: usize>(name: &str, columns: [(&str, ArrayRef); N]) -> SeriesPart {
    let names = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let rows = RecordBatch::try_from_iter(columns);
    SeriesPart {
        name: Arc::from(name),
        tags: None,
        columns: names,
        rows: rows.certain("the columns are of the same rows"),
    }
}

pub(super) fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

pub(super) fn integers(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

pub(super) fn unsigned(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

pub(super) fn booleans(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.into_iter().map(Some)))
}
