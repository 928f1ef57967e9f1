//! The value of a question that has no row, as of `(SELECT time FROM m WHERE v > 9000)`: none.
//!
//! The engine takes a SELECT in the place of a value to be never without one if its column never is, as
//! a time, a count or a constant. Conditions that ask for it, `coalesce` and the type of the answer then
//! went wrong where there was no row. So such a column goes through a function that may give no value.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Expr, LogicalPlanBuilder, ScalarUDF, Signature, Subquery, Volatility,
};

use crate::itself::{Itself, Told};
use crate::logical::correlated;

/// The name of the function, which no question can use.
const NAME: &str = "may_be_none";

/// Says of a SELECT in the place of a value that it may have none.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn value(value: Subquery) -> Result<Transformed<Expr>> {
    let inside = &value.subquery;
    let columns = inside.schema().columns();
    let [column] = &columns[..] else {
        // It is refused where the types are looked at.
        return Ok(Transformed::no(Expr::ScalarSubquery(value)));
    };
    let is_nullable = inside
        .schema()
        .fields()
        .iter()
        .all(|field| field.is_nullable());
    if is_nullable || correlated::has_row(inside) {
        return Ok(Transformed::no(Expr::ScalarSubquery(value)));
    }
    let function = ScalarUDF::new_from_impl(Itself {
        name: NAME,
        told: Told::MayBeNone,
        // What always gives the same for the same is computed from constants, which are never without a
        // value.
        signature: Signature::any(1, Volatility::Volatile),
    });
    let call = ScalarFunction::new_udf(Arc::new(function), vec![Expr::Column(column.clone())]);
    let call = Expr::ScalarFunction(call).alias_qualified(column.relation.clone(), &column.name);
    let inside = LogicalPlanBuilder::from(Arc::unwrap_or_clone(value.subquery));
    let subquery = Arc::new(inside.project([call])?.build()?);
    Ok(Transformed::yes(Expr::ScalarSubquery(Subquery {
        subquery,
        ..value
    })))
}
