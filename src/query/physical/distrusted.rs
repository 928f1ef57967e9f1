//! Rows of which less is known than of those that they were made of.
//!
//! DataFusion 55.2 takes what is constant or equal on a side of an outer join for constant or equal above
//! the join, also in the rows in which that side is missing, and what is so among the groups of an
//! aggregate also where a grouping set leaves a group out. Sorts then lost keys, and windows were of
//! other rows than those of their partition. And what is another constant in each branch of a union is
//! none for those who look at the rows of several at once, as the sorts below one `LIMIT` do. So a node above
//! says nothing of such rows.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::physical_expr::{AcrossPartitions, EquivalenceProperties};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PlanProperties};

use crate::physical::between::{Between, Passing};
use crate::physical::each_node::{Change, Node};

/// Puts such a node above those rows. One of the first rules: others believe what nodes say.
#[derive(Debug)]
pub(crate) struct Distrust;

impl Change for Distrust {
    const NAME: &'static str = "distrust";

    fn change(&self, node: Arc<dyn ExecutionPlan>) -> Result<Node> {
        let is_distrusted = if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            !aggregate.group_expr().is_single()
        } else if node.is::<UnionExec>() {
            has_constants_of_branches(&node)
        } else {
            of_join(&node).is_some_and(|join_type| knows_of_filled(&node, join_type))
        };
        Ok(match is_distrusted {
            true => Transformed::yes(Between::over(node, Distrusted)),
            false => Transformed::no(node),
        })
    }
}

/// Returns true if something is a constant of each branch, and not the same in all.
fn has_constants_of_branches(union: &Arc<dyn ExecutionPlan>) -> bool {
    let constants = union.equivalence_properties().constants();
    let mut across = constants.iter().map(|constant| &constant.across_partitions);
    across.any(|across| *across == AcrossPartitions::Heterogeneous)
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
struct Distrusted;

impl Passing for Distrusted {
    const NAME: &'static str = "DistrustedExec";

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
