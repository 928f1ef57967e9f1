//! Columns that are filled with NULL, of which less is known than of those that they were made of.
//!
//! DataFusion 55.2 takes what is constant or equal on a side of an outer join for constant or equal above
//! the join, also in the rows in which that side is missing, and what is so among the groups of an
//! aggregate also where a grouping set leaves a group out. Sorts then lost keys, and windows were of
//! other rows than those of their partition. So a node above says nothing of such rows.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PlanProperties};

use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// Puts such a node where columns are filled. One of the first rules: others believe what nodes say.
#[derive(Debug)]
pub(crate) struct DistrustFilled;

impl Change for DistrustFilled {
    const NAME: &'static str = "distrust_filled";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let is_distrusted = match node.downcast_ref::<AggregateExec>() {
            Some(aggregate) => !aggregate.group_expr().is_single(),
            None => of_join(&node).is_some_and(|join_type| knows_of_filled(&node, join_type)),
        };
        Ok(match is_distrusted {
            true => Transformed::yes(Between::over(node, Filled)),
            false => Transformed::no(node),
        })
    }
}

fn of_join(node: &Arc<dyn ExecutionPlan>) -> Option<JoinType> {
    let hash = node.downcast_ref::<HashJoinExec>();
    let hash = hash.map(|join| *join.join_type());
    let each = || node.downcast_ref::<NestedLoopJoinExec>();
    let sorted = || node.downcast_ref::<SortMergeJoinExec>();
    hash.or_else(|| each().map(|join| *join.join_type()))
        .or_else(|| sorted().map(|join| join.join_type()))
}

/// Returns true if something is known to be constant or equal on a side that is filled.
fn knows_of_filled(node: &Arc<dyn ExecutionPlan>, join_type: JoinType) -> bool {
    let is_filled = match join_type {
        JoinType::Left => [false, true],
        JoinType::Right => [true, false],
        JoinType::Full => [true, true],
        _ => [false, false],
    };
    let sides = node.children().into_iter().zip(is_filled);
    let knows = |side: &Arc<dyn ExecutionPlan>| {
        let known = side.equivalence_properties().eq_group();
        known.iter().next().is_some()
    };
    sides
        .into_iter()
        .any(|(side, is_filled)| is_filled && knows(side))
}

/// Rows of which nothing is known.
#[derive(Debug)]
struct Filled;

impl Passing for Filled {
    const NAME: &'static str = "FilledExec";

    // A sort of the rows would go below, where keys are believed to be constant.
    const IS_ORDERED: bool = false;

    fn anew(&self) -> Self {
        Self
    }

    fn properties(&self, below: &Arc<PlanProperties>) -> Arc<PlanProperties> {
        let schema = below.eq_properties.schema();
        let nothing = EquivalenceProperties::new(Arc::clone(schema));
        Arc::new(PlanProperties::clone(below).with_eq_properties(nothing))
    }
}
