//! Groups of one name, as in `GROUP BY v::BIGINT, v`.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, OrderBy, Select, SelectItem, Value, VisitMut, VisitorMut,
};

use super::names::{called, name_as_written, named_for};

/// Names the casts among the groups of a `SELECT` that would have the name of another group.
pub(super) fn name(select: &mut Select, order_by: &mut Option<OrderBy>) {
    let casts = casts_of_one_name(select);
    if casts.is_empty() {
        return;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) = item
            && casts.contains(expr)
        {
            name_as_written(item);
        }
    }
    let mut call = Call { casts: &casts };
    let _never = select.projection.visit(&mut call);
    let _never = select.group_by.visit(&mut call);
    let _never = select.having.visit(&mut call);
    let _never = order_by.visit(&mut call);
}

/// The casts among the groups that have the name of another group.
fn casts_of_one_name(select: &Select) -> Vec<Expr> {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else {
        return Vec::new();
    };
    let groups: Vec<&Expr> = groups.iter().map(|group| meant(group, select)).collect();
    let mut casts: Vec<Expr> = Vec::new();
    let names: Vec<Expr> = groups.iter().map(|group| named_for(group)).collect();
    for (group, name) in groups.into_iter().zip(&names) {
        let is_shared = names.iter().filter(|other| *other == name).count() > 1;
        if name != group && is_shared && !casts.contains(group) {
            casts.push(group.clone());
        }
    }
    casts
}

/// The expression that a group stands for: a group may be the place or the name of a column.
fn meant<'a>(group: &'a Expr, select: &'a Select) -> &'a Expr {
    let column = match group {
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => place.parse::<usize>().ok(),
            _ => None,
        }
        .and_then(|place| select.projection.get(place.checked_sub(1)?)),
        Expr::Identifier(name) => select.projection.iter().find(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => alias == name,
            _ => false,
        }),
        _ => None,
    };
    match column {
        Some(SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr)) => expr,
        _ => group,
    }
}

/// Calls a function with these casts, the outermost only.
struct Call<'a> {
    casts: &'a [Expr],
}

impl VisitorMut for Call<'_> {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Some(place) = self.casts.iter().position(|cast| cast == expr) {
            *expr = called(expr, place);
        }
        ControlFlow::Continue(())
    }
}
