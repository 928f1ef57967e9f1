//! The rules of DataFusion for plans that run, two of them within limits, after those of ours; most of them
//! leave plain plans as they are ([`plain`]).

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::union::{InterleaveExec, UnionExec};

use crate::physical::distrusted::Distrust;
use crate::physical::each_node::EachNode;
use crate::physical::offset::OrderSkipped;
use crate::physical::plain;
use crate::physical::undivided::Undivided;

/// Rules for plans that run.
pub(crate) type PhysicalRules = Vec<Rule>;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// What the names of the rules that push filters down begin with: one does so before the plan is settled, one
/// after that.
const PUSHES_FILTERS: &str = "FilterPushdown";

/// The rules in their order. The settings are those of all plans, and the memory is that of all questions.
pub(crate) fn rules(config: &ConfigOptions, memory_bytes: usize) -> PhysicalRules {
    let rules = PhysicalOptimizer::new().rules.into_iter();
    let rules = rules.map(|rule| -> Rule {
        match rule.name() {
            Undivided::NAME => Arc::new(Undivided::new(config, memory_bytes)),
            name if name.starts_with(PUSHES_FILTERS) => Arc::new(WhereNamesAreUnique(rule)),
            _ => rule,
        }
    });
    let first: [Rule; 2] = [
        Arc::new(EachNode(Distrust)),
        Arc::new(EachNode(OrderSkipped)),
    ];
    first
        .into_iter()
        .chain(rules)
        .map(plain::unless_plain)
        .collect()
}

/// A rule that finds columns by their names, kept to those parts of a plan in which no node has two of one
/// name.
///
/// In 55.2 a filter on its way down finds the columns of a node below by name, so of two columns of one name,
/// as every join of two tables of points has, it takes the first for both: rows were lost above a join, and
/// others came that did not pass.
#[derive(Debug)]
struct WhereNamesAreUnique(Rule);

impl WhereNamesAreUnique {
    fn apply(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if is_unique_below(&plan) {
            return self.0.optimize(plan, config);
        }
        let children = plan.children().into_iter();
        let children = children.map(|child| self.apply(Arc::clone(child), config));
        let children = children.collect::<Result<Vec<_>>>()?;
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        plan.replace_children(children, recompute)
    }
}

/// Returns true if neither a node nor one below it has two columns of one name, also if it puts out only
/// one of them, as joins do that look whether there is a row on the other side.
fn is_unique_below(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let has_unique = |plans: &[&Arc<dyn ExecutionPlan>]| {
        let mut names = HashSet::new();
        let schemas = plans.iter().map(|plan| plan.schema());
        let fields: Vec<_> = schemas
            .flat_map(|schema| schema.fields().to_vec())
            .collect();
        fields.iter().all(|field| names.insert(field.name()))
    };
    let children = plan.children();
    // These put rows one after the other, so their inputs have the same columns.
    let is_of_same = plan.is::<UnionExec>() || plan.is::<InterleaveExec>();
    has_unique(&[plan])
        && (is_of_same || has_unique(&children))
        && children.into_iter().all(is_unique_below)
}

impl PhysicalOptimizerRule for WhereNamesAreUnique {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.apply(plan, config)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::config::ConfigOptions;

    use super::rules;

    /// A newer DataFusion may give the work to rules of other names.
    #[test]
    fn the_rules_that_have_limits_are_there() {
        let rules = rules(&ConfigOptions::new(), usize::MAX);
        let named = |text: &str| {
            let rules = rules.iter().map(|rule| format!("{rule:?}"));
            let rules = rules.map(|rule| match rule.strip_prefix("UnlessPlain(") {
                Some(inner) if text != "UnlessPlain" => inner.to_owned(),
                _ => rule,
            });
            rules.filter(|rule| rule.starts_with(text)).count()
        };
        assert_eq!(named("Undivided"), 1);
        assert_eq!(named("WhereNamesAreUnique"), 2);
        assert_eq!(named("FilterPushdown"), 0);
        // What plain plans need is there under its name, and nothing else is for them.
        assert_eq!(named("UnlessPlain"), rules.len() - 2);
    }
}
