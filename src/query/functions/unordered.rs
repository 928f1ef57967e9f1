//! Aggregates as windows whose values are in no order that is known.
//!
//! DataFusion 55.2 takes the values of `max`, `min`, `count` and unsigned `sum` for sorted where a frame only
//! grows, or the rows that enter it are larger than those that leave. But they are NULL until the first value
//! comes, a sum wraps, a count of the last rows begins anew with each partition, and falls where there is
//! no value: rows that were sorted by such a column lost their order, and windows over it their frames.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{
    AggregateFunctionParams, WindowFunction, WindowFunctionParams,
};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ReversedUDAF, SetMonotonicity, Signature,
    WindowFunctionDefinition,
};

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
    fn set_monotonicity(&self, _data_type: &DataType) -> SetMonotonicity {
        SetMonotonicity::NotMonotonic
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.return_type(arg_types)
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.0.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.0.is_nullable()
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.0.coerce_types(arg_types)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.0.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.0.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.0.create_sliding_accumulator(args)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.0.default_value(data_type)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.0.reverse_udf() {
            ReversedUDAF::Identical => ReversedUDAF::Identical,
            // Its order would be believed again.
            ReversedUDAF::NotSupported | ReversedUDAF::Reversed(_) => ReversedUDAF::NotSupported,
        }
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> Result<String> {
        self.0.human_display(params)
    }

    fn window_function_schema_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.0.window_function_schema_name(params)
    }

    fn window_function_display_name(&self, params: &WindowFunctionParams) -> Result<String> {
        self.0.window_function_display_name(params)
    }
}
