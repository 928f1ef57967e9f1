//! Comparisons with any or all rows of another question, as in `v >= ALL (SELECT v FROM m)`.
//!
//! The engine moves the left side into the question on the right. A column there whose table both read
//! would then be taken for that of the inside, so the inside gets a name of its own.
//!
//! `IN` and `NOT IN` with a question are such comparisons too. The engine joins instead, which does not
//! tell unknown from false. Where that shows, they are said as `= ANY` and `<> ALL`: anywhere but in
//! what all rows of an answer must pass, and `NOT IN` also beside `OR`, and where its inside asks of a
//! row outside.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Subquery, lit,
};

use crate::logical::{correlated, rowless};

/// Names the inside of each such comparison of a plan.
///
/// # Errors
/// The inside can have no name, or asks of a row outside what cannot be moved out of it.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut namer = Namer { count: 0 };
    let named = plan.transform_up_with_subqueries(|plan| {
        if let LogicalPlan::Join(join) = &plan {
            check_lateral(&join.left)?;
            check_lateral(&join.right)?;
        }
        let is_condition = matches!(plan, LogicalPlan::Filter(_) | LogicalPlan::Join(_));
        let named = plan.map_expressions(|expr| match is_condition {
            true => namer.of_condition(expr, true),
            false => {
                // The engine says a comparison in other words; columns are named after those here. Grouping
                // sets have names in them.
                let (relation, name) = expr.qualified_name();
                let named = namer.of_value(expr)?;
                let is_named = !named.transformed
                    || matches!(named.data, Expr::Alias(_) | Expr::GroupingSet(_));
                Ok(match is_named {
                    true => named,
                    false => named.update_data(|expr| expr.alias_qualified(relation, name)),
                })
            }
        })?;
        match named.transformed {
            true => named.map_data(LogicalPlan::recompute_schema),
            false => Ok(named),
        }
    })?;
    Ok(named.data)
}

struct Namer {
    /// How many insides have a name so far.
    count: usize,
}

impl Namer {
    /// A condition that rows must pass, or, if it is not the whole, beside which another lets them pass.
    fn of_condition(&mut self, condition: Expr, is_whole: bool) -> Result<Transformed<Expr>> {
        match condition {
            Expr::BinaryExpr(BinaryExpr {
                left,
                op: op @ (Operator::And | Operator::Or),
                right,
            }) => {
                let is_whole = is_whole && op == Operator::And;
                let left = self.of_condition(*left, is_whole)?;
                let right = self.of_condition(*right, is_whole)?;
                let is_named = left.transformed || right.transformed;
                let (left, right) = (Box::new(left.data), Box::new(right.data));
                let both = Expr::BinaryExpr(BinaryExpr { left, op, right });
                Ok(Transformed::new_transformed(both, is_named))
            }
            Expr::Not(inner) => match *inner {
                Expr::InSubquery(mut list) => {
                    list.negated = !list.negated;
                    let list = self.of_condition(Expr::InSubquery(list), is_whole)?;
                    Ok(Transformed::yes(list.data))
                }
                inner => self.of_value(Expr::Not(Box::new(inner))),
            },
            Expr::InSubquery(list) if is_joined(&list, is_whole) => {
                correlated::check_listed(&list.subquery.subquery)?;
                let subquery = match is_whole {
                    true => list.subquery,
                    // The engine takes a column of no table for two.
                    false => Subquery {
                        subquery: Arc::new(columns_as(list.subquery.subquery, "__listed")?),
                        ..list.subquery
                    },
                };
                let value = self.of_value(*list.expr)?;
                let list = InSubquery::new(Box::new(value.data), subquery, list.negated);
                let is_named = value.transformed || !is_whole;
                Ok(Transformed::new_transformed(
                    Expr::InSubquery(list),
                    is_named,
                ))
            }
            condition => self.of_value(condition),
        }
    }

    fn of_value(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            let comparison = match expr {
                Expr::SetComparison(comparison) => comparison,
                Expr::InSubquery(list) => compared(list),
                Expr::Exists(exists) => return existing(exists),
                Expr::ScalarSubquery(value) => {
                    correlated::check_value(&value.subquery)?;
                    return rowless::value(value);
                }
                expr => return Ok(Transformed::no(expr)),
            };
            self.count = self.count.saturating_add(1);
            named(comparison, self.count).map(Transformed::yes)
        })
    }
}

/// Returns true if the engine's join of a condition that rows must pass is right.
fn is_joined(list: &InSubquery, is_whole: bool) -> bool {
    // A condition of the join that has no column of the rows outside is moved to the inside, whose rows
    // without a value then count for nothing.
    let depends = !list.expr.column_refs().is_empty();
    !list.negated || is_whole && depends && list.subquery.outer_ref_columns.is_empty()
}

fn compared(list: InSubquery) -> SetComparison {
    let (op, quantifier) = match list.negated {
        true => (Operator::NotEq, SetQuantifier::All),
        false => (Operator::Eq, SetQuantifier::Any),
    };
    SetComparison::new(list.expr, list.subquery, op, quantifier)
}

fn existing(exists: Exists) -> Result<Transformed<Expr>> {
    if exists.subquery.outer_ref_columns.is_empty() {
        return Ok(Transformed::no(Expr::Exists(exists)));
    }
    if let Some(has_rows) = correlated::exists(&exists.subquery.subquery)? {
        return Ok(Transformed::yes(lit(has_rows != exists.negated)));
    }
    let inside = Arc::unwrap_or_clone(exists.subquery.subquery);
    let subquery = Subquery {
        subquery: Arc::new(correlated::without_order(inside)?),
        ..exists.subquery
    };
    Ok(Transformed::yes(Expr::Exists(Exists {
        subquery,
        ..exists
    })))
}

/// Checks a side of a join that asks of rows of the other.
fn check_lateral(side: &LogicalPlan) -> Result<()> {
    match side {
        LogicalPlan::SubqueryAlias(alias) => check_lateral(&alias.input),
        LogicalPlan::Subquery(inside) => correlated::check_value(&inside.subquery),
        _ => Ok(()),
    }
}

/// A comparison whose inside, or its column, has a name that no question can use. What is asked of rows
/// of the question outside cannot be moved out of an inside with a name of its own.
fn named(mut comparison: SetComparison, number: usize) -> Result<Expr> {
    let Subquery {
        subquery,
        outer_ref_columns,
        spans,
    } = comparison.subquery;
    let name = format!("__compared_{number}");
    if !outer_ref_columns.is_empty() {
        correlated::check_compared(&subquery)?;
    }
    let inside = match outer_ref_columns.is_empty() {
        true => LogicalPlanBuilder::from(Arc::unwrap_or_clone(subquery))
            .alias(name)?
            .build()?,
        false => columns_as(subquery, &name)?,
    };
    comparison.subquery = Subquery {
        subquery: Arc::new(inside),
        outer_ref_columns,
        spans,
    };
    Ok(Expr::SetComparison(comparison))
}

/// An inside with a name for its column.
fn columns_as(inside: Arc<LogicalPlan>, name: &str) -> Result<LogicalPlan> {
    let columns = inside.schema().columns().into_iter();
    let columns: Vec<Expr> = columns
        .map(|column| Expr::Column(column).alias(name))
        .collect();
    let inside = LogicalPlanBuilder::from(Arc::unwrap_or_clone(inside));
    inside.project(columns)?.build()
}
