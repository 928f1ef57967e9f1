//! Casts that stand beside what they cast, as in `SELECT avg(v), avg(v::BIGINT)`.
//!
//! The engine names a cast like what it casts, and all that has a cast in it like the same without. Where
//! both are asked for, they are one column to DataFusion 55.2, and it refuses the question. Here the one
//! with the cast gets a name of its own:
//!
//! | where | how |
//! | --- | --- |
//! | [among groups](groups) | the cast becomes `coalesce(v::BIGINT)`: the same value |
//! | [within aggregates](aggregates) | so do the casts in it |
//! | [among columns](columns) | `AS`, with what was written; the other two have it as well, where they are a column |

mod aggregates;
mod columns;
mod groups;

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, Query, SelectItem, SetExpr, Statement, VisitMut, VisitorMut,
    visit_expressions,
};

/// Names the casts of a statement that would have the name of something else. `is_aggregate` is asked of names
/// in lower case.
pub(crate) fn name(statement: &mut Statement, is_aggregate: impl Fn(&str) -> bool) {
    let mut each_select = EachSelect { is_aggregate };
    let ControlFlow::Continue(()) = statement.visit(&mut each_select);
}

struct EachSelect<F> {
    is_aggregate: F,
}

impl<F: Fn(&str) -> bool> VisitorMut for EachSelect<F> {
    type Break = Infallible;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Infallible> {
        if let SetExpr::Select(select) = &mut *query.body {
            let order_by = &mut query.order_by;
            groups::name(select, order_by);
            aggregates::name(select, order_by, &self.is_aggregate);
            columns::name(select, order_by.as_ref());
        }
        ControlFlow::Continue(())
    }
}

/// Names a column with what was written, unless it has a name.
fn name_as_written(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(expr) = item {
        let alias = Ident::with_quote('"', expr.to_string());
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// What an expression is named for: itself without casts.
fn named_for(expr: &Expr) -> Expr {
    let mut named_for = expr.clone();
    let ControlFlow::Continue(()) = named_for.visit(&mut WithoutCasts);
    named_for
}

struct WithoutCasts;

impl VisitorMut for WithoutCasts {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        match expr {
            Expr::Cast { expr: inner, .. } | Expr::Nested(inner) => *expr = Expr::clone(inner),
            // Whose name may be written in any case.
            Expr::Function(call) => {
                for part in &mut call.name.0 {
                    if let ObjectNamePart::Identifier(name) = part {
                        name.value = name.value.to_lowercase();
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn has_cast(expr: &Expr) -> bool {
    let is_cast = |expr: &Expr| match expr {
        Expr::Cast { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(expr, is_cast).is_break()
}

/// The same value with a name that it shares with no other: several casts of one value need a name each, by
/// their place among them.
fn called(cast: &Expr, place: usize) -> Expr {
    (0..=place).fold(cast.clone(), |value, _| coalesce(value))
}

fn coalesce(value: Expr) -> Expr {
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(value))],
        clauses: Vec::new(),
    };
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("coalesce")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
