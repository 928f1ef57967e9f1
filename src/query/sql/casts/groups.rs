//! Groups of one name, as in `GROUP BY v::BIGINT, v`, and groups that have the name of a group inside.
//!
//! Of the rows of a `SELECT` that is grouped DataFusion 55.2 knows that all follows from its groups. It knows
//! these by their names: to `SELECT t::DATE, x > 3 FROM (SELECT …, max(k) AS x … GROUP BY t) GROUP BY 1, 2` the
//! group `t::DATE` was `t`, from which `x > 3` follows, and so does `x`, which became a group as well.

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, OrderBy, Select, SelectItem, Value,
};

use super::inside::Inside;
use super::names::{called, has_cast, is_of_column, is_same, name_as_written, named_for, path};
use crate::sql::branches::read;
use crate::sql::own::each_own;

/// Names the casts among the groups of a `SELECT` that would have the name of another group, or of one inside.
pub(super) fn name(select: &mut Select, order_by: &mut Option<OrderBy>, inside: &Inside) {
    let groups = groups(select);
    let mut casts = of_one_name(&groups);
    let shared = casts.len();
    if inside.is_read_by(select) {
        for group in groups {
            if has_cast(&group) && is_of_column(&group) && !is_among(&casts, &group) {
                casts.push(group);
            }
        }
    }
    if casts.is_empty() {
        return;
    }
    let names: Vec<Option<String>> = select.projection.iter().map(name_of).collect();
    for item in &mut select.projection {
        let SelectItem::UnnamedExpr(expr) = item else {
            continue;
        };
        match casts.iter().position(|cast| is_same(cast, expr)) {
            Some(place) if place < shared => name_as_written(item),
            Some(_) => name_for_column(item, &names),
            None => {}
        }
    }
    // The outermost only. Casts of a SELECT within are of its own columns.
    let mut call = |expr: &mut Expr| {
        let place = casts.iter().position(|cast| is_same(cast, expr));
        if let Some((place, cast)) = place.and_then(|place| Some((place, casts.get(place)?))) {
            *expr = called(cast, place);
        }
    };
    each_own(&mut select.distinct, &mut call);
    each_own(&mut select.projection, &mut call);
    each_own(&mut select.group_by, &mut call);
    each_own(&mut select.having, &mut call);
    each_own(&mut select.named_window, &mut call);
    each_own(&mut select.qualify, &mut call);
    each_own(order_by, &mut call);
}

/// What a `SELECT` is grouped by, and what its rows differ in.
fn groups(select: &Select) -> Vec<Expr> {
    let mut groups: Vec<&Expr> = match &select.group_by {
        GroupByExpr::Expressions(groups, _) => groups.iter().flat_map(of_sets).collect(),
        GroupByExpr::All(_) => {
            let columns = select.projection.iter().filter_map(expr_of);
            columns.filter(|column| is_of_column(column)).collect()
        }
    };
    if let Some(Distinct::On(columns)) = &select.distinct {
        groups.extend(columns);
    }
    let groups = groups.into_iter().map(|group| meant(group, select).clone());
    groups.collect()
}

/// The groups of `ROLLUP`, `CUBE` and `GROUPING SETS`, or the one that is none of these.
fn of_sets(group: &Expr) -> Vec<&Expr> {
    match group {
        Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets) => {
            sets.iter().flatten().collect()
        }
        group => vec![group],
    }
}

/// The casts among groups that have the name of another one.
fn of_one_name(groups: &[Expr]) -> Vec<Expr> {
    let mut casts: Vec<Expr> = Vec::new();
    let names: Vec<Expr> = groups.iter().map(named_for).collect();
    for (group, name) in groups.iter().zip(&names) {
        let is_shared = names.iter().filter(|other| *other == name).count() > 1;
        if name != group && is_shared && !is_among(&casts, group) {
            casts.push(group.clone());
        }
    }
    casts
}

fn is_among(casts: &[Expr], group: &Expr) -> bool {
    casts.iter().any(|cast| is_same(cast, group))
}

/// The expression that a group stands for: a group may be the place or the name of a column.
fn meant<'a>(group: &'a Expr, select: &'a Select) -> &'a Expr {
    let column = match group {
        Expr::Nested(group) => return meant(group, select),
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => place.parse::<usize>().ok(),
            _ => None,
        }
        .and_then(|place| select.projection.get(place.checked_sub(1)?)),
        Expr::Identifier(name) => select.projection.iter().find(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => read(alias) == read(name),
            _ => false,
        }),
        _ => None,
    };
    column.and_then(expr_of).unwrap_or(group)
}

fn expr_of(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::ExprWithAlias { expr, .. } | SelectItem::UnnamedExpr(expr) => Some(expr),
        _ => None,
    }
}

/// The last part of the name of a column that has one.
fn name_of(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(read(alias)),
        SelectItem::UnnamedExpr(expr) => path(&named_for(expr)).pop(),
        _ => None,
    }
}

/// Names a cast of a column for the column, as the engine does, if no other of these has that name.
fn name_for_column(item: &mut SelectItem, names: &[Option<String>]) {
    let name = name_of(item).filter(|name| {
        let of_one = names.iter().filter(|other| other.as_ref() == Some(name));
        of_one.count() == 1
    });
    match (name, &*item) {
        (Some(name), SelectItem::UnnamedExpr(expr)) => {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('"', name),
            };
        }
        _ => name_as_written(item),
    }
}
