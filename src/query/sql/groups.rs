//! Groups of one name, as in `GROUP BY v::BIGINT, v`.
//!
//! The engine names a cast like what it casts, so to DataFusion 55.2 both are one column, and it refuses the
//! question. Here such a cast becomes `coalesce(v::BIGINT)`: the same value, and a name of its own.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, Value, VisitMut,
    VisitorMut,
};

/// Names the casts among the groups of a statement that would have the name of another group.
pub(crate) fn name(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Namer);
}

struct Namer;

impl VisitorMut for Namer {
    type Break = std::convert::Infallible;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        let SetExpr::Select(select) = &mut *query.body else {
            return ControlFlow::Continue(());
        };
        let casts = casts_of_one_name(select);
        if casts.is_empty() {
            return ControlFlow::Continue(());
        }
        // In the answer, such a column has the name that was written.
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) = item
                && casts.contains(expr)
            {
                let alias = Ident::with_quote('"', expr.to_string());
                let expr = expr.clone();
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
        }
        let mut call = Call { casts: &casts };
        let _never = select.projection.visit(&mut call);
        let _never = select.group_by.visit(&mut call);
        let _never = select.having.visit(&mut call);
        query.order_by.visit(&mut call)
    }
}

/// The casts among the groups that have the name of another group.
fn casts_of_one_name(select: &Select) -> Vec<Expr> {
    let GroupByExpr::Expressions(groups, _) = &select.group_by else {
        return Vec::new();
    };
    let groups: Vec<&Expr> = groups.iter().map(|group| meant(group, select)).collect();
    let mut casts: Vec<Expr> = Vec::new();
    for group in &groups {
        let name = named_for(group);
        let is_shared = groups
            .iter()
            .filter(|other| named_for(other) == name)
            .count()
            > 1;
        if name != *group && is_shared && !casts.contains(group) {
            casts.push((*group).clone());
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

/// What an expression is named for.
pub(crate) fn named_for(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast { expr, .. } | Expr::Nested(expr) => named_for(expr),
        _ => expr,
    }
}

/// Calls a function with these casts, the outermost only.
struct Call<'a> {
    casts: &'a [Expr],
}

impl VisitorMut for Call<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if let Some(place) = self.casts.iter().position(|cast| cast == expr) {
            // Several casts of one value need a name each.
            for _ in 0..=place {
                *expr = named(expr.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

fn named(cast: Expr) -> Expr {
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(cast))],
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
