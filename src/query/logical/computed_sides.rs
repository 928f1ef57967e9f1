//! Conditions of an inside that compare a row outside with what is computed of a row inside, as in
//! `v > (SELECT avg(b.v) FROM m b WHERE b.time::DATE = a.time::DATE)`.
//!
//! The engine moves such a condition out of the inside, past an aggregate, which from then on groups by the
//! columns of the condition. Of a cast it takes the column for the cast: there is a row for each value of the
//! column, where one for each value of the cast was asked for. Past other functions it moves nothing. So what
//! is computed becomes a column of the rows, and is what they are grouped by.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, Operator, Projection, Subquery,
};
use datafusion::optimizer::AnalyzerRule;

/// The rule, once types are known: these bring casts of their own.
#[derive(Debug)]
pub(crate) struct ComputedSides;

impl AnalyzerRule for ComputedSides {
    fn name(&self) -> &str {
        "computed_sides"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let mut namer = Namer { count: 0 };
        let said = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Subquery(inside) if makes_groups(&inside.subquery)? => {
                let subquery = Arc::unwrap_or_clone(inside.subquery);
                let said = subquery.transform_up(|node| namer.say(node))?;
                said.map_data(|said| {
                    Ok(LogicalPlan::Subquery(Subquery {
                        subquery: Arc::new(said),
                        ..inside
                    }))
                })
            }
            node => Ok(Transformed::no(node)),
        });
        said.data()
    }
}

fn makes_groups(inside: &LogicalPlan) -> Result<bool> {
    inside.exists(|node| {
        Ok(matches!(
            node,
            LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_)
        ))
    })
}

/// Names what is computed, as no question can.
struct Namer {
    count: usize,
}

impl Namer {
    /// A filter that compares columns, with the columns that its input has.
    fn say(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let filter = match node {
            LogicalPlan::Filter(filter) if filter.predicate.contains_outer() => filter,
            node => return Ok(Transformed::no(node)),
        };
        let Filter {
            predicate, input, ..
        } = filter;
        let columns = input.schema().columns().into_iter().map(Expr::Column);
        let columns: Vec<Expr> = columns.collect();
        let mut computed = columns.clone();
        let conditions = split_conjunction_owned(predicate).into_iter();
        let conditions = conditions.map(|condition| self.by_column(condition, &mut computed));
        let condition = conjunction(conditions.collect::<Vec<_>>());
        let condition = condition.ok_or_else(|| {
            datafusion::common::internal_datafusion_err!("a filter without a condition")
        })?;
        if computed.len() == columns.len() {
            let filter = Filter::try_new(condition, input)?;
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let computed = LogicalPlan::Projection(Projection::try_new(computed, input)?);
        let passed = LogicalPlan::Filter(Filter::try_new(condition, Arc::new(computed))?);
        let as_before = Projection::try_new(columns, Arc::new(passed))?;
        Ok(Transformed::yes(LogicalPlan::Projection(as_before)))
    }

    /// The condition with a column for what it computes of a row inside, if it compares that with a row
    /// outside. Adds the column.
    fn by_column(&mut self, condition: Expr, computed: &mut Vec<Expr>) -> Expr {
        match condition {
            Expr::BinaryExpr(BinaryExpr {
                mut left,
                op: Operator::Eq,
                mut right,
            }) => {
                let (inner, outer) = match left.contains_outer() {
                    true => (&mut right, &left),
                    false => (&mut left, &right),
                };
                let is_of_inside = inner.any_column_refs() && !inner.contains_outer();
                let is_of_outside = outer.contains_outer() && !outer.any_column_refs();
                if is_of_inside && is_of_outside && inner.try_as_col().is_none() {
                    self.count = self.count.saturating_add(1);
                    let name = format!("__computed_{}", self.count);
                    let column = Expr::Column(Column::new_unqualified(name.clone()));
                    computed.push(std::mem::replace(&mut **inner, column).alias(name));
                }
                Expr::BinaryExpr(BinaryExpr {
                    left,
                    op: Operator::Eq,
                    right,
                })
            }
            other => other,
        }
    }
}
