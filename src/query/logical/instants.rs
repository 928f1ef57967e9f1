//! Times that are written as texts, where the engine does not read them as times.
//!
//! | written | read as | said |
//! | --- | --- | --- |
//! | `time < '2300-01-01'`, a time that nanoseconds do not reach | an error | `time <=` the last time that there is |
//! | `time < $1 + INTERVAL '1 day'` where `$1` is a text | an error | the time that the text says |

use std::cmp::Ordering;

use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, Utc};
use datafusion::arrow::compute::kernels::cast_utils::string_to_datetime;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, Cast, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, cast, lit};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::each_expression::{each_expression, find_in_plan};

/// The type of times without a zone.
const TIME: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);

/// The rule, before types are made alike.
#[derive(Debug)]
pub(crate) struct Instants;

impl AnalyzerRule for Instants {
    fn name(&self) -> &'static str {
        "instants"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        // To say each expression anew takes longer than to look at all of them.
        match has_such_texts(&plan)? {
            true => each_expression(plan, |expr, schema| Ok(say(expr, schema))),
            false => Ok(plan),
        }
    }
}

/// Returns true if a text is in a sum, or a time that nanoseconds do not reach.
fn has_such_texts(plan: &LogicalPlan) -> Result<bool> {
    let is_such = |expr: &Expr| match expr {
        Expr::BinaryExpr(sum) if is_sum(sum.op) => {
            text(&sum.left).or_else(|| text(&sum.right)).is_some()
        }
        Expr::Literal(..) => beyond(expr).is_some(),
        _ => false,
    };
    let found = find_in_plan(plan, |expr| is_such(expr).then_some(()))?;
    Ok(found.is_some())
}

fn is_sum(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus)
}

fn say(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(sum) if is_sum(sum.op) => of_time(sum, schema),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let said = match op.swap() {
                _ if is_time(&left, schema) => {
                    beyond(&right).and_then(|far| compare(&left, op, far))
                }
                Some(op) if is_time(&right, schema) => {
                    beyond(&left).and_then(|far| compare(&right, op, far))
                }
                _ => None,
            };
            match said {
                Some(said) => Transformed::yes(said),
                None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            }
        }
        Expr::Between(between) if is_time(&between.expr, schema) => bounds(between),
        Expr::InList(list) if is_time(&list.expr, schema) => one_of(list),
        expr => Transformed::no(expr),
    }
}

/// A sum of a time and an interval.
fn of_time(sum: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let BinaryExpr { left, op, right } = sum;
    let is_left = text(&left).is_some() && is_interval(&right, schema);
    let is_right = op == Operator::Plus && text(&right).is_some() && is_interval(&left, schema);
    let as_time = |expr: Box<Expr>, is_time| match is_time {
        true => Box::new(cast(*expr, TIME)),
        false => expr,
    };
    let sum = BinaryExpr {
        left: as_time(left, is_left),
        op,
        right: as_time(right, is_right),
    };
    Transformed::new_transformed(Expr::BinaryExpr(sum), is_left || is_right)
}

/// A time compared with one before or after all that there are: true or false, or unknown where there is no
/// time.
fn compare(time: &Expr, op: Operator, far: Ordering) -> Option<Expr> {
    let time = || time.clone();
    let (always, never) = match far {
        Ordering::Greater => (time().lt_eq(at(i64::MAX)), time().gt(at(i64::MAX))),
        _ => (time().gt_eq(at(i64::MIN)), time().lt(at(i64::MIN))),
    };
    Some(match (op, far) {
        (Operator::Lt | Operator::LtEq, Ordering::Greater)
        | (Operator::Gt | Operator::GtEq, Ordering::Less)
        | (Operator::NotEq, _) => always,
        (Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::Eq, _) => never,
        (Operator::IsDistinctFrom, _) => lit(true),
        (Operator::IsNotDistinctFrom, _) => lit(false),
        _ => return None,
    })
}

fn bounds(mut between: Between) -> Transformed<Expr> {
    let (low, high) = (beyond(&between.low), beyond(&between.high));
    if low.or(high).is_none() {
        return Transformed::no(Expr::Between(between));
    }
    if low == Some(Ordering::Greater) || high == Some(Ordering::Less) {
        return Transformed::yes(no_time(*between.expr, between.negated));
    }
    if low.is_some() {
        *between.low = at(i64::MIN);
    }
    if high.is_some() {
        *between.high = at(i64::MAX);
    }
    Transformed::yes(Expr::Between(between))
}

fn one_of(mut list: InList) -> Transformed<Expr> {
    let all = list.list.len();
    list.list.retain(|value| beyond(value).is_none());
    match list.list.len() {
        left if left == all => Transformed::no(Expr::InList(list)),
        0 => Transformed::yes(no_time(*list.expr, list.negated)),
        _ => Transformed::yes(Expr::InList(list)),
    }
}

/// A condition that no time passes.
fn no_time(time: Expr, negated: bool) -> Expr {
    let (low, high) = (Box::new(at(i64::MAX)), Box::new(at(i64::MIN)));
    Expr::Between(Between::new(Box::new(time), negated, low, high))
}

fn at(time_ns: i64) -> Expr {
    lit(ScalarValue::TimestampNanosecond(Some(time_ns), None))
}

/// Whether the time that is written here is before or after all that there are.
fn beyond(expr: &Expr) -> Option<Ordering> {
    let text = match expr {
        Expr::Cast(Cast { expr, field }) if *field.data_type() == TIME => text(expr),
        expr => text(expr),
    };
    let time: DateTime<Utc> = string_to_datetime(&Utc, text?).ok()?;
    match time.timestamp_nanos_opt() {
        Some(_) => None,
        None => Some(time.year().cmp(&1970)),
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        _ => None,
    }
}

fn is_time(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|of| of == TIME) && beyond(expr).is_none()
}

fn is_interval(expr: &Expr, schema: &DFSchema) -> bool {
    let of = expr.get_type(schema);
    of.is_ok_and(|of| matches!(of, DataType::Interval(_)))
}
