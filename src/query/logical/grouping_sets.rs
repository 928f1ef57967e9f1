//! `ROLLUP`, `CUBE` and `GROUPING SETS`: the names of their groups, and how many sets there may be.
//!
//! The engine groups each batch by all sets at once, in one step that nothing interrupts, and counts what
//! that took when it is done. So a question may have some sets only, and its groups are made of smaller batches.
//!
//! Each group is a column of the answer, by the name of its expression. The engine keeps the names of
//! expressions that it says in other words, as we do; but it knows all sets as one expression, and keeps
//! the name of that. So a group such as `host || '-'` lost its own, and nothing found its column. Here
//! each gets its name as an alias, before anything is said in other words.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{
    self, GroupByExpr, Select, Statement, Visit, VisitMut, Visitor, VisitorMut,
};

use crate::error::QueryError;
use crate::sql::branches;

/// The most sets of a `GROUP BY`: those of a `CUBE` of eight columns.
const SETS_MAX: u64 = 256;

/// Refuses a statement with too many sets. They are counted as they are written, since the planner makes
/// all of them before it looks how many there are.
///
/// # Errors
/// [`QueryError::Invalid`] if a `GROUP BY` has too many.
pub(crate) fn refuse_many(statement: &Statement) -> Result<(), QueryError> {
    match statement.visit(&mut Counter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(count) => Err(QueryError::Invalid(format!(
            "GROUP BY has {count} grouping sets, and at most {SETS_MAX} are computed at once (CUBE of n columns \
             has 2^n): group by fewer columns, or write the sets that you need as GROUPING SETS in several \
             SELECTs with UNION ALL between them"
        ))),
    }
}

struct Counter;

impl Visitor for Counter {
    type Break = u64;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<u64> {
        let GroupByExpr::Expressions(groups, _) = &select.group_by else {
            return ControlFlow::Continue(());
        };
        let sets = groups.iter().map(written).fold(1, u64::saturating_mul);
        match sets > SETS_MAX {
            true => ControlFlow::Break(sets),
            false => ControlFlow::Continue(()),
        }
    }
}

/// The sets that a part of a `GROUP BY` stands for; each is joined with those of the other parts.
fn written(group: &ast::Expr) -> u64 {
    let count = |parts: &[Vec<ast::Expr>]| u64::try_from(parts.len()).unwrap_or(u64::MAX);
    match group {
        ast::Expr::GroupingSets(sets) => count(sets),
        ast::Expr::Rollup(columns) => count(columns).saturating_add(1),
        ast::Expr::Cube(columns) => {
            let columns = u32::try_from(columns.len()).unwrap_or(u32::MAX);
            2_u64.saturating_pow(columns)
        }
        _ => 1,
    }
}

/// Writes out the sets of each `ROLLUP` and `CUBE` that names a column twice, which the engine refuses. Their
/// sets are counted already.
pub(crate) fn write_out(statement: &mut Statement) {
    let ControlFlow::Continue(()) = statement.visit(&mut Writer);
}

struct Writer;

impl VisitorMut for Writer {
    type Break = std::convert::Infallible;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        if let GroupByExpr::Expressions(groups, _) = &mut select.group_by {
            for group in groups {
                if let Some(sets) = sets_of_equal(group) {
                    *group = ast::Expr::GroupingSets(sets);
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// The sets of a `ROLLUP` or `CUBE` that names a column twice.
fn sets_of_equal(group: &ast::Expr) -> Option<Vec<Vec<ast::Expr>>> {
    let (ast::Expr::Rollup(parts) | ast::Expr::Cube(parts)) = group else {
        return None;
    };
    let mut columns = HashSet::new();
    let is_equal = |column: &ast::Expr| !columns.insert(branches::name_of(column).to_lowercase());
    if !parts.iter().flatten().any(is_equal) {
        return None;
    }
    let of = |is_in: &dyn Fn(usize) -> bool| {
        let parts = parts.iter().enumerate().filter(|(part, _)| is_in(*part));
        parts.flat_map(|(_, columns)| columns.clone()).collect()
    };
    Some(match group {
        ast::Expr::Cube(_) => (0..1_u64 << parts.len())
            .map(|set| of(&|part| set >> part & 1 == 1))
            .collect(),
        _ => (0..=parts.len())
            .map(|most| of(&|part| part < most))
            .collect(),
    })
}

/// Names the groups of all sets of a plan.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let named = plan.transform_up_with_subqueries(|plan| {
        if !has_sets(&plan) {
            return Ok(Transformed::no(plan));
        }
        let named = plan.map_expressions(|expr| match expr {
            Expr::GroupingSet(_) => expr.map_children(named),
            expr => expr.transform_up(told),
        })?;
        match named.transformed {
            true => named.map_data(LogicalPlan::recompute_schema),
            false => Ok(named),
        }
    })?;
    Ok(named.data)
}

fn has_sets(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => {
            matches!(&aggregate.group_expr[..], [Expr::GroupingSet(_)])
        }
        _ => false,
    }
}

/// A group by its name. Columns have theirs whatever is done to the others.
fn named(group: Expr) -> Result<Transformed<Expr>> {
    Ok(match group {
        Expr::Column(_) | Expr::Alias(_) => Transformed::no(group),
        group => {
            let (relation, name) = group.qualified_name();
            Transformed::yes(group.alias_qualified(relation, name))
        }
    })
}

/// `grouping` tells of a group by its expression, which must be that of the sets.
fn told(expr: Expr) -> Result<Transformed<Expr>> {
    match expr {
        Expr::AggregateFunction(ref call) if call.func.name() == "grouping" => {
            expr.map_children(named)
        }
        expr => Ok(Transformed::no(expr)),
    }
}
