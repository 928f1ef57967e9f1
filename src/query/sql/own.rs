//! The expressions of a `SELECT` that are its own: not those of other `SELECT`s within them.

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, Visit, VisitMut, Visitor, VisitorMut};

/// Changes each of them, those within others first.
pub(crate) fn each_own(of: &mut impl VisitMut, change: impl FnMut(&mut Expr)) {
    let mut each = Own {
        act: change,
        depth: 0,
    };
    let ControlFlow::Continue(()) = of.visit(&mut each);
}

/// Returns true if one of them is what is looked for.
pub(crate) fn holds_own(of: &impl Visit, is_it: impl Fn(&Expr) -> bool) -> bool {
    let mut look = Own {
        act: is_it,
        depth: 0,
    };
    Visit::visit(of, &mut look).is_break()
}

struct Own<F> {
    act: F,
    /// The number of `SELECT`s around what is looked at.
    depth: usize,
}

impl<F: FnMut(&mut Expr)> VisitorMut for Own<F> {
    type Break = Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Infallible> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if self.depth == 0 {
            (self.act)(expr);
        }
        ControlFlow::Continue(())
    }
}

impl<F: Fn(&Expr) -> bool> Visitor for Own<F> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match self.depth == 0 && (self.act)(expr) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
