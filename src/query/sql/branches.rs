//! The names of the columns of `UNION`, `INTERSECT` and `EXCEPT`: those of the first branch.
//!
//! The engine wants the columns of each branch to have names of their own, as in
//! `SELECT v, w FROM m UNION ALL SELECT v, v FROM m`, and refuses equal ones. Those of a later branch are
//! read by nobody, so the second of two equal ones gets another.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, SelectItem, SetExpr, SetQuantifier, Statement, VisitMut, VisitorMut,
};

/// Names the columns of later branches that have the name of another one.
pub(crate) fn name(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Namer);
}

struct Namer;

impl VisitorMut for Namer {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        name_later(&mut query.body, true);
        ControlFlow::Continue(())
    }
}

/// Names the columns of branches whose names do not count.
fn name_later(body: &mut SetExpr, counts: bool) {
    match body {
        SetExpr::SetOperation {
            left,
            right,
            set_quantifier,
            ..
        } => {
            let by_name = matches!(
                set_quantifier,
                SetQuantifier::ByName | SetQuantifier::AllByName | SetQuantifier::DistinctByName
            );
            name_later(left, counts || by_name);
            name_later(right, by_name);
        }
        SetExpr::Query(query) => name_later(&mut query.body, counts),
        SetExpr::Select(select) if !counts => name_equal(&mut select.projection),
        _ => {}
    }
}

fn name_equal(columns: &mut [SelectItem]) {
    let mut names = HashSet::new();
    for (number, column) in columns.iter_mut().enumerate() {
        let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = column
        else {
            continue;
        };
        let expr = expr.clone();
        let name = match column {
            SelectItem::ExprWithAlias { alias, .. } => read(alias),
            _ => name_of(&expr),
        };
        if !names.insert(name.clone()) {
            let alias = Ident::with_quote('"', format!("{name} ({})", number + 1));
            *column = SelectItem::ExprWithAlias { expr, alias };
        }
    }
}

/// The name of a column, without its table.
pub(crate) fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(name) => read(name),
        Expr::CompoundIdentifier(names) => names.last().map(read).unwrap_or_default(),
        expr => expr.to_string(),
    }
}

/// A name as it is read: in small letters if it has no quotes.
pub(crate) fn read(name: &Ident) -> String {
    match name.quote_style {
        Some(_) => name.value.clone(),
        None => name.value.to_lowercase(),
    }
}
