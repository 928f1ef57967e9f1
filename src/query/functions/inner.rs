//! Functions around one of DataFusion's, which is inside: methods that are as that one has them.
//!
//! ```text
//! impl AggregateUDFImpl for Wrapper {
//!     as_inner!(inner: name, signature, return_type);
//!     fn accumulator(…)                                what the wrapper is for
//! }
//! ```
//!
//! Each wrapper lists its methods: what it leaves out is as the trait has it, for a reason of its own.

use datafusion::logical_expr::{AggregateUDF, ReversedUDAF};

/// The types of the methods, for [`as_inner`].
pub(crate) mod types {
    pub(crate) use arrow_schema::{DataType, FieldRef};
    pub(crate) use datafusion::common::ScalarValue;
    pub(crate) use datafusion::error::Result;
    pub(crate) use datafusion::logical_expr::expr::{
        AggregateFunctionParams, WindowFunctionParams,
    };
    pub(crate) use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
    pub(crate) use datafusion::logical_expr::interval_arithmetic::Interval;
    pub(crate) use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
    pub(crate) use datafusion::logical_expr::utils::AggregateOrderSensitivity;
    pub(crate) use datafusion::logical_expr::{
        Accumulator, Documentation, GroupsAccumulator, ReturnFieldArgs, Signature,
    };
}

/// The aggregate in the other order, if that is the same one: any other would not be wrapped.
pub(crate) fn reversed(inner: &AggregateUDF) -> ReversedUDAF {
    match inner.reverse_udf() {
        ReversedUDAF::Identical => ReversedUDAF::Identical,
        ReversedUDAF::NotSupported | ReversedUDAF::Reversed(_) => ReversedUDAF::NotSupported,
    }
}

/// Methods of `ScalarUDFImpl` or `AggregateUDFImpl`, as the function in this field has them. It needs
/// [`types`] where it stands.
macro_rules! as_inner {
    ($field:tt: $($method:ident),+) => {
        $(as_inner!(@$method $field);)+
    };
    (@@$field:tt $method:ident($($given:ident: $of:ty)?) -> $made:ty) => {
        fn $method(&self $(, $given: $of)?) -> $made {
            self.$field.$method($($given)?)
        }
    };

    // Of both.
    (@name $field:tt) => { as_inner!(@@$field name() -> &str); };
    (@aliases $field:tt) => { as_inner!(@@$field aliases() -> &[String]); };
    (@signature $field:tt) => { as_inner!(@@$field signature() -> &types::Signature); };
    (@return_type $field:tt) => {
        as_inner!(@@$field return_type(given: &[types::DataType]) -> types::Result<types::DataType>);
    };
    (@coerce_types $field:tt) => {
        as_inner!(@@$field coerce_types(given: &[types::DataType]) -> types::Result<Vec<types::DataType>>);
    };
    (@documentation $field:tt) => {
        as_inner!(@@$field documentation() -> Option<&types::Documentation>);
    };
    // Of scalars.
    (@return_field_from_args $field:tt) => {
        as_inner!(@@$field return_field_from_args(args: types::ReturnFieldArgs) -> types::Result<types::FieldRef>);
    };
    (@is_strict $field:tt) => { as_inner!(@@$field is_strict() -> bool); };
    (@short_circuits $field:tt) => { as_inner!(@@$field short_circuits() -> bool); };
    (@evaluate_bounds $field:tt) => {
        as_inner!(@@$field evaluate_bounds(input: &[&types::Interval]) -> types::Result<types::Interval>);
    };
    (@output_ordering $field:tt) => {
        as_inner!(@@$field output_ordering(inputs: &[types::ExprProperties]) -> types::Result<types::SortProperties>);
    };
    (@preserves_lex_ordering $field:tt) => {
        as_inner!(@@$field preserves_lex_ordering(inputs: &[types::ExprProperties]) -> types::Result<bool>);
    };
    (@strictly_order_preserving $field:tt) => {
        as_inner!(@@$field strictly_order_preserving(inputs: &[types::ExprProperties]) -> types::Result<bool>);
    };
    // Of aggregates.
    (@return_field $field:tt) => {
        as_inner!(@@$field return_field(given: &[types::FieldRef]) -> types::Result<types::FieldRef>);
    };
    (@is_nullable $field:tt) => { as_inner!(@@$field is_nullable() -> bool); };
    (@default_value $field:tt) => {
        as_inner!(@@$field default_value(data_type: &types::DataType) -> types::Result<types::ScalarValue>);
    };
    (@state_fields $field:tt) => {
        as_inner!(@@$field state_fields(args: types::StateFieldsArgs) -> types::Result<Vec<types::FieldRef>>);
    };
    (@accumulator $field:tt) => {
        as_inner!(@@$field accumulator(args: types::AccumulatorArgs) -> types::Result<Box<dyn types::Accumulator>>);
    };
    (@create_sliding_accumulator $field:tt) => {
        as_inner!(@@$field create_sliding_accumulator(args: types::AccumulatorArgs) -> types::Result<Box<dyn types::Accumulator>>);
    };
    (@groups_accumulator_supported $field:tt) => {
        as_inner!(@@$field groups_accumulator_supported(args: types::AccumulatorArgs) -> bool);
    };
    (@create_groups_accumulator $field:tt) => {
        as_inner!(@@$field create_groups_accumulator(args: types::AccumulatorArgs) -> types::Result<Box<dyn types::GroupsAccumulator>>);
    };
    (@order_sensitivity $field:tt) => {
        as_inner!(@@$field order_sensitivity() -> types::AggregateOrderSensitivity);
    };
    (@supports_null_handling_clause $field:tt) => {
        as_inner!(@@$field supports_null_handling_clause() -> bool);
    };
    (@human_display $field:tt) => {
        as_inner!(@@$field human_display(params: &types::AggregateFunctionParams) -> types::Result<String>);
    };
    (@window_function_schema_name $field:tt) => {
        as_inner!(@@$field window_function_schema_name(params: &types::WindowFunctionParams) -> types::Result<String>);
    };
    (@window_function_display_name $field:tt) => {
        as_inner!(@@$field window_function_display_name(params: &types::WindowFunctionParams) -> types::Result<String>);
    };
}
pub(crate) use as_inner;
