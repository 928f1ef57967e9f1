//! The memory that a batch can take once it is part of a growing one.
//!
//! A vector doubles, so its capacity is below twice its length (or the smallest capacity there
//! is); a hash table has at most 16/7 buckets per entry. The bound of two batches together is at
//! most the sum of their bounds, whatever they share: that is what lets a writer reserve memory
//! before it logs, without knowing what is in the buffer.

use super::batch::{Batch, TagColumn};
use super::column::{FieldColumn, Values};
use super::index::{Hashed, ValueIndex};
use super::presence::Run;
use super::series::SeriesTable;
use super::strings::Strings;

impl Batch {
    /// The most bytes that [`super::BatchBuilder::append`] of this batch can add to a builder's
    /// capacity, seen over the life of the builder: the sum over all appended batches is never
    /// below the builder's [`super::BatchBuilder::heap_bytes`].
    pub fn append_bytes_max(&self) -> u64 {
        bytes_max(self)
    }
}

/// The most bytes a builder with these contents can have on its heap.
pub(super) fn bytes_max(batch: &Batch) -> u64 {
    let tags: usize = batch.tags.iter().map(tag_bytes_max).sum();
    let fields: usize = batch.fields.iter().map(field_bytes_max).sum();
    let bytes = batch.measurement.len()
        + tags
        + vec_max(batch.tags.len(), size_of::<TagColumn>())
        + vec_max(batch.tags.len(), size_of::<ValueIndex>())
        + table_max(batch.tags.len())
        + series_bytes_max(&batch.series)
        + vec_max(batch.rows(), size_of::<i64>())
        + vec_max(batch.rows(), size_of::<u32>())
        + fields
        + vec_max(batch.fields.len(), size_of::<FieldColumn>())
        + table_max(batch.fields.len());
    bytes as u64
}

fn tag_bytes_max(tag: &TagColumn) -> usize {
    tag.key.len() + strings_max(&tag.values) + table_max(tag.values.len())
}

fn field_bytes_max(field: &FieldColumn) -> usize {
    let values = match &field.values {
        Values::Boolean(values) => vec_max(values.len().div_ceil(8), 1),
        Values::String(values) => strings_max(values),
        Values::Float(_) | Values::Integer(_) | Values::Unsigned(_) => {
            vec_max(field.present_count(), size_of::<u64>())
        }
    };
    // One more run: the one that starts at row 0 is not listed here, but will be after others.
    field.name.len() + values + vec_max(field.presence.run_count() + 1, size_of::<Run>())
}

fn series_bytes_max(series: &SeriesTable) -> usize {
    let columns = |shape: &[u32]| {
        // The list itself, and the two scratch lists of a lookup, which are as long as the longest.
        size_of_val(shape) + 2 * vec_max(shape.len(), size_of::<u32>())
    };
    series
        .shapes()
        .iter()
        .map(|shape| columns(shape))
        .sum::<usize>()
        + vec_max(series.shapes().len(), size_of::<Box<[u32]>>())
        + table_max(series.shapes().len())
        + vec_max(series.len(), SeriesTable::ENTRY_BYTES)
        + vec_max(series.value_count(), size_of::<u32>())
        + table_max(series.len())
}

fn strings_max(strings: &Strings) -> usize {
    vec_max(strings.byte_len(), 1) + vec_max(strings.len() + 1, size_of::<i32>())
}

/// The most bytes of capacity that a vector of `length` elements can have grown to.
fn vec_max(length: usize, element_bytes: usize) -> usize {
    // The standard library's smallest capacities: 8 single bytes, 4 of anything larger.
    let smallest = if element_bytes == 1 { 8 } else { 4 };
    if length == 0 {
        0
    } else {
        (2 * length).max(smallest) * element_bytes
    }
}

/// The most bytes that a hash table of `length` entries can have grown to: a byte per bucket beside the
/// entry, at most 16/7 buckets per entry or four in all, and a group of control bytes with its padding.
fn table_max(length: usize) -> usize {
    let bucket_bytes = size_of::<Hashed>() + 1;
    if length == 0 {
        0
    } else {
        (16 * bucket_bytes).div_ceil(7) * length + 4 * bucket_bytes + 32
    }
}
