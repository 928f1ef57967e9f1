//! Aggregates of one name, as in `avg(v), avg(v::BIGINT)` and `max(v::BIGINT), max(v)::BIGINT`.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, OrderBy, Query, Select, Visit, VisitMut, Visitor, VisitorMut,
};

use super::names::{called, has_cast, is_cast, name_as_written, named_for};
use crate::sql::own::each_own;

/// Names the aggregates of a `SELECT` that have a cast in them and the name of another one.
pub(super) fn name(
    select: &mut Select,
    order_by: &mut Option<OrderBy>,
    is_aggregate: &dyn Fn(&str) -> bool,
) {
    let mut found = Found::new(is_aggregate);
    let _never = Visit::visit(&select.projection, &mut found);
    let _never = Visit::visit(&select.having, &mut found);
    let _never = Visit::visit(order_by, &mut found);
    let calls = found.of_one_name();
    if calls.is_empty() {
        return;
    }
    for item in &mut select.projection {
        let mut shown = Found::new(is_aggregate);
        let _never = Visit::visit(item, &mut shown);
        if shown.calls.iter().any(|call| calls.contains(call)) {
            name_as_written(item);
        }
    }
    let mut name = |expr: &mut Expr| {
        if let Some(place) = calls.iter().position(|call| call == expr) {
            let ControlFlow::Continue(()) = VisitMut::visit(expr, &mut Casts { place });
        }
    };
    each_own(&mut select.projection, &mut name);
    each_own(&mut select.having, &mut name);
    each_own(order_by, &mut name);
}

/// The aggregates of a `SELECT`, not of those inside, each once.
struct Found<'a> {
    is_aggregate: &'a dyn Fn(&str) -> bool,
    calls: Vec<Expr>,
    depth: usize,
}

impl<'a> Found<'a> {
    fn new(is_aggregate: &'a dyn Fn(&str) -> bool) -> Self {
        Self {
            is_aggregate,
            calls: Vec::new(),
            depth: 0,
        }
    }

    /// Those with a cast that have the name of another one.
    fn of_one_name(self) -> Vec<Expr> {
        let names: Vec<Expr> = self.calls.iter().map(named_for).collect();
        let is_shared = |name: &Expr| names.iter().filter(|other| *other == name).count() > 1;
        let calls = self.calls.into_iter().zip(&names);
        calls
            .filter(|(call, name)| has_cast(call) && is_shared(name))
            .map(|(call, _)| call)
            .collect()
    }
}

impl Visitor for Found<'_> {
    type Break = Infallible;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Infallible> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Infallible> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Infallible> {
        if let Expr::Function(call) = expr
            && self.depth == 0
            && (self.is_aggregate)(&call.name.to_string().to_lowercase())
            && !self.calls.contains(expr)
        {
            self.calls.push(expr.clone());
        }
        ControlFlow::Continue(())
    }
}

/// Calls a function with each cast.
struct Casts {
    place: usize,
}

impl VisitorMut for Casts {
    type Break = Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        // Of a constant, some aggregates need to see that it is one.
        let is_constant = || matches!(named_for(expr), Expr::Value(_) | Expr::Interval(_));
        if is_cast(expr) && !is_constant() {
            *expr = called(expr, self.place);
        }
        ControlFlow::Continue(())
    }
}
