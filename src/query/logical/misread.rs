//! Expressions that DataFusion 55.2 reads wrong, said so that it reads them right.
//!
//! | written | read as | said |
//! | --- | --- | --- |
//! | `v IN (0.0, …)`, four values or more | without `-0.0`, which is equal | with both |
//! | `CASE v WHEN 0.0` | without `-0.0` | `CASE WHEN v = 0.0` |
//! | `nullif(v, 0.0)` | without `-0.0` | `CASE WHEN v = 0.0 THEN NULL ELSE v` |
//! | `host ~ '.*'` | `host IS NOT NULL`, which is false where the match is unknown | `host LIKE '%'` |
//! | `CAST(time AS TIME)`, a cast to a date in a zone | sorted where the times are | `TRY_CAST`, which is not |
//! | `-i` of an integer | in the order turned round, though the least is its own negative | `0 - i` |
//! | `max(v) OVER (…)`, and so on | sorted where the frame grows | the same, unordered |

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Case, Cast, InList, ScalarFunction, TryCast};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, lit, when};
use datafusion::optimizer::AnalyzerRule;

use crate::functions::unordered;
use crate::logical::each_expression::each_expression;

/// The rule, once types are known.
#[derive(Debug)]
pub(crate) struct Misread;

impl AnalyzerRule for Misread {
    fn name(&self) -> &str {
        "misread"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        each_expression(plan, say)
    }
}

fn say(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::InList(list) if lacks_a_zero(&list, schema) => {
            let data_type = list.expr.get_type(schema)?;
            let InList {
                expr,
                mut list,
                negated,
            } = list;
            for zero in [0.0, -0.0] {
                list.push(lit(ScalarValue::from(zero).cast_to(&data_type)?));
            }
            let list = InList::new(expr, list, negated);
            Ok(Transformed::yes(Expr::InList(list)))
        }
        Expr::Case(case) => Ok(by_conditions(case, schema)),
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "nullif" => {
            match <[Expr; 2]>::try_from(args) {
                Ok([value, other]) if can_be_said_again(&value, schema) => {
                    let none = ScalarValue::try_from(&value.get_type(schema)?)?;
                    let equal = value.clone().eq(other);
                    Ok(Transformed::yes(when(equal, lit(none)).otherwise(value)?))
                }
                Ok(args) => Ok(Transformed::no(func.call(args.to_vec()))),
                Err(args) => Ok(Transformed::no(func.call(args))),
            }
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::RegexMatch | Operator::RegexIMatch,
            right,
        }) if is_text(&right, ".*") => Ok(Transformed::yes(left.like(lit("%")))),
        Expr::Cast(Cast { expr, field })
            if loses_order(&expr.get_type(schema)?, field.data_type()) =>
        {
            Ok(Transformed::yes(Expr::TryCast(TryCast { expr, field })))
        }
        Expr::Negative(expr) if expr.get_type(schema)?.is_integer() => {
            let zero = ScalarValue::new_zero(&expr.get_type(schema)?)?;
            Ok(Transformed::yes(lit(zero) - *expr))
        }
        Expr::WindowFunction(window) => {
            let of_all = Expr::WindowFunction(window.clone());
            let unordered = unordered(&window, &of_all.get_type(schema)?);
            Ok(match unordered {
                Some(unordered) => Transformed::yes(Expr::from(unordered)),
                None => Transformed::no(of_all),
            })
        }
        expr => Ok(Transformed::no(expr)),
    }
}

/// A `CASE` of a float that may be zero, with a condition for each of its values.
fn by_conditions(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let has_zero = case.when_then_expr.iter().any(|(when, _)| is_zero(when));
    let value = case
        .expr
        .take_if(|value| has_zero && can_be_said_again(value, schema));
    let Some(value) = value else {
        return Transformed::no(Expr::Case(case));
    };
    for (when, _) in &mut case.when_then_expr {
        **when = (*value).clone().eq((**when).clone());
    }
    Transformed::yes(Expr::Case(case))
}

/// Returns true if an earlier time may be cast to a later value: a time of the day, or a date in a zone whose
/// clock goes back at midnight.
fn loses_order(from: &DataType, to: &DataType) -> bool {
    let is_time_of_day = matches!(to, DataType::Time32(_) | DataType::Time64(_));
    let is_date = matches!(to, DataType::Date32 | DataType::Date64);
    match from {
        DataType::Timestamp(_, zone) => is_time_of_day || is_date && zone.is_some(),
        _ => false,
    }
}

/// Returns true if a list of floats has zero, and not both of them.
fn lacks_a_zero(list: &InList, schema: &DFSchema) -> bool {
    let has = |sign: f64| {
        let mut values = list.list.iter();
        values.any(|value| number(value).is_some_and(|n| n == 0.0 && n.signum() == sign))
    };
    is_float(&list.expr, schema) && has(1.0) != has(-1.0)
}

fn can_be_said_again(value: &Expr, schema: &DFSchema) -> bool {
    is_float(value, schema) && !value.is_volatile()
}

fn is_float(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema)
        .is_ok_and(|data_type| data_type.is_floating())
}

fn is_zero(expr: &Expr) -> bool {
    number(expr) == Some(0.0)
}

/// The number that is written here, with or without a sign.
fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Literal(value, _) => match value.cast_to(&DataType::Float64) {
            Ok(ScalarValue::Float64(number)) => number,
            _ => None,
        },
        Expr::Negative(expr) => number(expr).map(|number| -number),
        Expr::Cast(Cast { expr, .. }) => number(expr),
        _ => None,
    }
}

fn is_text(expr: &Expr, text: &str) -> bool {
    match expr {
        Expr::Literal(value, _) => value.try_as_str() == Some(Some(text)),
        _ => false,
    }
}
