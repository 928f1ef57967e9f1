//! Aggregates of values that DataFusion's refuses, or counts in a type in which digits are lost.
//!
//! | aggregate | of | counted as |
//! | --- | --- | --- |
//! | `approx_distinct` | tags, floats | texts: of a float the shortest that stands for it, so that equal texts are equal values |
//! | `avg`, `median` | whole decimals | floats: as a decimal a mean ends after four digits, and a median before its half |
//!
//! Whole decimals come of signed and unsigned integers in one place, as in `coalesce(i, u)`. (NULL is not
//! counted, as elsewhere.)

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    Signature, Volatility,
};

/// As what values are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum As {
    /// Tags and floats are texts.
    Texts,
    /// Whole decimals are floats.
    Floats,
}

/// An aggregate of DataFusion's that counts some values in another type.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Retyped {
    inner: Arc<AggregateUDF>,
    counted: As,
    signature: Signature,
}

impl Retyped {
    /// Counts with DataFusion's.
    pub(super) fn new(inner: Arc<AggregateUDF>, counted: As) -> Self {
        Self {
            inner,
            counted,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for Retyped {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match (self.counted, given) {
            (As::Texts, [value]) => Ok(vec![text_of(value)]),
            (As::Texts, _) => plan_err!("{}(value) takes one argument", self.name()),
            (As::Floats, [value]) if is_whole_decimal(value) => Ok(vec![DataType::Float64]),
            (As::Floats, given) => {
                let fields = given
                    .iter()
                    .map(|value| Field::new("", value.clone(), true));
                let fields: Vec<FieldRef> = fields.map(Arc::new).collect();
                let taken = fields_with_udf(&fields, &*self.inner)?.into_iter();
                Ok(taken.map(|field| field.data_type().clone()).collect())
            }
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        self.inner.return_type(given)
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The type as which values are counted that are texts there.
fn text_of(given: &DataType) -> DataType {
    match given {
        DataType::Dictionary(_, values) => text_of(values),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Utf8,
        other => other.clone(),
    }
}

fn is_whole_decimal(given: &DataType) -> bool {
    matches!(
        given,
        DataType::Decimal32(_, 0)
            | DataType::Decimal64(_, 0)
            | DataType::Decimal128(_, 0)
            | DataType::Decimal256(_, 0)
    )
}
