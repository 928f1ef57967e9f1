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
use datafusion::common::plan_err;
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{
    AggregateUDF, AggregateUDFImpl, ReversedUDAF, Signature, Volatility,
};

use super::inner::{as_inner, types};

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
    as_inner!(inner: name, aliases, return_type, default_value, is_nullable, state_fields,
        accumulator, create_sliding_accumulator, groups_accumulator_supported,
        create_groups_accumulator, order_sensitivity, documentation);

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

    fn reverse_expr(&self) -> ReversedUDAF {
        self.inner.reverse_udf()
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
