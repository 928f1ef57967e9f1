//! Columns of one name, as in `SELECT time::BIGINT, v FROM m ORDER BY time`: the order is that of the table's
//! column.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, OrderBy, Select, SelectItem, WildcardAdditionalOptions, visit_expressions,
};

use super::names::{has_cast, is_same, name_as_written, named_for, path};
use crate::sql::branches::read;

/// Names the columns of a `SELECT` that have a cast in them and would have the name of another column, or of
/// one by which rows are ordered.
pub(super) fn name(select: &mut Select, order_by: Option<&OrderBy>) {
    let ordered = order_by.map_or_else(Vec::new, |order_by| names_in(order_by, select));
    let selected = select.projection.clone();
    let names: Vec<Option<Expr>> = selected.iter().map(name_of).collect();
    for (place, item) in select.projection.iter_mut().enumerate() {
        let column = names.get(place).and_then(Option::as_ref);
        let Some(column) = column.filter(|_| is_cast(item)) else {
            continue;
        };
        let mut others = selected.iter().zip(&names).enumerate();
        let is_selected =
            others.any(|(other, (item, name))| other != place && has_name(item, name, column));
        if is_selected || ordered.iter().any(|name| is_same(name, column)) {
            name_as_written(item);
        }
    }
}

fn is_cast(item: &SelectItem) -> bool {
    matches!(item, SelectItem::UnnamedExpr(expr) if has_cast(expr))
}

/// What a column is named for, if it is given no name.
fn name_of(item: &SelectItem) -> Option<Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) => Some(named_for(expr)),
        _ => None,
    }
}

/// The columns by which rows are ordered that are none of the names which a `SELECT` gives.
fn names_in(order_by: &OrderBy, select: &Select) -> Vec<Expr> {
    let mut names = Vec::new();
    let ControlFlow::Continue(()) = visit_expressions(order_by, |expr| {
        if !path(expr).is_empty() {
            names.push(expr.clone());
        }
        ControlFlow::<Infallible>::Continue(())
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

/// Returns true if one of the columns of an item is named like this one, or may be.
fn has_name(item: &SelectItem, name: &Option<Expr>, column: &Expr) -> bool {
    match item {
        SelectItem::Wildcard(options) | SelectItem::QualifiedWildcard(_, options) => {
            // Those that leave some out are for whoever selects these otherwise.
            !path(column).is_empty() && *options == WildcardAdditionalOptions::default()
        }
        _ => name.as_ref().is_some_and(|name| is_same(name, column)),
    }
}
