//! `array_agg` and `string_agg` where they make much more than they are given.
//!
//! As a window, each row has all values of its frame: those of whole partitions of n rows are n times n. With
//! an order among groups, each value that one thread gives another becomes a struct of its own on the way.
//! DataFusion 55.2 counts neither. So what is made here is taken from the memory of questions first, as long
//! as it is held:
//!
//! | call | taken | until |
//! | --- | --- | --- |
//! | a window over whole partitions | the values of all their rows | the question ends |
//! | any other window | the values of as many rows as are computed at once | others are |
//! | groups with an order | the values that are merged | they are merged |

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ReversedUDAF, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition,
};

use super::held::Lender;
use crate::frame::rows_to;
use crate::functions::inner::{as_inner, reversed, types};
use crate::values::value_bytes;

/// The rows of a batch.
const BATCH_ROWS: usize = 8192;

/// What a value takes that is merged: itself, and the struct and the array of what it is ordered by.
const MERGED_BYTES: usize = 512;

/// What a text takes in a list beside its bytes.
const TEXT_BYTES: usize = 4;

/// The call of a window, counted; none if its values are not collected.
pub(super) fn window(window: &WindowFunction, lender: &Lender) -> Option<WindowFunction> {
    let WindowFunctionDefinition::AggregateUDF(function) = &window.fun else {
        return None;
    };
    let params = &window.params;
    let made = Made::of(&params.window_frame, params.order_by.is_empty());
    let fun = counted(function, made, lender)?;
    Some(WindowFunction {
        fun: WindowFunctionDefinition::AggregateUDF(fun),
        params: params.clone(),
    })
}

/// The call of groups, counted; none if its values are not collected, or in no order.
pub(super) fn groups(call: &AggregateFunction, lender: &Lender) -> Option<AggregateFunction> {
    let has_order = !call.params.order_by.is_empty();
    let func = has_order.then(|| counted(&call.func, Made::ByMerging, lender))??;
    Some(AggregateFunction {
        func,
        params: call.params.clone(),
    })
}

fn counted(function: &Arc<AggregateUDF>, made: Made, lender: &Lender) -> Option<Arc<AggregateUDF>> {
    let collects = matches!(function.name(), "array_agg" | "string_agg");
    if !collects || function.inner().is::<Collecting>() {
        return None;
    }
    let collecting = Collecting {
        inner: Arc::clone(function),
        made,
        memory: Arc::new(lender.taken()),
    };
    Some(Arc::new(AggregateUDF::new_from_impl(collecting)))
}

/// When values are made, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Made {
    /// Once for a partition, and copied for each of its rows.
    OfAll,
    /// For each row of a partition, and held until the last one has its value.
    OfEach,
    /// For so many rows at once.
    OfLast(usize),
    ByMerging,
}

impl Made {
    fn of(frame: &WindowFrame, is_unordered: bool) -> Self {
        let are_peers = is_unordered && frame.units == WindowFrameUnits::Range;
        let is_open = |bound: &WindowFrameBound| {
            bound.is_unbounded() || are_peers && *bound == WindowFrameBound::CurrentRow
        };
        match (is_open(&frame.start_bound), is_open(&frame.end_bound)) {
            (true, true) => Self::OfAll,
            (false, true) => Self::OfEach,
            (_, false) => Self::OfLast(match (frame.units, rows_to(&frame.start_bound)) {
                // Batches are cut for these, so that only the rows count that wait for the last one.
                (WindowFrameUnits::Rows, Some(_)) => {
                    rows_to(&frame.end_bound).map_or(BATCH_ROWS, |rows| rows.saturating_add(1))
                }
                _ => BATCH_ROWS,
            }),
        }
    }
}

/// An aggregate whose values are counted.
#[derive(Debug)]
struct Collecting {
    inner: Arc<AggregateUDF>,
    made: Made,
    /// What is held until the question ends.
    memory: Arc<MemoryReservation>,
}

impl PartialEq for Collecting {
    fn eq(&self, other: &Self) -> bool {
        (&self.inner, self.made) == (&other.inner, other.made)
    }
}

impl Eq for Collecting {}

impl Hash for Collecting {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.inner, self.made).hash(state);
    }
}

impl Collecting {
    fn counted(&self, inner: Box<dyn Accumulator>) -> Box<dyn Accumulator> {
        Box::new(Collected {
            inner,
            made: self.made,
            rows: 0,
            all: Arc::clone(&self.memory),
            own: self.memory.new_empty(),
            last: VecDeque::new(),
        })
    }
}

/// All but the accumulator is as the function has it.
impl AggregateUDFImpl for Collecting {
    as_inner!(inner: name, aliases, signature, return_type, return_field, is_nullable,
        coerce_types, state_fields, groups_accumulator_supported, create_groups_accumulator,
        order_sensitivity, default_value, supports_null_handling_clause, human_display,
        window_function_schema_name, window_function_display_name);

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(self.counted(self.inner.accumulator(args)?))
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(self.counted(self.inner.create_sliding_accumulator(args)?))
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        is_ordered: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = AggregateUDF::clone(&self.inner).with_beneficial_ordering(is_ordered)?;
        Ok(inner.map(|inner| {
            Arc::new(Self {
                inner: Arc::new(inner),
                made: self.made,
                memory: Arc::clone(&self.memory),
            }) as _
        }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        // Another one would not be counted.
        reversed(&self.inner)
    }
}

/// The values of a partition or a group.
#[derive(Debug)]
struct Collected {
    inner: Box<dyn Accumulator>,
    made: Made,
    /// The rows that it has.
    rows: usize,
    /// What is held until the question ends.
    all: Arc<MemoryReservation>,
    /// What is held here.
    own: MemoryReservation,
    /// The bytes of the values that were made last.
    last: VecDeque<usize>,
}

impl Accumulator for Collected {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        self.rows = self.rows.saturating_add(rows);
        self.inner.update_batch(values)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |values| values.len());
        self.rows = self.rows.saturating_sub(rows);
        self.inner.retract_batch(values)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = self.inner.evaluate()?;
        // It is there, and there once more in the column.
        let bytes = bytes_of(&value);
        match self.made {
            Made::OfAll => self.all.try_grow(bytes.saturating_mul(self.rows))?,
            Made::OfEach => self.all.try_grow(bytes.saturating_mul(2))?,
            Made::OfLast(rows) => {
                let bytes = bytes.saturating_mul(2);
                self.own.try_grow(bytes)?;
                self.last.push_back(bytes);
                if self.last.len() > rows
                    && let Some(bytes) = self.last.pop_front()
                {
                    self.own.shrink(bytes);
                }
            }
            Made::ByMerging => {}
        }
        Ok(value)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states
            .first()
            .and_then(|states| states.as_list_opt::<i32>());
        let lengths = lists.into_iter().flat_map(|lists| lists.iter().flatten());
        let rows: usize = lengths.map(|list| list.len()).sum();
        let bytes = rows.saturating_mul(MERGED_BYTES);
        self.own.try_grow(bytes)?;
        let merged = self.inner.merge_batch(states);
        self.own.shrink(bytes);
        merged
    }
}

/// The bytes of a list or a text.
fn bytes_of(value: &ScalarValue) -> usize {
    match value {
        ScalarValue::List(list) => {
            let values = list.values();
            match values.data_type().primitive_width() {
                Some(width) => values.len().saturating_mul(width),
                None => (0..values.len())
                    .map(|row| value_bytes(values, row).saturating_add(TEXT_BYTES))
                    .sum(),
            }
        }
        value => value.size(),
    }
}
