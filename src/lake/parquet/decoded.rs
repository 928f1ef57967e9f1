//! Unpacked rows on their way into chunks that are bounded in bytes.
//!
//! Texts are views of their pages, and tags are keys of a dictionary, so a repeated value costs
//! nothing. A chunk has its own copy, so the number of rows that fit is known only once their values
//! were looked at.

use std::sync::Arc;

use crate::certain::Certain;
use crate::narrow;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow_schema::DataType;

/// Rows of some columns, of equal length, each of which may be long.
pub(super) struct Decoded {
    pub(super) arrays: Vec<ArrayRef>,
    pub(super) rows: usize,
}

/// The number of rows that fit a number of bytes, as one column after another is looked at.
pub(super) struct Fit {
    /// The bytes of each row, in the columns that were looked at.
    row_bytes: Vec<u64>,
    bytes_max: u64,
    /// The number of the first rows that fit.
    pub(super) rows: usize,
}

impl Decoded {
    /// Takes the first rows whose chunk is no larger than `bytes_max`, but at least one. At the end none
    /// are left.
    pub(super) fn split(&mut self, bytes_max: u64) -> Self {
        let mut fit = Fit::new(self.rows, bytes_max);
        self.arrays.iter().for_each(|array| fit.add(array));
        let rows = fit.rows;
        let arrays = self.arrays.iter().map(|array| array.slice(0, rows));
        let first = Self {
            arrays: arrays.collect(),
            rows,
        };
        self.rows -= rows;
        for array in &mut self.arrays {
            *array = array.slice(rows, self.rows);
        }
        first
    }
}

impl Fit {
    pub(super) fn new(rows: usize, bytes_max: u64) -> Self {
        Self {
            row_bytes: vec![0; rows],
            bytes_max,
            rows,
        }
    }

    /// Looks at a column of the rows.
    pub(super) fn add(&mut self, array: &ArrayRef) {
        match array.data_type() {
            DataType::Utf8View => self.add_lengths(array.as_string_view().lengths().map(u64::from)),
            DataType::Utf8 => {
                let lengths = array.as_string::<i32>().offsets().lengths();
                self.add_lengths(lengths.map(|length| length as u64));
            }
            DataType::Dictionary(..) => self.add_tag(array),
            other => {
                let width = other.primitive_width().unwrap_or(1) as u64;
                let fixed = self.row_bytes.iter_mut().take(self.rows);
                fixed.for_each(|bytes| *bytes += width);
            }
        }
        let mut bytes = 0_u64;
        let beyond = self.row_bytes.iter().take(self.rows).position(|row| {
            bytes = bytes.saturating_add(*row);
            bytes > self.bytes_max
        });
        self.rows = beyond.map_or(self.rows, |rows| rows.max(1));
    }

    fn add_lengths(&mut self, lengths: impl Iterator<Item = u64>) {
        let rows = self.row_bytes.iter_mut().take(self.rows);
        rows.zip(lengths)
            .for_each(|(bytes, length)| *bytes += length);
    }

    /// A chunk has a tag's value once for all rows of its series.
    fn add_tag(&mut self, array: &ArrayRef) {
        let Some(tag) = array.as_dictionary_opt::<Int32Type>() else {
            return;
        };
        let Some(values) = tag.values().as_string_opt::<i32>() else {
            return;
        };
        if (values.value_data().len() as u64) < self.bytes_max / 64 {
            // Their number does not matter.
            return;
        }
        let mut before = None;
        let lengths = tag.keys().iter().map(|key| {
            let is_new = key != before;
            before = key;
            let place = key
                .filter(|_| is_new)
                .and_then(|key| usize::try_from(key).ok());
            let length = place.filter(|place| *place < values.len());
            length.map_or(0, |place| values.value(place).len() as u64)
        });
        self.add_lengths(lengths);
    }
}

/// Copies the first rows of a column out of the pages and the dictionary that hold their values.
pub(super) fn compact(array: &ArrayRef, rows: usize) -> ArrayRef {
    let array = array.slice(0, rows);
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::Dictionary(..) => match array.as_dictionary_opt::<Int32Type>() {
            Some(tag) => used(tag).map_or(array, |tag| Arc::new(tag)),
            None => array,
        },
        _ => array,
    }
}

/// Reduces a tag to the values that a row has; nothing if it has no texts.
fn used(tag: &DictionaryArray<Int32Type>) -> Option<DictionaryArray<Int32Type>> {
    let values = tag.values().as_string_opt::<i32>()?;
    let mut places: std::collections::HashMap<i32, i32> = std::collections::HashMap::new();
    let mut texts: Vec<&str> = Vec::new();
    let keys = tag.keys().iter().map(|key| {
        let key = key?;
        let place = *places.entry(key).or_insert_with(|| {
            let text = usize::try_from(key).ok().filter(|key| *key < values.len());
            let text = text.certain("keys are within the dictionary, which Arrow checks");
            texts.push(values.value(text));
            narrow::id(texts.len() - 1).cast_signed()
        });
        Some(place)
    });
    let keys: Int32Array = keys.collect();
    let texts = Arc::new(StringArray::from_iter_values(texts));
    DictionaryArray::try_new(keys, texts).ok()
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float64Array, StringViewArray};

    use super::*;

    fn decoded() -> Decoded {
        let long = "x".repeat(1000);
        let keys = Int32Array::from(vec![Some(2), Some(2), None, Some(0), Some(0), Some(2)]);
        let values = StringArray::from(vec!["a".repeat(500), "-".repeat(5000), "b".repeat(600)]);
        let tag = DictionaryArray::try_new(keys, Arc::new(values)).unwrap();
        let texts = StringViewArray::from(vec![
            Some(&*long),
            None,
            Some("short"),
            Some(&long),
            Some(&long),
            Some(&long),
        ]);
        let floats = Float64Array::from(vec![1.0; 6]);
        let arrays: Vec<ArrayRef> = vec![Arc::new(floats), Arc::new(tag), Arc::new(texts)];
        Decoded { arrays, rows: 6 }
    }

    #[test]
    fn chunks_have_as_many_rows_as_fit_their_bytes_and_one_at_least() {
        let sizes = |bytes_max| {
            let mut all = decoded();
            std::iter::from_fn(|| (all.rows > 0).then(|| all.split(bytes_max).rows))
                .collect::<Vec<usize>>()
        };
        assert_eq!(sizes(1 << 20), [6]);
        assert_eq!(sizes(1), [1; 6]);
        // 600 + 1000, then 5, then 500 + 1000, and so on.
        assert_eq!(sizes(1700), [3, 1, 1, 1]);
        assert_eq!(sizes(2600), [3, 2, 1]);
    }

    #[test]
    fn a_compact_column_has_the_same_values_and_no_others() {
        let all = decoded();
        for array in &all.arrays {
            let short = compact(array, 3);
            assert_eq!(short.as_ref(), array.slice(0, 3).as_ref(), "the same texts");
        }
        let tag = compact(&all.arrays[1], 3);
        assert_eq!(tag.as_dictionary::<Int32Type>().values().len(), 1);
        let texts = compact(&all.arrays[2], 3);
        assert!(texts.get_buffer_memory_size() < 2000);
    }
}
