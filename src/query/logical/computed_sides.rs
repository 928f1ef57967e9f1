//! Conditions of an inside that compare a row outside with what is computed of a row inside, as in
//! `v > (SELECT avg(b.v) FROM m b WHERE b.time::DATE = a.time::DATE)`.
//!
//! The engine moves such a condition out of the inside, past an aggregate, which from then on groups by the
//! columns of the condition. Of a cast it takes the column for the cast: there is a row for each value of the
//! column, where one for each value of the cast was asked for. Past other functions it moves nothing. So what
//! is computed becomes a column of the rows, and is what they are grouped by.

use std::sync::Arc;

use datafusion::common::alias::AliasGenerator;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{
    BinaryExpr, Expr, Filter, LogicalPlan, Operator, Projection, Subquery,
};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

type Rule = Arc<dyn OptimizerRule + Send + Sync>;

/// The name of DataFusion's first rule that moves conditions out of an inside.
const MOVES_OUT: &str = "decorrelate_predicate_subquery";

/// The rules, with one before it that computes such sides: other rules have made conditions simple by then.
pub(crate) fn before_moves(mut rules: Vec<Rule>) -> Vec<Rule> {
    let place = rules.iter().position(|rule| rule.name() == MOVES_OUT);
    debug_assert!(place.is_some(), "a rule has the name that it had");
    rules.insert(place.unwrap_or(0), Arc::new(ComputedSides));
    rules
}

#[derive(Debug)]
struct ComputedSides;

impl OptimizerRule for ComputedSides {
    fn name(&self) -> &str {
        "computed_sides"
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let mut namer = Namer {
            names: Arc::clone(config.alias_generator()),
            has_named: false,
        };
        plan.transform_up_with_subqueries(|node| match node {
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
        })
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

/// Names what is computed, as no question can, and no run of the rule before this one did.
struct Namer {
    names: Arc<AliasGenerator>,
    has_named: bool,
}

impl Namer {
    /// A filter that compares columns, which are beside those of its input, and a node above with what it
    /// reads then.
    fn say(&mut self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        let filter = match node {
            LogicalPlan::Filter(filter) if filter.predicate.contains_outer() => filter,
            LogicalPlan::Join(_) | LogicalPlan::SubqueryAlias(_) if self.has_named => {
                return node.recompute_schema().map(Transformed::yes);
            }
            node => return Ok(Transformed::no(node)),
        };
        let Filter {
            predicate, input, ..
        } = filter;
        let columns = input.schema().columns().into_iter().map(Expr::Column);
        let mut computed: Vec<Expr> = columns.collect();
        let given = computed.len();
        let conditions = split_conjunction_owned(predicate).into_iter();
        let conditions = conditions.map(|condition| self.by_column(condition, &mut computed));
        let conditions = conjunction(conditions.collect::<Vec<_>>());
        let condition =
            conditions.ok_or_else(|| internal_datafusion_err!("a filter without a condition"))?;
        if computed.len() == given {
            let filter = Filter::try_new(condition, input)?;
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let computed = LogicalPlan::Projection(Projection::try_new(computed, input)?);
        let passed = Filter::try_new(condition, Arc::new(computed))?;
        Ok(Transformed::yes(LogicalPlan::Filter(passed)))
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
                    self.has_named = true;
                    let name = self.names.next("__computed");
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
