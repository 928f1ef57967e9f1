//! Columns that are casts of another one, as in `SELECT time::BIGINT, v FROM m ORDER BY time`.
//!
//! The engine names a cast like what it casts. Where that is selected or ordered by, too, both are one column
//! to DataFusion 55.2, and it refuses the question. Here such a cast has the name that was written, so that
//! the order is that of the table's column.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, Query, Select, SelectItem, SetExpr, Statement, VisitMut, VisitorMut,
    WildcardAdditionalOptions, visit_expressions,
};

use crate::sql::branches::read;
use crate::sql::groups::named_for;

/// Names the casts among the columns of a statement that would have the name of another column.
pub(crate) fn name(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Namer);
}

struct Namer;

impl VisitorMut for Namer {
    type Break = std::convert::Infallible;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        if let SetExpr::Select(select) = &mut *query.body {
            let ordered = query.order_by.as_ref();
            let ordered = ordered.map_or_else(Vec::new, |order_by| names_in(order_by, select));
            name_casts(select, &ordered);
        }
        ControlFlow::Continue(())
    }
}

fn name_casts(select: &mut Select, ordered: &[Expr]) {
    let selected = select.projection.clone();
    for (place, item) in select.projection.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expr) = item else {
            continue;
        };
        let column = named_for(expr);
        if !is_cast(expr) {
            continue;
        }
        let mut others = selected.iter().enumerate();
        let is_selected = others.any(|(other, item)| other != place && has_name_of(item, column));
        if is_selected || ordered.iter().any(|name| is_same(name, column)) {
            let alias = Ident::with_quote('"', expr.to_string());
            let expr = expr.clone();
            *item = SelectItem::ExprWithAlias { expr, alias };
        }
    }
}

/// The columns by which rows are ordered that are none of the names which a `SELECT` gives.
fn names_in(order_by: &OrderBy, select: &Select) -> Vec<Expr> {
    let mut names = Vec::new();
    let ControlFlow::Continue(()) = visit_expressions(order_by, |expr| {
        if !path(expr).is_empty() {
            names.push(expr.clone());
        }
        ControlFlow::<std::convert::Infallible>::Continue(())
    });
    let is_given = |name: &Expr| {
        select.projection.iter().any(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => path(name) == [read(alias)],
            _ => false,
        })
    };
    names.retain(|name| !is_given(name));
    names
}

/// Returns true if a column is named like this one, or may be.
fn has_name_of(item: &SelectItem, column: &Expr) -> bool {
    match item {
        SelectItem::UnnamedExpr(expr) => is_same(named_for(expr), column),
        SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
            // Those that leave some out are for whoever selects these otherwise.
            !path(column).is_empty() && *options == WildcardAdditionalOptions::default()
        }
        _ => false,
    }
}

fn is_cast(expr: &Expr) -> bool {
    match expr {
        Expr::Cast { .. } => true,
        Expr::Nested(expr) => is_cast(expr),
        _ => false,
    }
}

/// Returns true if two expressions are the same, as far as their names go.
fn is_same(one: &Expr, other: &Expr) -> bool {
    match (path(one), path(other)) {
        (one, other) if !one.is_empty() && !other.is_empty() => {
            one.ends_with(&other) || other.ends_with(&one)
        }
        _ => one == other,
    }
}

/// The parts of a name; none if an expression is something else.
fn path(expr: &Expr) -> Vec<String> {
    match expr {
        Expr::Identifier(name) => vec![read(name)],
        Expr::CompoundIdentifier(names) => names.iter().map(read).collect(),
        _ => Vec::new(),
    }
}
