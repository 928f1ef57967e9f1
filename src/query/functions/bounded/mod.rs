//! Functions that can make much more than they are given, and the memory of what they make.
//!
//! DataFusion counts the memory of plans, not that of expressions: `repeat('x', 1000000000)` takes a
//! gigabyte whatever a question may have. Here each such function is wrapped: before a call, how
//! much it will make at most is told from its arguments ([`sizes`]), and refused if that is more than
//! a question may have; what is made counts in the memory of questions until it is dropped
//! ([`held`]). That holds as well while constants are computed in planning.
//!
//! Wrapped are the functions of a session, and once more whatever a plan calls, since the planner
//! makes some calls itself (`ARRAY[…]`) and `||` is no function there. So are the aggregates of a plan that
//! collect values ([`collecting`]).

mod call;
mod collecting;
mod given;
mod held;
mod sizes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::plan_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF};

use call::{Bounded, Concat};
pub(crate) use held::Lender;

/// Bounds the functions of a session by what the lender lends.
///
/// # Errors
/// A function cannot be registered.
pub(crate) fn register(session: &mut SessionState, lender: &Arc<Lender>) -> Result<()> {
    for (name, _) in sizes::GROWING {
        // An alias of another, or one that only the planner calls.
        let Ok(function) = session.udf(name) else {
            continue;
        };
        if let Some(bounded) = bounded(&function, lender) {
            session.register_udf(bounded)?;
        }
    }
    session.register_function_rewrite(Arc::new(Rewrite {
        lender: Arc::clone(lender),
    }))
}

/// The function with bounds; none if it needs none, or has them.
fn bounded(function: &Arc<ScalarUDF>, lender: &Arc<Lender>) -> Option<Arc<ScalarUDF>> {
    if function.inner().is::<Bounded>() {
        return None;
    }
    let size = sizes::of(function.name())?;
    let call = Bounded::new(Arc::clone(function), size, Arc::clone(lender));
    Some(Arc::new(ScalarUDF::new_from_impl(call)))
}

/// Bounds what a plan calls.
#[derive(Debug)]
struct Rewrite {
    lender: Arc<Lender>,
}

impl FunctionRewrite for Rewrite {
    fn name(&self) -> &str {
        "bounded"
    }

    fn rewrite(
        &self,
        expr: Expr,
        _schema: &DFSchema,
        _config: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) if widens(&call) => plan_err!(
                "{} to a type of a fixed size is not supported",
                call.func.name()
            ),
            Expr::ScalarFunction(call) => Ok(match bounded(&call.func, &self.lender) {
                Some(func) => Transformed::yes(Expr::ScalarFunction(ScalarFunction {
                    func,
                    args: call.args,
                })),
                None => Transformed::no(Expr::ScalarFunction(call)),
            }),
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::StringConcat,
                right,
            }) => {
                let concat = Arc::new(ScalarUDF::new_from_impl(Concat::new()));
                let func = bounded(&concat, &self.lender).unwrap_or(concat);
                let args = vec![*left, *right];
                let call = ScalarFunction { func, args };
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            Expr::WindowFunction(call) => Ok(match collecting::window(&call, &self.lender) {
                Some(counted) => Transformed::yes(Expr::from(counted)),
                None => Transformed::no(Expr::WindowFunction(call)),
            }),
            Expr::AggregateFunction(call) => Ok(match collecting::groups(&call, &self.lender) {
                Some(counted) => Transformed::yes(Expr::AggregateFunction(counted)),
                None => Transformed::no(Expr::AggregateFunction(call)),
            }),
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Returns true for a cast to values of a width that the question chooses: Arrow makes room for all of
/// them before it looks whether they fit.
fn widens(call: &ScalarFunction) -> bool {
    let casts = ["arrow_cast", "arrow_try_cast"].contains(&call.func.name());
    let to = call.args.get(1).and_then(Expr::as_literal);
    let to = to.and_then(|to| to.try_as_str().flatten());
    casts && to.is_some_and(|to| to.contains("FixedSize"))
}
