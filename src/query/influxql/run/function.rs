//! Functions of one statement: closures over arrays that a plan of DataFusion calls.
//!
//! They have no names that a text could use, and compare by identity: two are the same only if one was
//! made of the other by cloning. Each has a name of its own, since DataFusion 55.2 takes two conditions
//! for one that call functions of one name with the same arguments.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// What a function does with its arguments, which are arrays of one length.
pub(super) type Work = dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync;

/// Returns a call of a function. The name is for those who read plans.
pub(super) fn call(
    name: &'static str,
    returns: DataType,
    arguments: Vec<Expr>,
    work: Arc<Work>,
) -> Expr {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let function = Arc::new(ScalarUDF::new_from_impl(Function {
        name: format!("{name}_{number}"),
        returns,
        signature: Signature::variadic_any(Volatility::Immutable),
        work,
    }));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))
}

struct Function {
    name: String,
    returns: DataType,
    signature: Signature,
    work: Arc<Work>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.work, &other.work)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args.args.into_iter().map(|arg| arg.to_array(rows));
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        Ok(ColumnarValue::Array((self.work)(&arrays)?))
    }
}
