//! `approx_distinct` of tags and floats, which DataFusion's refuses.
//!
//! A tag is counted as its text, a float as the shortest text that stands for it: equal texts are equal
//! values. (NULL is not counted, as elsewhere.)

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature,
    Volatility,
};

/// The function, of more types.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ApproxDistinct {
    inner: Arc<AggregateUDF>,
    signature: Signature,
}

impl ApproxDistinct {
    /// Counts with DataFusion's.
    pub(super) fn new(inner: Arc<AggregateUDF>) -> Self {
        Self {
            inner,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl AggregateUDFImpl for ApproxDistinct {
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
        match given {
            [value] => Ok(vec![counted(value)]),
            _ => plan_err!("approx_distinct(value) takes one argument"),
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

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

/// The type as which values are counted.
fn counted(given: &DataType) -> DataType {
    match given {
        DataType::Dictionary(_, values) => counted(values),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Utf8,
        other => other.clone(),
    }
}
