//! Orders by aggregates, said so that the engine knows them.
//!
//! | written | refused, since | said |
//! | --- | --- | --- |
//! | `SELECT min(v) + 1 FROM m ORDER BY 1` | the place is taken for a column that is no group | `ORDER BY min(v) + 1` |
//! | `SELECT avg(v) AS v FROM m ORDER BY avg(v)` | `v` is taken for the mean | `ORDER BY avg(m.v)` |

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, Statement, TableFactor,
    Value, VisitMut, VisitorMut, visit_expressions,
};

use crate::sql::branches::read;
use crate::sql::own::{each_own, holds_own};

/// Says the orders of a statement. `is_aggregate` is asked of names in lower case.
pub(crate) fn say(statement: &mut Statement, is_aggregate: impl Fn(&str) -> bool) {
    let mut each_order = EachOrder { is_aggregate };
    let ControlFlow::Continue(()) = statement.visit(&mut each_order);
}

struct EachOrder<F> {
    is_aggregate: F,
}

impl<F: Fn(&str) -> bool> EachOrder<F> {
    fn is_call(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Function(call) => {
                call.over.is_none() && (self.is_aggregate)(&call.name.to_string().to_lowercase())
            }
            _ => false,
        }
    }

    /// Returns true if an expression has an aggregate in it, not within another `SELECT`, that has what is
    /// looked for in it.
    fn holds_call(&self, expr: &Expr, is_in_it: impl Fn(&Expr) -> bool) -> bool {
        holds_own(expr, |expr| self.is_call(expr) && is_in_it(expr))
    }

    /// Says the places of columns that are made of aggregates.
    fn say_places(&self, select: &Select, order_by: &mut OrderBy) {
        let OrderByKind::Expressions(keys) = &mut order_by.kind else {
            return;
        };
        for key in keys {
            let place = place(&key.expr).and_then(|place| place.checked_sub(1));
            let before = place.and_then(|place| select.projection.get(..=place));
            let is_column = |item: &SelectItem| {
                matches!(
                    item,
                    SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
                )
            };
            if let Some([before @ .., SelectItem::UnnamedExpr(column)]) = before
                && before.iter().all(is_column)
                && !self.is_call(column)
                && self.holds_call(column, |_| true)
            {
                key.expr = column.clone();
            }
        }
    }

    /// Says of which table a column is whose name an aggregate of it has.
    fn say_tables(&self, select: &Select, order_by: &mut OrderBy) {
        let Some(table) = table(select) else {
            return;
        };
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item
                && self.holds_call(expr, |call| holds_column(call, &read(alias)))
            {
                let column = read(alias);
                each_own(order_by, |expr| {
                    if self.is_call(expr) {
                        each_own(expr, |part| say_table(part, &column, &table));
                    }
                });
            }
        }
    }
}

impl<F: Fn(&str) -> bool> VisitorMut for EachOrder<F> {
    type Break = Infallible;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Infallible> {
        if let (SetExpr::Select(select), Some(order_by)) = (&*query.body, &mut query.order_by) {
            self.say_places(select, order_by);
            self.say_tables(select, order_by);
        }
        ControlFlow::Continue(())
    }
}

/// Says of which table a part of an aggregate is, if it is this column.
fn say_table(part: &mut Expr, column: &str, table: &Ident) {
    if let Expr::Identifier(name) = part
        && read(name) == column
    {
        *part = Expr::CompoundIdentifier(vec![table.clone(), name.clone()]);
    }
}

fn place(key: &Expr) -> Option<usize> {
    match key {
        Expr::Value(value) => match &value.value {
            Value::Number(place, _) => place.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The name of the table that a `SELECT` reads, if it is the only one.
fn table(select: &Select) -> Option<Ident> {
    let [from] = &select.from[..] else {
        return None;
    };
    match &from.relation {
        _ if !from.joins.is_empty() => None,
        TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } => Some(alias.name.clone()),
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

fn holds_column(expr: &Expr, column: &str) -> bool {
    let look = |expr: &Expr| match expr {
        Expr::Identifier(name) if read(name) == column => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(expr, look).is_break()
}
