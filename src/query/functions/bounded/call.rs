//! The functions in their wrappers.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_dyn;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{ScalarValue, utils::take_function_args};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::given::Given;
use super::held::Lender;
use super::sizes::{self, Size};
use crate::functions::inner::{as_inner, types};

/// A function whose results are bounded.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    size: Size,
    lender: Arc<Lender>,
}

impl Bounded {
    pub(super) fn new(inner: Arc<ScalarUDF>, size: Size, lender: Arc<Lender>) -> Self {
        Self {
            inner,
            size,
            lender,
        }
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// All but the call is as the function has it. It is not simplified to another call, which would
/// have no bounds.
impl ScalarUDFImpl for Bounded {
    as_inner!(inner: name, aliases, signature, return_type, return_field_from_args, coerce_types,
        is_strict, short_circuits, evaluate_bounds, output_ordering, preserves_lex_ordering,
        strictly_order_preserving, documentation);

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        let bounded = Self::new(Arc::new(inner), self.size, Arc::clone(&self.lender));
        Some(ScalarUDF::new_from_impl(bounded))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let given = Given::new(&args.args, rows)?;
        sizes::check_steps(self.name(), &given)?;
        let made = sizes::made(self.size, &given);
        let held = self.lender.lend(self.name(), made)?;
        drop(given);
        match self.inner.invoke_with_args(args)? {
            ColumnarValue::Array(array) => Ok(ColumnarValue::Array(held.with(array)?)),
            ColumnarValue::Scalar(value) => {
                // A constant stays in the plan.
                if rows == 1 {
                    self.lender.keep(held);
                }
                Ok(ColumnarValue::Scalar(value))
            }
        }
    }
}

/// `||` for strings, as DataFusion's operator has it: null if a side is null.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concat {
    signature: Signature,
}

impl Concat {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        let [left, right] = take_function_args(self.name(), given)?;
        let joined = BinaryTypeCoercer::new(left, &Operator::StringConcat, right);
        Ok(match joined.get_result_type()? {
            DataType::Dictionary(_, values) => *values,
            other => other,
        })
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let joined = self.return_type(given)?;
        Ok(vec![joined.clone(), joined])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = take_function_args(self.name(), args.args)?;
        let is_constant = matches!(
            (&left, &right),
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))
        );
        let rows = if is_constant { 1 } else { args.number_rows };
        let joined = concat_elements_dyn(&left.into_array(rows)?, &right.into_array(rows)?)?;
        if is_constant {
            let value = ScalarValue::try_from_array(&joined, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(joined))
    }
}
