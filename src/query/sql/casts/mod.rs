//! Casts that stand beside what they cast, as in `SELECT avg(v), avg(v::BIGINT)`.
//!
//! The engine names a cast like what it casts, and all that has a cast in it like the same without. Where
//! both are asked for, they are one column to DataFusion 55.2, and it refuses the question. Here the one
//! with the cast gets a name of its own:
//!
//! | where | how |
//! | --- | --- |
//! | [among groups](groups) | the cast becomes `coalesce(v::BIGINT)`: the same value; so does each cast of a column that may be a group of a `SELECT` inside |
//! | [within aggregates](aggregates) | so do the casts in it |
//! | [among columns](columns) | `AS`, with what was written; the other two have it as well, where they are a column |

mod aggregates;
mod columns;
mod groups;
mod inside;
mod names;

use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{OrderBy, Query, SetExpr, Statement, VisitMut, VisitorMut};

use inside::Inside;

/// Names the casts of a statement that would have the name of something else. `is_aggregate` is asked of names
/// in lower case.
pub(crate) fn name(statement: &mut Statement, is_aggregate: impl Fn(&str) -> bool) {
    let mut each_select = EachSelect {
        inside: Inside::of(statement),
        is_aggregate,
    };
    let ControlFlow::Continue(()) = statement.visit(&mut each_select);
}

struct EachSelect<F> {
    inside: Inside,
    is_aggregate: F,
}

impl<F: Fn(&str) -> bool> EachSelect<F> {
    /// Names those of a `SELECT`, or of each branch of a `UNION`, whose order is that of no branch.
    fn name(&self, body: &mut SetExpr, order_by: &mut Option<OrderBy>) {
        match body {
            SetExpr::Select(select) => {
                groups::name(select, order_by, &self.inside);
                aggregates::name(select, order_by, &self.is_aggregate);
                columns::name(select, order_by.as_ref());
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.name(left, &mut None);
                self.name(right, &mut None);
            }
            _ => {}
        }
    }
}

impl<F: Fn(&str) -> bool> VisitorMut for EachSelect<F> {
    type Break = Infallible;

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Infallible> {
        self.name(&mut query.body, &mut query.order_by);
        ControlFlow::Continue(())
    }
}
