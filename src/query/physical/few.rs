//! Few rows are put in order where they are: they are held together, looked at whether they are in order
//! already, as those of a file mostly are, and sorted if not. What sorts any number of rows, and can put them on
//! disk, takes longer to be made ready than this takes.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;
use datafusion::arrow::array::make_comparator;
use datafusion::arrow::compute::{
    SortColumn, concat_batches, lexsort_to_indices, take_record_batch,
};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, PlanProperties};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::between::Passing;

/// The node.
#[derive(Debug)]
pub(super) struct SortFew {
    pub(super) order: LexOrdering,
    /// The most rows that are wanted.
    pub(super) fetch: Option<usize>,
}

impl Passing for SortFew {
    const NAME: &'static str = "SortFewExec";
    const IS_ORDERED: bool = false;

    fn anew(&self) -> Self {
        Self {
            order: self.order.clone(),
            fetch: self.fetch,
        }
    }

    fn properties(&self, below: &Arc<PlanProperties>) -> Arc<PlanProperties> {
        let schema = below.eq_properties.schema();
        let order =
            EquivalenceProperties::new_with_orderings(Arc::clone(schema), [self.order.clone()]);
        Arc::new(PlanProperties::clone(below).with_eq_properties(order))
    }

    fn execute(
        &self,
        input: &Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = input.schema();
        let memory = MemoryConsumer::new("few rows that are sorted");
        let memory = memory.register(context.memory_pool());
        let mut rows = input.execute(partition, context)?;
        let Self { order, fetch } = self.anew();
        let of_rows = Arc::clone(&schema);
        let sorted = async move {
            let mut batches = Vec::new();
            while let Some(batch) = rows.try_next().await? {
                // Once as they come, and once in order.
                memory.try_grow(batch.get_array_memory_size() * 2)?;
                batches.push(batch);
            }
            let rows = sorted(&batches, &of_rows, &order)?;
            let most = fetch.unwrap_or(usize::MAX).min(rows.num_rows());
            Ok((rows.slice(0, most), memory))
        };
        // The memory is that of the rows until somebody asks for the next ones.
        let sorted = stream::once(sorted).scan(None, |held, next: Result<_>| {
            let next = next.map(|(rows, memory)| {
                *held = Some(memory);
                rows
            });
            std::future::ready(Some(next))
        });
        let sorted = RecordBatchStreamAdapter::new(schema, sorted.boxed());
        Ok(Box::pin(sorted))
    }
}

/// These rows in order.
fn sorted(batches: &[RecordBatch], schema: &SchemaRef, order: &LexOrdering) -> Result<RecordBatch> {
    let rows = match batches {
        [rows] => rows.clone(),
        several => concat_batches(schema, several)?,
    };
    let mut columns = Vec::new();
    for by in order {
        columns.push(SortColumn {
            values: by.expr.evaluate(&rows)?.into_array(rows.num_rows())?,
            options: Some(by.options),
        });
    }
    if is_sorted(&columns, rows.num_rows())? {
        return Ok(rows);
    }
    let places = lexsort_to_indices(&columns, None)?;
    Ok(take_record_batch(&rows, &places)?)
}

fn is_sorted(columns: &[SortColumn], rows: usize) -> Result<bool> {
    let compare = |column: &SortColumn| {
        let (values, options): (&ArrayRef, _) = (&column.values, column.options);
        make_comparator(values, values, options.unwrap_or_default())
    };
    let compare: Vec<_> = columns.iter().map(compare).collect::<Result<_, _>>()?;
    let is_after = |row: usize| {
        let mut each = compare.iter().map(|compare| compare(row - 1, row));
        each.find(|way| way.is_ne()) == Some(Ordering::Greater)
    };
    Ok(!(1..rows).any(is_after))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, RecordBatch, StringArray};
    use arrow_schema::SortOptions;
    use datafusion::physical_expr::expressions::col;
    use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};

    use super::sorted;

    /// Rows of any order are in order afterwards, nulls where they are wanted, and none is lost.
    #[test]
    fn rows_are_sorted_whatever_their_order() {
        let texts = [Some("b"), None, Some("a"), Some("b"), None, Some("a")];
        for turns in 0..6 {
            for descending in [false, true] {
                let mut rows: Vec<_> = texts.into_iter().zip([3, 1, 4, 1, 5, 9]).collect();
                rows.rotate_left(turns);
                let of = |rows: &[(Option<&str>, i64)]| {
                    let texts = rows.iter().map(|(text, _)| *text).collect::<StringArray>();
                    let numbers = rows.iter().map(|(_, number)| *number);
                    let numbers = Int64Array::from_iter_values(numbers);
                    RecordBatch::try_from_iter_with_nullable([
                        ("text", Arc::new(texts) as _, true),
                        ("number", Arc::new(numbers) as _, true),
                    ])
                    .expect("rows")
                };
                let whole = of(&rows);
                let schema = whole.schema();
                let by = |name| PhysicalSortExpr {
                    expr: col(name, &schema).expect("a column"),
                    options: SortOptions {
                        descending,
                        nulls_first: !descending,
                    },
                };
                let order = LexOrdering::new([by("text"), by("number")]).expect("an order");
                let batches = [whole.slice(0, 2), whole.slice(2, 4)];
                rows.sort_unstable();
                if descending {
                    rows.reverse();
                }
                let found = sorted(&batches, &schema, &order).expect("sorted");
                assert_eq!(found, of(&rows), "{turns} {descending}");
                let again = sorted(std::slice::from_ref(&found), &schema, &order).expect("sorted");
                assert_eq!(again, found);
            }
        }
    }
}
