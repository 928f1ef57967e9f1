//! That the choice of rules changes no plan, and that it is a choice.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::common::alias::AliasGenerator;
use datafusion::config::ConfigOptions;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Optimizer, OptimizerConfig};
use datafusion::prelude::{SessionConfig, SessionContext};

use super::{NEEDS, chosen};
use crate::logical::computed_sides;

/// A session, whose names of what the rules make begin anew.
struct Anew<'s> {
    config: &'s dyn OptimizerConfig,
    names: Arc<AliasGenerator>,
}

impl OptimizerConfig for Anew<'_> {
    fn query_execution_start_time(&self) -> Option<DateTime<Utc>> {
        self.config.query_execution_start_time()
    }

    fn alias_generator(&self) -> &Arc<AliasGenerator> {
        &self.names
    }

    fn options(&self) -> Arc<ConfigOptions> {
        self.config.options()
    }

    fn function_registry(&self) -> Option<&dyn FunctionRegistry> {
        self.config.function_registry()
    }
}

/// Fails if all rules make another plan. Each question of this package's tests comes here.
pub(super) fn assert_same(
    plan: LogicalPlan,
    optimized: &LogicalPlan,
    all: &Optimizer,
    config: &dyn OptimizerConfig,
) {
    let anew = Anew {
        config,
        names: Arc::default(),
    };
    let by_all = all.optimize(plan, &anew, |_, _| {});
    let by_all = by_all.expect("what some rules can do all of them can");
    let shown = |plan: &LogicalPlan| plan.display_indent_schema().to_string();
    assert_eq!(shown(optimized), shown(&by_all));
    assert_eq!(*optimized, by_all);
}

async fn left_out(text: &str) -> HashSet<String> {
    let context = SessionContext::new_with_config(SessionConfig::new());
    let table =
        "CREATE TABLE m (time TIMESTAMP, host VARCHAR, v DOUBLE) AS VALUES (NULL, 'a', 1.0)";
    context.sql(table).await.expect("a table");
    let plan = context.sql(text).await.expect(text).into_unoptimized_plan();
    let state = context.state();
    let all = state.optimizers();
    let runs = chosen(&plan, all).expect("a plan that can be walked");
    let runs: HashSet<&str> = runs.iter().map(|rule| rule.name()).collect();
    let left_out = all.iter().filter(|rule| !runs.contains(rule.name()));
    left_out.map(|rule| rule.name().to_owned()).collect()
}

#[test]
fn each_rule_of_the_table_is_one_of_a_session() {
    let all = computed_sides::before_moves(crate::functions::gapfill::rules());
    for (name, _) in NEEDS {
        assert!(all.iter().any(|rule| rule.name() == *name), "{name}");
    }
}

#[tokio::test]
async fn a_rule_is_left_out_where_it_has_nothing_to_act_on() {
    let bins = "SELECT date_bin(INTERVAL '1 minute', time) AS t, max(v) FROM m WHERE host = 'a' \
                GROUP BY t ORDER BY t";
    // All but the two of ours, which are not in this session.
    assert_eq!(left_out(bins).await.len(), NEEDS.len() - 2);
    for (text, needed) in [
        (
            "SELECT v FROM m LIMIT 1",
            &["push_down_limit", "eliminate_limit"][..],
        ),
        (
            "SELECT max(v) FROM m GROUP BY host, time",
            &["eliminate_duplicated_expr"],
        ),
        (
            "SELECT v FROM m ORDER BY host, time",
            &["eliminate_duplicated_expr"],
        ),
        (
            "SELECT v FROM m UNION ALL SELECT v FROM m",
            &["optimize_unions"],
        ),
        (
            "SELECT count(DISTINCT v) FROM m",
            &[
                "single_distinct_aggregation_to_group_by",
                "eliminate_duplicated_expr",
            ],
        ),
        (
            "SELECT DISTINCT v FROM m",
            &[
                "replace_distinct_aggregate",
                "push_down_limit",
                "eliminate_duplicated_expr",
            ],
        ),
    ] {
        let left_out = left_out(text).await;
        assert!(!left_out.is_empty(), "{text}");
        for rule in needed {
            assert!(!left_out.contains(*rule), "{text}: {rule}");
        }
    }
    for text in [
        "SELECT a.v FROM m a JOIN m b ON a.host = b.host",
        "SELECT v FROM m WHERE v > (SELECT avg(v) FROM m)",
        "SELECT v FROM m WHERE host IN (SELECT host FROM m)",
        "SELECT row_number() OVER (ORDER BY time) FROM m",
    ] {
        assert!(left_out(text).await.is_empty(), "{text}");
    }
}
