//! Rows in pieces that are small whatever is in them: a batch of a query has thousands of rows, and
//! a row may hold a megabyte.

use arrow_array::{Array, RecordBatch};

/// About the most bytes that the rows of a slice hold, unless a single row has more.
const SLICE_BYTES: usize = 64 << 10;

/// The rows of a batch in order, in slices that share its memory.
pub fn slices(rows: &RecordBatch) -> impl Iterator<Item = RecordBatch> + use<> {
    let (rows, count) = (rows.clone(), rows.num_rows());
    let bytes = bytes_of(&rows).max(1);
    let step = SLICE_BYTES.saturating_mul(count) / bytes;
    let step = step.clamp(1, count.max(1));
    let starts = (0..count).step_by(step);
    starts.map(move |start| rows.slice(start, step.min(count - start)))
}

/// The bytes of the values, without those that the batch shares with other rows.
fn bytes_of(rows: &RecordBatch) -> usize {
    let columns = rows.columns().iter();
    let bytes = columns.map(|column| {
        let own = column.to_data().get_slice_memory_size();
        own.unwrap_or_else(|_| column.get_array_memory_size())
    });
    bytes.sum()
}
