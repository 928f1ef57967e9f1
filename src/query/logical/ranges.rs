//! Windows whose frame is a range of times of the day, or of durations.
//!
//! A window with an order has such a frame if it says none, and DataFusion 55.2 has no range of these types:
//! it called that a fault of its own. Their integers have the same order.

use arrow_schema::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, WindowFrameUnits, cast};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::each_expression::each_expression;

/// The rule, before the bounds of frames get their types.
#[derive(Debug)]
pub(crate) struct Ranges;

impl AnalyzerRule for Ranges {
    fn name(&self) -> &'static str {
        "ranges"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        each_expression(plan, say)
    }
}

fn say(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::WindowFunction(mut window) = expr else {
        return Ok(Transformed::no(expr));
    };
    let params = &mut window.params;
    let is_range = params.window_frame.units == WindowFrameUnits::Range;
    let [key] = &mut params.order_by[..] else {
        return Ok(Transformed::no(Expr::WindowFunction(window)));
    };
    let data_type = key.expr.get_type(schema)?;
    let has_no_range = matches!(
        data_type,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_)
    );
    if is_range && has_no_range {
        key.expr = cast(key.expr.clone(), DataType::Int64);
        return Ok(Transformed::yes(Expr::WindowFunction(window)));
    }
    Ok(Transformed::no(Expr::WindowFunction(window)))
}
