//! The rule that counts the bins of a question, once its parameters and `now()` have values.
//!
//! It has to be the first of all rules: later ones hand the filters on the time to the scan.

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchemaRef, internal_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, LogicalPlan};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use super::bins::Bins;
use super::bounds::{self, Simplify};
use super::node::GapFill;
use crate::times::{plain, same_instant};

/// The rule.
#[derive(Debug)]
pub(crate) struct Resolve;

impl OptimizerRule for Resolve {
    fn name(&self) -> &'static str {
        "resolve_bins"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let simplify = |expr, schema: &DFSchemaRef| {
            let context = SimplifyContext::builder()
                .with_schema(schema.clone())
                .with_config_options(config.options())
                .with_query_execution_start_time(config.query_execution_start_time());
            ExprSimplifier::new(context.build()).simplify(expr)
        };
        plan.transform_up_with_subqueries(|plan| match GapFill::of(&plan) {
            Some(node) if node.bins.is_none() => {
                let bins = bins(node, &simplify)?;
                let node = GapFill::new(node.input.clone(), node.layout.clone(), Some(bins))?;
                Ok(Transformed::yes(node.plan()))
            }
            _ => Ok(Transformed::no(plan)),
        })
    }
}

fn bins(node: &GapFill, simplify: &Simplify<'_>) -> Result<Bins> {
    let (aggregate, call) = below(node)?;
    let schema = aggregate.input.schema();
    let constant = |expr: &Expr| match simplify(expr.clone(), schema)? {
        Expr::Literal(value, _) if !value.is_null() => Ok(value),
        other => {
            plan_err!("the interval and the origin of bins must be constants, and {other} is not")
        }
    };
    let [interval, time, origin @ ..] = &call.args[..] else {
        return Err(internal_datafusion_err!(
            "bins of time need an interval and a time"
        ));
    };
    let zone = match time.get_type(schema)? {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => zone,
        other => {
            return plan_err!("bins of time need a time in nanoseconds, and {time} is {other}");
        }
    };
    let Expr::Column(column) = same_instant(time) else {
        return plan_err!("bins with filled gaps need a column of times, and {time} is none");
    };
    let interval = constant(interval)?;
    let origin = origin.first().map(constant).transpose()?;
    let place = schema.index_of_column(column)?;
    let times = bounds::of(&aggregate.input, place, simplify)?;
    let times = bounds::range(times)?;
    Bins::new(call.func.clone(), interval, origin, zone, times)
}

/// The aggregate whose gaps are filled, and its call of the function that bins.
fn below(node: &GapFill) -> Result<(&Aggregate, &ScalarFunction)> {
    let aggregate = match &node.input {
        LogicalPlan::Projection(projection) => projection.input.as_ref(),
        other => other,
    };
    if let LogicalPlan::Aggregate(aggregate) = aggregate
        && let Some(expr) = aggregate.group_expr.get(node.layout.bin)
        && let Expr::ScalarFunction(call) = plain(expr)
    {
        return Ok((aggregate, call));
    }
    Err(internal_datafusion_err!(
        "gaps are filled above no aggregate"
    ))
}
