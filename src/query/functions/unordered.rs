//! Aggregates as windows whose values are in no order that is known.
//!
//! DataFusion 55.2 takes the values of `max`, `min`, `count` and unsigned `sum` for sorted where a frame only
//! grows, or the rows that enter it are larger than those that leave. But they are NULL until the first value
//! comes, a sum wraps, a count of the last rows begins anew with each partition, and falls where there is
//! no value: rows that were sorted by such a column lost their order, and windows over it their frames.

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    AggregateUDF, AggregateUDFImpl, ReversedUDAF, SetMonotonicity, WindowFunctionDefinition,
};

use super::inner::{as_inner, reversed, types};

/// The aggregate of a window as one of which no order is known. None if none was.
pub(crate) fn unordered(window: &WindowFunction, data_type: &DataType) -> Option<WindowFunction> {
    let WindowFunctionDefinition::AggregateUDF(aggregate) = &window.fun else {
        return None;
    };
    if aggregate.inner().set_monotonicity(data_type) == SetMonotonicity::NotMonotonic {
        return None;
    }
    let aggregate = AggregateUDF::new_from_impl(Unordered(Arc::clone(aggregate)));
    Some(WindowFunction {
        fun: WindowFunctionDefinition::AggregateUDF(Arc::new(aggregate)),
        params: window.params.clone(),
    })
}

/// The same aggregate. What only groups ask for is left out: it stands in windows alone.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Unordered(Arc<AggregateUDF>);

impl AggregateUDFImpl for Unordered {
    as_inner!(0: name, signature, return_type, return_field, is_nullable, coerce_types,
        state_fields, accumulator, create_sliding_accumulator, default_value, human_display,
        window_function_schema_name, window_function_display_name);

    fn set_monotonicity(&self, _data_type: &DataType) -> SetMonotonicity {
        SetMonotonicity::NotMonotonic
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        // The order of another one would be believed again.
        reversed(&self.0)
    }
}
