//! The functions as they are written. None of them is ever called: the rewriting puts something else
//! in the place of each, or refuses the question.

use std::hash::Hash;
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::plan_datafusion_err;
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// The field of what a selector gives that has the value.
pub(super) const VALUE: &str = "value";

/// A function that bins time and fills gaps, such as `date_bin_gapfill`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct GapBin {
    name: &'static str,
    bin: Arc<ScalarUDF>,
}

impl GapBin {
    /// Names a function that fills the gaps between the bins of another.
    ///
    /// `bin` takes an interval, a time and perhaps an origin. It is monotone, gives the start of a bin,
    /// and leaves such a start as it is.
    pub(super) fn new(name: &'static str, bin: Arc<ScalarUDF>) -> Self {
        Self { name, bin }
    }

    /// The function that only bins.
    pub(super) fn bin(&self) -> &Arc<ScalarUDF> {
        &self.bin
    }

    /// The reason for which a question is refused that has this function elsewhere.
    pub(super) fn misplaced(&self) -> DataFusionError {
        plan_datafusion_err!(
            "{0} may only be used as an expression of GROUP BY, once: repeat the call there, or write \
             its place in SELECT, as in GROUP BY 1",
            self.name
        )
    }
}

impl ScalarUDFImpl for GapBin {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        self.bin.signature()
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        self.bin.coerce_types(given)
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.bin.return_type(types)
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.misplaced())
    }
}

/// The way in which a gap gets a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fill {
    /// None: it stays null.
    Null,
    /// The last value before it.
    Locf,
    /// On the line between the last value before it and the next one after it.
    Interpolate,
}

/// A call of `locf` or `interpolate`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FillCall {
    fill: Fill,
    signature: Signature,
}

impl FillCall {
    pub(super) fn new(fill: Fill) -> Self {
        let signature = Signature::any(1, Volatility::Immutable);
        Self { fill, signature }
    }

    pub(super) fn fill(&self) -> Fill {
        self.fill
    }

    /// The reason for which a question is refused that has this function elsewhere.
    pub(super) fn misplaced(&self) -> DataFusionError {
        let name = self.name();
        plan_datafusion_err!("{name} must be called on an aggregate column in a gap-filling query")
    }
}

impl ScalarUDFImpl for FillCall {
    fn name(&self) -> &str {
        match self.fill {
            Fill::Null => "null",
            Fill::Locf => "locf",
            Fill::Interpolate => "interpolate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [only] => Ok(only.clone()),
            _ => Err(self.misplaced()),
        }
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.misplaced())
    }
}

impl FillCall {
    /// Refuses an argument between whose values there are none.
    ///
    /// # Errors
    /// The call interpolates, and the argument is neither a number nor what a selector gives for one.
    pub(super) fn check(&self, argument: &Expr, schema: &DFSchema) -> Result<()> {
        let data_type = argument.get_type(schema)?;
        let is_number = |data_type: &DataType| {
            data_type.is_integer() || matches!(data_type, DataType::Float32 | DataType::Float64)
        };
        let has_number = match &data_type {
            DataType::Struct(fields) => {
                let value = fields.iter().find(|field| field.name() == VALUE);
                value.is_some_and(|field| is_number(field.data_type()))
            }
            other => is_number(other) || *other == DataType::Null,
        };
        if self.fill == Fill::Interpolate && !has_number {
            return plan_err!(
                "interpolate needs numbers, and {argument} is of the type {data_type}: use locf, or cast it"
            );
        }
        Ok(())
    }
}
