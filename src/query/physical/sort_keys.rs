//! Sorts of any number of rows, which keep room for their keys ([`SortMemory`]).
//!
//! The rows are measured on their way to the sort. In a merge they are compared by their keys, written out as
//! arrow's rows are: a number takes a byte more than it has, a text up to nine bytes for each eight, and a text of
//! a dictionary, of which a row has four bytes, as many as any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use datafusion::arrow::compute::kernels::length::length;
use datafusion::common::tree_node::Transformed;
use datafusion::common::utils::memory::get_record_batch_memory_size;
use datafusion::error::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::LexOrdering;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::TryStreamExt;

use super::between::{Between, Passing};
use super::each_node::{Change, Node};
use super::room::SortMemory;

/// What the keys of a batch take beside those of each row.
const BATCH_BYTES: usize = 256;

/// What is taken for a value of a dictionary that is neither a number nor a text.
const OTHER_BYTES: usize = 32;

/// What a key takes to be found.
const OFFSET_BYTES: usize = 8;

/// The most rows that a sort may hold of all that it has seen, as the engine does for the first rows alone: it
/// puts none of them on the disk.
const HELD_ROWS_MAX: usize = 64 << 10;

/// Keeps room for the keys of each sort.
#[derive(Debug)]
pub(crate) struct KeepRoom;

impl Change for KeepRoom {
    const NAME: &'static str = "keep_room";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let Some(sort) = node.downcast_ref::<SortExec>() else {
            return Ok(Transformed::no(node));
        };
        Ok(Transformed::yes(match sort.fetch() {
            None => Between::over(node, WithRoom),
            Some(rows) if rows > HELD_ROWS_MAX => {
                let all = Between::over(Arc::new(sort.with_fetch(None)), WithRoom);
                Arc::new(LocalLimitExec::new(all, rows))
            }
            Some(_) => return Ok(Transformed::no(node)),
        }))
    }
}

/// A sort that keeps room, of a plan that no rule will change.
///
/// # Errors
/// It cannot be made.
pub(super) fn with_room(sort: SortExec) -> Result<Arc<dyn ExecutionPlan>> {
    Ok(KeepRoom.change(Arc::new(sort))?.data)
}

/// The node above the sort.
#[derive(Debug)]
struct WithRoom;

impl Passing for WithRoom {
    const NAME: &'static str = "RoomExec";

    fn anew(&self) -> Self {
        Self
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let Some(sort) = input.downcast_ref::<SortExec>() else {
            return input.execute(partition, context);
        };
        let room_bytes = Arc::new(AtomicUsize::new(0));
        let measured = Measured {
            order: sort.expr().clone(),
            room_bytes: Arc::clone(&room_bytes),
            context: Arc::clone(&context),
        };
        let rows = Between::over(Arc::clone(sort.input()), measured);
        let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        let sort = Arc::clone(input).replace_children(vec![rows], keep)?;
        let execution = &context.session_config().options().execution;
        let merging_bytes = execution.sort_spill_reservation_bytes;
        let memory = SortMemory::new(context.memory_pool(), room_bytes, merging_bytes);
        sort.execute(partition, Arc::new(within(&context, memory)))
    }
}

/// The same context with memory of a sort's own.
fn within(context: &TaskContext, memory: SortMemory) -> TaskContext {
    let runtime = RuntimeEnv {
        memory_pool: Arc::new(memory),
        ..RuntimeEnv::clone(&context.runtime_env())
    };
    TaskContext::new(
        context.task_id(),
        context.session_id(),
        context.session_config().clone(),
        context.scalar_functions().clone(),
        context.higher_order_functions().clone(),
        context.aggregate_functions().clone(),
        context.window_functions().clone(),
        Arc::new(runtime),
    )
}

/// The node below the sort, while it runs: it measures rows that are read with the memory of the question.
#[derive(Clone, Debug)]
struct Measured {
    order: LexOrdering,
    room_bytes: Arc<AtomicUsize>,
    context: Arc<TaskContext>,
}

impl Passing for Measured {
    const NAME: &'static str = "MeasuredExec";

    fn anew(&self) -> Self {
        self.clone()
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let rows = input.execute(partition, Arc::clone(&self.context))?;
        let (schema, measured) = (rows.schema(), self.clone());
        let rows = rows.and_then(move |batch| {
            let room = room_bytes(&batch, &measured.order);
            let batch = room.map(|bytes| {
                measured.room_bytes.store(bytes, Ordering::Relaxed);
                batch
            });
            std::future::ready(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// The bytes that the merge of a batch needs beyond those that a sort counts for it: twice its own, of which its
/// rows in order take one half.
fn room_bytes(batch: &RecordBatch, order: &LexOrdering) -> Result<usize> {
    let rows = batch.num_rows();
    let mut keys = Vec::new();
    for by in order {
        keys.push(by.expr.evaluate(batch)?.into_array(rows)?);
    }
    let written = match &keys[..] {
        // Compared as it is.
        [key] if is_compared_alone(key.data_type()) => return Ok(0),
        keys => keys.iter().map(written_bytes).sum::<usize>(),
    };
    let offsets = rows.saturating_mul(OFFSET_BYTES);
    let all = written.saturating_add(offsets).saturating_add(BATCH_BYTES);
    Ok(all.saturating_sub(get_record_batch_memory_size(batch)))
}

/// Returns true if values are compared as they are where they are the only key.
fn is_compared_alone(kind: &DataType) -> bool {
    let is_binary = matches!(kind, DataType::Binary | DataType::LargeBinary);
    kind.is_primitive() || kind.is_string() || is_binary
}

/// About the bytes of these values as keys.
fn written_bytes(values: &ArrayRef) -> usize {
    let rows = values.len();
    if let Some(dictionary) = values.as_any_dictionary_opt() {
        let each = written_lengths(dictionary.values());
        if each.is_empty() {
            return rows;
        }
        let keys = dictionary.normalized_keys().into_iter();
        return keys.map(|key| each.get(key).copied().unwrap_or(1)).sum();
    }
    match values.data_type() {
        kind if kind.is_string() || kind.is_binary() => written_lengths(values).into_iter().sum(),
        DataType::Boolean => rows * 2,
        DataType::Null => rows,
        kind => match kind.primitive_width() {
            Some(width) => rows * (width + 1),
            None => values.get_array_memory_size() * 2 + rows,
        },
    }
}

/// The bytes of each of these values as a key.
fn written_lengths(values: &ArrayRef) -> Vec<usize> {
    let written = |bytes: Option<usize>| match bytes {
        None | Some(0) => 1,
        // Blocks of eight bytes up to the 32nd, of 32 from there on, with one of its own each.
        Some(bytes) if bytes <= 32 => 1 + bytes.div_ceil(8) * 9,
        Some(bytes) => 4 + bytes.div_ceil(32) * 33,
    };
    let Ok(lengths) = length(values) else {
        let width = values.data_type().primitive_width();
        return vec![width.unwrap_or(OTHER_BYTES) + 1; values.len()];
    };
    let of = |bytes: i64| usize::try_from(bytes).unwrap_or(0);
    if let Some(lengths) = lengths.as_primitive_opt::<Int32Type>() {
        let lengths = lengths.iter();
        return lengths
            .map(|bytes| written(bytes.map(|bytes| of(i64::from(bytes)))))
            .collect();
    }
    let lengths = lengths.as_primitive_opt::<Int64Type>();
    let lengths = lengths.into_iter().flatten();
    lengths.map(|bytes| written(bytes.map(of))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeStringArray,
        RecordBatch, StringArray, StringViewArray,
    };
    use datafusion::arrow::row::{RowConverter, SortField};
    use datafusion::physical_expr::expressions::col;
    use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};

    use super::{BATCH_BYTES, OFFSET_BYTES, room_bytes, written_bytes};

    const ROWS: usize = 1000;

    /// Texts of up to 99 bytes, some of them empty, some absent.
    fn texts() -> impl Iterator<Item = Option<String>> {
        (0..ROWS).map(|row| (row % 7 > 0).then(|| "x".repeat(row % 100)))
    }

    fn columns() -> Vec<ArrayRef> {
        let numbers = || (0..1000).map(|number| (number % 3 > 0).then_some(number));
        let floats = numbers().map(|number| number.map(f64::from));
        let texts: Vec<_> = texts().collect();
        let texts = || texts.iter().map(Option::as_deref);
        vec![
            Arc::new(numbers().map(|n| n.map(i64::from)).collect::<Int64Array>()),
            Arc::new(floats.collect::<Float64Array>()),
            Arc::new(
                numbers()
                    .map(|n| n.map(|n| n > 9))
                    .collect::<BooleanArray>(),
            ),
            Arc::new(texts().collect::<StringArray>()),
            Arc::new(texts().collect::<LargeStringArray>()),
            Arc::new(texts().collect::<StringViewArray>()),
            Arc::new(texts().collect::<DictionaryArray<Int32Type>>()),
        ]
    }

    /// The measure is that of arrow, of which a newer one may write keys in another way.
    #[test]
    fn keys_are_measured_as_they_are_written() {
        for column in columns() {
            let kind = column.data_type().clone();
            let converter = RowConverter::new(vec![SortField::new(kind.clone())]);
            let rows = converter
                .expect("a key")
                .convert_columns(&[Arc::clone(&column)]);
            let size = rows.expect("written").size();
            let measured = written_bytes(&column) + ROWS * OFFSET_BYTES + BATCH_BYTES;
            assert!(measured >= size, "{kind}: {measured} < {size}");
            assert!(
                measured <= size + size / 20 + BATCH_BYTES,
                "{kind}: {measured} > {size}"
            );
        }
    }

    #[test]
    fn room_is_kept_for_what_the_keys_take_beyond_the_rows() {
        let columns = columns().into_iter().zip('a'..);
        let batch =
            RecordBatch::try_from_iter(columns.map(|(column, name)| (name.to_string(), column)));
        let batch = batch.expect("rows");
        let room = |columns: &[usize], keys: &[&str]| {
            let batch = batch.project(columns).expect("its columns");
            let by = |name: &&str| {
                PhysicalSortExpr::new_default(col(name, &batch.schema()).expect("a column"))
            };
            let order = LexOrdering::new(keys.iter().map(by)).expect("an order");
            room_bytes(&batch, &order).expect("measured")
        };
        assert_eq!(room(&[0], &["a"]), 0, "numbers are compared as they are");
        assert_eq!(room(&[3], &["d"]), 0, "and texts");
        assert!(
            room(&[0, 2], &["a", "c"]) > ROWS * (9 + 2 - 8 - 1),
            "not two"
        );
        assert!(room(&[6], &["g"]) > ROWS * 40, "nor those of a dictionary");
        assert_eq!(room(&[0, 1, 2, 3, 4], &["a", "c"]), 0, "the rows take more");
    }
}
