//! The order in which the parts of a condition belong together, where the parser has it wrong.
//!
//! It reads all that follows `IS [NOT] DISTINCT FROM` as its right side, to the end of the condition.
//! In SQL that side ends where `AND` or `OR` follows.

use std::mem;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Statement, UnaryOperator, Value, VisitMut, VisitorMut,
};

/// Puts the parts of a statement's conditions together as SQL has them.
pub(crate) fn mend(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Mender);
}

/// Mends what is inside first, so that a right side is in order when its own place is looked at.
struct Mender;

impl VisitorMut for Mender {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        lift(expr);
        ControlFlow::Continue(())
    }
}

/// How firmly an operator holds its sides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Or,
    And,
    Not,
    Distinct,
}

/// The hold of those operators whose right side can have come to be too long.
fn hold(expr: &Expr) -> Option<Hold> {
    match expr {
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => Some(Hold::Distinct),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            ..
        } => Some(Hold::Not),
        Expr::BinaryOp { op, .. } => match op {
            BinaryOperator::And => Some(Hold::And),
            BinaryOperator::Or => Some(Hold::Or),
            _ => None,
        },
        _ => None,
    }
}

/// Moves an `AND` or `OR` out of the right side of what holds its sides more firmly. What stands in
/// parentheses is an expression of its own kind.
fn lift(expr: &mut Expr) {
    let Some(own) = hold(expr) else {
        return;
    };
    let Some(right) = right(expr) else {
        return;
    };
    if !matches!(hold(right), Some(of_right @ (Hold::And | Hold::Or)) if of_right < own) {
        return;
    }
    let mut outer = mem::replace(right, nothing());
    if let Expr::BinaryOp { left, .. } = &mut outer {
        *right = mem::replace(&mut **left, nothing());
        lift(expr);
        **left = mem::replace(expr, nothing());
    }
    *expr = outer;
}

fn right(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::IsDistinctFrom(_, right)
        | Expr::IsNotDistinctFrom(_, right)
        | Expr::UnaryOp { expr: right, .. }
        | Expr::BinaryOp { right, .. } => Some(right),
        _ => None,
    }
}

/// What stands where an expression is taken from, until it is put back.
fn nothing() -> Expr {
    Expr::value(Value::Null)
}
