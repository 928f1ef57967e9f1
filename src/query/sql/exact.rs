//! Numbers that are compared with integers, as they are written.
//!
//! DataFusion 55.2 reads every number that is neither an `i64` nor a `u64` as a float, and compares an
//! integer with a float as floats: `u < 18446744073709551616` loses the largest values of `u`, and
//! `i = 9007199254740993.0` finds its neighbour. PostgreSQL and DuckDB read such numbers as decimals, and
//! so compare what is written. Here that is done in two steps:
//!
//! 1. [`keep_digits`]: in a comparison, a number whose float lies elsewhere among the integers becomes
//!    `CAST('…' AS DOUBLE)`. Its value is the same, and its digits are kept.
//! 2. [`Exact`]: before types are made alike, a number on the other side of an integer becomes an integer,
//!    or a decimal if no integer compares as it does.
//!
//! What is computed (`pow(2, 64)`, `CAST(9007199254740993 AS DOUBLE)`) and what a column has are floats,
//! and integers are compared with them as floats.

mod number;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use arrow_schema::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, Case, Cast, InList};
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator, binary_expr, lit,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CastKind, DataType as SqlType, ExactNumberInfo, Expr as Sql, Statement,
    UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};

use crate::logical::each_expression::each_expression;
use number::Number;

/// Keeps the digits of the numbers that a statement compares, where a float would lose some that count.
pub(crate) fn keep_digits(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Keeper);
}

struct Keeper;

impl VisitorMut for Keeper {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Sql) -> ControlFlow<Self::Break> {
        match expr {
            Sql::BinaryOp { left, op, right } if compares(op) => {
                keep(left);
                keep(right);
            }
            Sql::IsDistinctFrom(left, right) | Sql::IsNotDistinctFrom(left, right) => {
                keep(left);
                keep(right);
            }
            Sql::Between {
                expr, low, high, ..
            } => {
                keep(expr);
                keep(low);
                keep(high);
            }
            Sql::InList { list, .. } => list.iter_mut().for_each(keep),
            Sql::Case { conditions, .. } => {
                let conditions = conditions.iter_mut();
                conditions.for_each(|when| keep(&mut when.condition));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn compares(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}

fn keep(expr: &mut Sql) {
    let Some(text) = digits(expr) else {
        return;
    };
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return;
    }
    let written = Number::of_text(&text);
    let read = text.parse().ok().and_then(Number::of_float);
    if written == read {
        return;
    }
    *expr = Sql::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Sql::value(Value::SingleQuotedString(text))),
        data_type: SqlType::Double(ExactNumberInfo::None),
        array: false,
        format: None,
    };
}

/// The digits of a number with its sign, as Rust reads them.
fn digits(expr: &Sql) -> Option<String> {
    match expr {
        Sql::Value(ValueWithSpan {
            value: Value::Number(digits, _),
            ..
        }) => Some(digits.clone()),
        Sql::Nested(expr) => digits(expr),
        Sql::UnaryOp {
            op: UnaryOperator::Plus,
            expr,
        } => digits(expr),
        Sql::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => {
            let digits = digits(expr)?;
            let positive = digits.strip_prefix('-').map(str::to_owned);
            Some(positive.unwrap_or_else(|| format!("-{digits}")))
        }
        _ => None,
    }
}

/// The rule, before types are made alike.
#[derive(Debug)]
pub(crate) struct Exact;

impl AnalyzerRule for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        each_expression(plan, |expr, schema| Ok(say(expr, schema)))
    }
}

fn say(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            if let Some(number) = number(&right, &left, schema) {
                Transformed::yes(compare(*left, op, number))
            } else if let (Some(number), Some(op)) = (number(&left, &right, schema), op.swap()) {
                Transformed::yes(compare(*right, op, number))
            } else {
                Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))
            }
        }
        Expr::Between(between) => bounds(between, schema),
        Expr::InList(list) => one_of(list, schema),
        Expr::Case(case) => conditions(case, schema),
        expr => Transformed::no(expr),
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// An integer compared with a number.
fn compare(integer: Expr, op: Operator, number: Number) -> Expr {
    match op {
        Operator::Lt | Operator::LtEq if !number.is_whole => match number.floor() {
            Some(floor) => integer.lt_eq(lit(floor)),
            None => binary_expr(integer, op, lit(number.alike())),
        },
        Operator::Gt | Operator::GtEq if !number.is_whole => match number.floor() {
            Some(floor) => integer.gt(lit(floor)),
            None => binary_expr(integer, op, lit(number.alike())),
        },
        op => binary_expr(integer, op, lit(number.alike())),
    }
}

fn bounds(mut between: Between, schema: &DFSchema) -> Transformed<Expr> {
    let low = number(&between.low, &between.expr, schema);
    let high = number(&between.high, &between.expr, schema);
    if let Some(low) = low {
        *between.low = lit(low.ceil().unwrap_or_else(|| low.alike()));
    }
    if let Some(high) = high {
        *between.high = lit(high.floor().unwrap_or_else(|| high.alike()));
    }
    let is_said = low.or(high).is_some();
    Transformed::new_transformed(Expr::Between(between), is_said)
}

/// An integer that is looked for in a list, from which the numbers that no integer equals are left out.
fn one_of(list: InList, schema: &DFSchema) -> Transformed<Expr> {
    let InList {
        expr,
        list,
        negated,
    } = list;
    let is_told = list.iter().any(|value| written(value).is_some()) && is_integer(&expr, schema);
    if !is_told {
        let list = InList::new(expr, list, negated);
        return Transformed::no(Expr::InList(list));
    }
    let (mut said, mut never) = (Vec::with_capacity(list.len()), None);
    for value in list {
        match written(&value) {
            None => said.push(value),
            Some(number) => match number.integer() {
                Some(integer) => said.push(lit(integer)),
                None => never = Some(number),
            },
        }
    }
    // A list is never empty.
    if let (true, Some(number)) = (said.is_empty(), never) {
        said.push(lit(number.alike()));
    }
    let list = InList::new(expr, said, negated);
    Transformed::yes(Expr::InList(list))
}

fn conditions(mut case: Case, schema: &DFSchema) -> Transformed<Expr> {
    let Some(value) = &case.expr else {
        return Transformed::no(Expr::Case(case));
    };
    let mut is_said = false;
    for (when, _) in &mut case.when_then_expr {
        if let Some(number) = number(when, value, schema) {
            **when = lit(number.alike());
            is_said = true;
        }
    }
    Transformed::new_transformed(Expr::Case(case), is_said)
}

/// The number that is written here, if the other side is an integer.
fn number(expr: &Expr, other: &Expr, schema: &DFSchema) -> Option<Number> {
    let number = written(expr)?;
    is_integer(other, schema).then_some(number)
}

/// The number that is written here and was read as a float.
fn written(expr: &Expr) -> Option<Number> {
    match expr {
        Expr::Literal(ScalarValue::Float64(Some(float)), _) => Number::of_float(*float),
        Expr::Negative(expr) => Some(written(expr)?.negative()),
        Expr::Cast(Cast { expr, field }) if field.data_type() == &DataType::Float64 => {
            match &**expr {
                Expr::Literal(ScalarValue::Utf8(Some(digits)), _) => Number::of_text(digits),
                _ => None,
            }
        }
        _ => None,
    }
}

fn is_integer(expr: &Expr, schema: &DFSchema) -> bool {
    let data_type = expr.get_type(schema);
    data_type.is_ok_and(|data_type| data_type.is_integer())
}
