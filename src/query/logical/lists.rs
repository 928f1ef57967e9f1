//! Lists of values that meet in one condition, as in `host NOT IN ('a') OR host NOT IN ('b')`.
//!
//! The engine makes one list of two on the same value. If nothing is left in it, it takes that for true
//! or false, also where there is no value and the condition is unknown. So lists whose meeting could
//! show that are kept apart: each has a value that looks like another. Those that all rows of an answer
//! must pass may meet: there, unknown is as good as false.
//!
//! The engine also takes one list from the other, as in `host IN ('a') AND host NOT IN ('b', NULL)`, by
//! how their members are written. So a list is kept apart from any other if a member of it may be no
//! value, or one that is written otherwise in another list.
//!
//! A column that a list makes, as in `SELECT host IN ('a') AS x`, may meet another list wherever the
//! column is named: the engine puts the list in its place. If there are several lists, such a list is
//! hidden as a whole.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlan, Operator, ScalarUDF, Signature, Volatility, lit,
};

use crate::itself::{Itself, Told};

/// The name of the function that gives its first argument, which no question can use.
const NAME: &str = "kept_apart";

/// Keeps lists apart that must not become one.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let mut keeper = Keeper {
        function: Arc::new(ScalarUDF::new_from_impl(Itself {
            name: NAME,
            told: Told::Same,
            signature: Signature::any(2, Volatility::Immutable),
        })),
        number: 0,
    };
    let has_several = has_several(&plan)?;
    let kept = plan.transform_up_with_subqueries(|plan| {
        let is_filter = matches!(plan, LogicalPlan::Filter(_));
        let is_hidden = has_several && !matches!(plan, LogicalPlan::Join(_));
        let names = NamePreserver::new(&plan);
        let kept = plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let apart = match has_several {
                true => keeper.of_members(expr)?,
                false => Transformed::no(expr),
            };
            let kept = apart.transform_data(|expr| match is_filter {
                true => keeper.of_filter(expr),
                false if is_hidden => keeper.of_column(expr),
                false => keeper.of_value(expr),
            })?;
            Ok(kept.update_data(|expr| name.restore(expr)))
        })?;
        match kept.transformed {
            true => kept.map_data(LogicalPlan::recompute_schema),
            false => Ok(kept),
        }
    })?;
    Ok(kept.data)
}

struct Keeper {
    function: Arc<ScalarUDF>,
    /// How many values look like others so far.
    number: u64,
}

impl Keeper {
    /// Makes the value of each list look like no other whose members do not tell all.
    fn of_members(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_up(|expr| {
            Ok(match expr {
                Expr::InList(list) if !list.list.iter().all(is_written) => {
                    let expr = Box::new(self.look(*list.expr));
                    Transformed::yes(Expr::InList(InList { expr, ..list }))
                }
                expr => Transformed::no(expr),
            })
        })
    }

    fn of_filter(&mut self, condition: Expr) -> Result<Transformed<Expr>> {
        let (mut parts, mut is_kept) = (Vec::new(), false);
        for part in split_conjunction_owned(condition.clone()) {
            if is_passed(&part)? {
                parts.push(part);
                continue;
            }
            let part = self.of_value(part)?;
            is_kept |= part.transformed;
            parts.push(part.data);
        }
        Ok(match conjunction(parts) {
            Some(kept) if is_kept => Transformed::yes(kept),
            _ => Transformed::no(condition),
        })
    }

    fn of_value(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        let mut listed = listed(&expr)?;
        let mut twice = Vec::new();
        while let Some(value) = listed.pop() {
            if listed.contains(&value) {
                twice.push(value);
            }
        }
        if twice.is_empty() {
            return Ok(Transformed::no(expr));
        }
        expr.transform_up(|expr| {
            Ok(match expr {
                Expr::InList(list) if twice.contains(&*list.expr) => {
                    let expr = Box::new(self.look(*list.expr));
                    Transformed::yes(Expr::InList(InList { expr, ..list }))
                }
                Expr::BinaryExpr(equal) if equal.op == Operator::Eq => {
                    let BinaryExpr { left, op, right } = equal;
                    let (is_left, is_right) = (twice.contains(&*left), twice.contains(&*right));
                    let mut side = |side: Box<Expr>, is_listed| match is_listed {
                        true => Box::new(self.look(*side)),
                        false => side,
                    };
                    let (left, right) = (side(left, is_left), side(right, is_right));
                    let equal = Expr::BinaryExpr(BinaryExpr { left, op, right });
                    Transformed::new_transformed(equal, is_left || is_right)
                }
                expr => Transformed::no(expr),
            })
        })
    }

    /// Hides each list.
    fn of_column(&mut self, expr: Expr) -> Result<Transformed<Expr>> {
        expr.transform_down(|expr| {
            Ok(match list(&expr) {
                Some(_) => Transformed::new(self.look(expr), true, TreeNodeRecursion::Jump),
                None => Transformed::no(expr),
            })
        })
    }

    /// The value, by an expression that is like no other.
    fn look(&mut self, value: Expr) -> Expr {
        self.number = self.number.saturating_add(1);
        let args = vec![value, lit(self.number)];
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.function), args))
    }
}

/// Returns true if a member of a list is a value that is written there.
fn is_written(member: &Expr) -> bool {
    match member {
        Expr::Literal(value, _) => !value.is_null(),
        Expr::Cast(cast) => is_written(&cast.expr),
        Expr::Negative(value) => is_written(value),
        _ => false,
    }
}

/// Returns true for a condition in which unknown counts as false wherever it arises.
fn is_passed(condition: &Expr) -> Result<bool> {
    match condition {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::And | Operator::Or,
            right,
        }) => Ok(is_passed(left)? && is_passed(right)?),
        Expr::InList(list) => Ok(!list.negated),
        other => Ok(listed(other)?.is_empty()),
    }
}

/// Returns true if there is more than one list in a plan, or what may become one.
fn has_several(plan: &LogicalPlan) -> Result<bool> {
    let mut count = 0_usize;
    plan.apply_with_subqueries(|plan| {
        plan.apply_expressions(|expr| {
            count = count.saturating_add(listed(expr)?.len());
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(count > 1)
}

/// The value of a list, if an expression is one.
fn list(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::InList(list) => Some(&list.expr),
        Expr::BinaryExpr(either) if either.op == Operator::Or => one_of(expr),
        _ => None,
    }
}

/// The value of each list in an expression.
fn listed(expr: &Expr) -> Result<Vec<Expr>> {
    let mut values = Vec::new();
    expr.apply(|expr| {
        let Some(value) = list(expr) else {
            return Ok(TreeNodeRecursion::Continue);
        };
        values.push(value.clone());
        Ok(TreeNodeRecursion::Jump)
    })?;
    Ok(values)
}

/// The value that is one of those that a condition gives: a list, or what becomes one.
fn one_of(condition: &Expr) -> Option<&Expr> {
    match condition {
        Expr::InList(list) => (!list.negated).then_some(&*list.expr),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Eq => [left, right]
                .into_iter()
                .map(|side| &**side)
                .find(|side| matches!(side, Expr::Column(_))),
            Operator::Or => one_of(left).filter(|value| one_of(right) == Some(value)),
            _ => None,
        },
        _ => None,
    }
}
