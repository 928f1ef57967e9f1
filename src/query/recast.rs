//! Batches as they leave: in types that every client reads, and in pieces that fit into memory.
//!
//! A tag of 64 KiB stands once in the dictionary of a batch, and once per row in what leaves. So a
//! batch is cut to about 1 MiB of unpacked text before it is unpacked, and that is taken from the
//! memory of questions first; if it is short, pieces get smaller.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::arrow::compute::cast;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};

use crate::error::QueryError;
use crate::values::value_bytes;

/// The bytes of unpacked values in a piece; a single row may have more.
const PIECE_BYTES_MAX: usize = 1 << 20;

/// The bytes of a piece that may be made without asking, so that no answer ends for want of so little.
const PIECE_BYTES_MIN: usize = 64 << 10;

/// Makes pieces of one answer.
#[derive(Debug)]
pub(crate) struct Recast {
    schema: SchemaRef,
    /// Empty: each piece has its own.
    memory: MemoryReservation,
}

/// Rows as they leave, and the memory that they have.
pub(crate) type Piece = (RecordBatch, Option<MemoryReservation>);

impl Recast {
    /// Makes pieces with this schema, with memory of this pool.
    pub(crate) fn new(schema: SchemaRef, memory: &Arc<dyn MemoryPool>) -> Self {
        Self {
            schema,
            memory: MemoryConsumer::new("answer").register(memory),
        }
    }

    /// Takes the next piece off a batch, of which it leaves the rest. The piece of an empty batch is
    /// empty.
    ///
    /// # Errors
    /// [`QueryError::Exhausted`] or [`QueryError::Crowded`] if a single row is larger than what is left
    /// of the memory.
    pub(crate) fn next(&self, batch: &mut RecordBatch) -> Result<Piece, QueryError> {
        let (rows, taken) = self.fitting(batch)?;
        let piece = self.recast(&batch.slice(0, rows))?;
        *batch = batch.slice(rows, batch.num_rows() - rows);
        Ok((piece, taken))
    }

    /// The number of rows of the next piece, with the memory that it takes.
    fn fitting(
        &self,
        batch: &RecordBatch,
    ) -> Result<(usize, Option<MemoryReservation>), QueryError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let unpacked = columns.filter(|(column, field)| column.data_type() != field.data_type());
        let unpacked: Vec<_> = unpacked.map(|(column, _)| column).collect();
        if unpacked.is_empty() {
            return Ok((batch.num_rows(), None));
        }
        let row_bytes = |row| unpacked.iter().map(|column| value_bytes(column, row)).sum();
        let mut most = PIECE_BYTES_MAX;
        loop {
            let (rows, bytes) = first(batch.num_rows(), row_bytes, most);
            if bytes <= PIECE_BYTES_MIN {
                return Ok((rows, None));
            }
            let taken = self.memory.new_empty();
            match taken.try_grow(bytes) {
                Ok(()) => return Ok((rows, Some(taken))),
                Err(refused) if rows <= 1 => return Err(refused.into()),
                Err(_) => most = PIECE_BYTES_MIN.max(most / 4),
            }
        }
    }

    fn recast(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns =
            columns.map(
                |(column, field)| match column.data_type() == field.data_type() {
                    true => Ok(Arc::clone(column)),
                    false => cast(column, field.data_type()),
                },
            );
        let columns = columns.collect::<Result<_, _>>();
        let batch =
            columns.and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns));
        batch.map_err(|error| QueryError::Internal(error.to_string()))
    }
}

/// The first rows that have at most so many bytes together, or the first one if it has more, and their
/// bytes.
fn first(rows: usize, row_bytes: impl Fn(usize) -> usize, most: usize) -> (usize, usize) {
    let mut all = 0_usize;
    for row in 0..rows {
        let bytes = row_bytes(row);
        if row > 0 && all.saturating_add(bytes) > most {
            return (row, all);
        }
        all = all.saturating_add(bytes);
    }
    (rows, all)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
    use arrow_schema::{DataType, Field, Schema};
    use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryConsumer, MemoryPool};

    use super::{PIECE_BYTES_MAX, Recast};
    use crate::QueryError;

    /// A tag that is the same in all rows, packed.
    fn batch(rows: i32, value_bytes: usize) -> RecordBatch {
        let value = StringArray::from(vec!["x".repeat(value_bytes)]);
        let keys: Int32Array = (0..rows).map(|row| (row % 3 > 0).then_some(0)).collect();
        let tags: ArrayRef = Arc::new(DictionaryArray::new(keys, Arc::new(value)));
        RecordBatch::try_from_iter([("host", tags)]).expect("a batch")
    }

    fn recast(memory: &Arc<dyn MemoryPool>) -> Recast {
        let schema = Schema::new(vec![Field::new("host", DataType::Utf8, true)]);
        Recast::new(Arc::new(schema), memory)
    }

    fn pool(bytes: usize) -> Arc<dyn MemoryPool> {
        Arc::new(GreedyMemoryPool::new(bytes))
    }

    /// From a review: 8192 rows of a tag with 64 KiB were unpacked at once, 512 MiB that nobody counted.
    #[test]
    fn a_batch_leaves_in_pieces_whose_memory_is_taken_first() {
        let memory = pool(4 << 20);
        let recast = recast(&memory);
        let mut left = batch(8192, 60_000);
        let (mut rows, mut values) = (0, 0);
        while left.num_rows() > 0 {
            let (piece, taken) = recast.next(&mut left).expect("it fits");
            let bytes = piece.column(0).as_string::<i32>().value_data().len();
            assert!(bytes <= PIECE_BYTES_MAX, "{bytes}");
            assert!(taken.is_none_or(|taken| taken.size() >= bytes));
            rows += piece.num_rows();
            values += piece.num_rows() - piece.column(0).null_count();
        }
        assert_eq!((rows, values), (8192, 5461));
        assert_eq!(memory.reserved(), 0);
    }

    #[test]
    fn pieces_get_smaller_when_memory_is_short_and_only_a_large_row_is_refused() {
        let memory = pool(100 << 10);
        let of_others = MemoryConsumer::new("others").register(&memory);
        of_others.try_grow(100 << 10).expect("free");
        let recast = recast(&memory);
        let mut left = batch(100, 10_000);
        while left.num_rows() > 0 {
            let (piece, taken) = recast.next(&mut left).expect("a small one");
            assert!(piece.num_rows() > 0 && taken.is_none());
        }
        let mut large = batch(2, 200_000).slice(1, 1);
        let refused = recast.next(&mut large).expect_err("a large one");
        assert!(matches!(refused, QueryError::Exhausted(_)), "{refused:?}");
    }

    #[test]
    fn a_batch_that_is_not_unpacked_leaves_whole() {
        let memory = pool(0);
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(100_000); 30]));
        let mut left = RecordBatch::try_from_iter([("host", texts)]).expect("a batch");
        let (piece, _) = recast(&memory)
            .next(&mut left)
            .expect("it is there already");
        assert_eq!((piece.num_rows(), left.num_rows()), (30, 0));
    }
}
