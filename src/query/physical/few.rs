//! Few rows are put in order where they are: they are held together, looked at whether they are in order
//! already, as those of a file mostly are, and sorted if not. What sorts any number of rows, and can put them on
//! disk, takes longer to be made ready than this takes. It goes on where the rows turn out to be long.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::SchemaRef;
use datafusion::arrow::array::{DynComparator, make_comparator};
use datafusion::arrow::compute::{SortColumn, concat_batches, take_record_batch};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, PlanProperties};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::between::Passing;
use super::sort_keys;

/// The most bytes of rows that are held as they come.
const HELD_BYTES_MAX: usize = 1 << 20;

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
        let rows = input.execute(partition, Arc::clone(&context))?;
        let sort = self.anew();
        let sorted = async move { sort.begin(rows, memory, context).await };
        let sorted = stream::once(sorted).try_flatten();
        let sorted = RecordBatchStreamAdapter::new(schema, sorted.boxed());
        Ok(Box::pin(sorted))
    }
}

impl SortFew {
    /// Reads as many rows as may be held, and sorts them if these are all.
    async fn begin(
        self,
        mut rows: SendableRecordBatchStream,
        memory: MemoryReservation,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = rows.schema();
        let mut batches = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            // Once as they come, and once in order.
            let bytes = batch.get_array_memory_size() * 2;
            let is_held = memory.size() + bytes <= HELD_BYTES_MAX * 2;
            batches.push(batch);
            if !is_held || memory.try_grow(bytes).is_err() {
                memory.free();
                let begun = stream::iter(batches.into_iter().map(Ok));
                let all = RecordBatchStreamAdapter::new(schema, begun.chain(rows));
                return self.sort_many(Box::pin(all), context);
            }
        }
        let sorted = sorted(&batches, &schema, &self.order)?;
        let most = self.fetch.unwrap_or(usize::MAX).min(sorted.num_rows());
        let sorted = sorted.slice(0, most);
        // The memory is that of the rows until somebody asks for the next ones.
        let once = stream::iter([sorted]).chain(stream::poll_fn(move |_| {
            memory.free();
            None.into()
        }));
        let once = RecordBatchStreamAdapter::new(schema, once.map(Ok));
        Ok(Box::pin(once))
    }

    /// Sorts any number of rows.
    fn sort_many(
        self,
        rows: SendableRecordBatchStream,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let begun = Begun {
            schema: rows.schema(),
            rows: Mutex::new(Some(rows)),
        };
        let (schema, begun) = (Arc::clone(&begun.schema), Arc::new(begun));
        let begun = StreamingTableExec::try_new(schema, vec![begun], None, [], false, None)?;
        let sort = SortExec::new(self.order, Arc::new(begun)).with_fetch(self.fetch);
        sort_keys::with_room(sort)?.execute(0, context)
    }
}

/// Rows that somebody has begun to read.
struct Begun {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun")
    }
}

impl PartitionStream for Begun {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = { rows }.take();
        rows.unwrap_or_else(|| {
            let twice = Err(internal_datafusion_err!(
                "rows that were begun are read again"
            ));
            let twice = stream::iter([twice]);
            Box::pin(RecordBatchStreamAdapter::new(
                Arc::clone(&self.schema),
                twice,
            ))
        })
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
    let by = Columns::new(&columns)?;
    let many = u32::try_from(rows.num_rows());
    let many =
        many.map_err(|_| internal_datafusion_err!("few rows are more than an index counts"))?;
    if (1..many).all(|row| by.compare(row - 1, row).is_le()) {
        return Ok(rows);
    }
    // This sort takes runs that are in order as they are, and rows of a file mostly are some such runs.
    let mut places: Vec<u32> = (0..many).collect();
    places.sort_by(|one, other| by.compare(*one, *other));
    Ok(take_record_batch(&rows, &UInt32Array::from(places))?)
}

/// The values that rows are compared by, one after the other.
struct Columns(Vec<DynComparator>);

impl Columns {
    fn new(columns: &[SortColumn]) -> Result<Self> {
        let compare = |column: &SortColumn| {
            let (values, options): (&ArrayRef, _) = (&column.values, column.options);
            make_comparator(values, values, options.unwrap_or_default())
        };
        let compare: Result<_, _> = columns.iter().map(compare).collect();
        Ok(Self(compare?))
    }

    fn compare(&self, one: u32, other: u32) -> Ordering {
        let (one, other) = (one as usize, other as usize);
        let mut each = self.0.iter().map(|compare| compare(one, other));
        each.find(|way| way.is_ne()).unwrap_or(Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Int64Array, RecordBatch, StringArray};
    use arrow_schema::SortOptions;
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::execution::TaskContext;
    use datafusion::execution::memory_pool::FairSpillPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::physical_expr::expressions::col;
    use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
    use datafusion::physical_plan::collect;
    use datafusion::prelude::SessionConfig;

    use super::super::between::Between;
    use super::{HELD_BYTES_MAX, SortFew, sorted};

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

    /// From a review: rows of long texts were refused that a sort would have put on disk, or of which it would
    /// have kept the first.
    #[tokio::test]
    async fn long_rows_are_sorted_as_many_are() {
        const ROWS: usize = 300;
        let text = "x".repeat(HELD_BYTES_MAX / 100);
        let batch = |from: i64| {
            let numbers = (0..100).map(|n| (from + n * 37) % 100 + from);
            let numbers: Int64Array = numbers.map(Some).collect();
            let texts = std::iter::repeat_n(Some(text.as_str()), 100).collect::<StringArray>();
            RecordBatch::try_from_iter([
                ("number", Arc::new(numbers) as _),
                ("text", Arc::new(texts) as _),
            ])
            .expect("rows")
        };
        // Some that are held first, and more than may be held.
        let batches = vec![
            batch(0).slice(0, 1),
            batch(200),
            batch(100),
            batch(0).slice(1, 99),
        ];
        let schema = batches[0].schema();
        for fetch in [None, Some(2)] {
            let input = MemorySourceConfig::try_new_exec(
                std::slice::from_ref(&batches),
                Arc::clone(&schema),
                None,
            );
            let by = PhysicalSortExpr::new_default(col("number", &schema).expect("a column"));
            let order = LexOrdering::new([by]).expect("an order");
            let input = input.expect("rows") as _;
            let sort = Between::over(input, SortFew { order, fetch });
            // About what a sort needs that puts them on disk.
            let pool = Arc::new(FairSpillPool::new(5 * HELD_BYTES_MAX));
            let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool).build_arc();
            let config = SessionConfig::new().with_sort_spill_reservation_bytes(1024);
            let context = TaskContext::default()
                .with_session_config(config)
                .with_runtime(runtime.expect("a runtime"));
            let rows = collect(sort, Arc::new(context)).await.expect("sorted");
            let numbers = rows.iter().flat_map(|rows| {
                let numbers = rows.column(0).as_primitive::<Int64Type>();
                numbers.values().to_vec()
            });
            let wanted = 0..i64::try_from(fetch.unwrap_or(ROWS)).expect("few");
            assert!(numbers.eq(wanted), "{fetch:?}");
        }
    }
}
