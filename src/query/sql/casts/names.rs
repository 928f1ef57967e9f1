//! What the engine names an expression for, and names that are given instead.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, ObjectNamePart, SelectItem, VisitMut, VisitorMut, visit_expressions,
};

/// Names a column with what was written, unless it has a name.
pub(super) fn name_as_written(item: &mut SelectItem) {
    if let SelectItem::UnnamedExpr(expr) = item {
        let alias = Ident::with_quote('"', expr.to_string());
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias };
    }
}

/// What an expression is named for: itself without casts.
pub(super) fn named_for(expr: &Expr) -> Expr {
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

/// Returns true if there is a cast in an expression.
pub(super) fn has_cast(expr: &Expr) -> bool {
    let is_cast = |expr: &Expr| match expr {
        Expr::Cast { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(expr, is_cast).is_break()
}

/// The same value with a name that it shares with no other: several casts of one value need a name each, by
/// their place among them.
pub(super) fn called(cast: &Expr, place: usize) -> Expr {
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
