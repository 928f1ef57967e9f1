//! The plan of a question: how often it is looked at, and which joins are in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::UnboundedMemoryPool;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::AnalyzerRule;

use super::ask::{ask, of};
use super::limits;
use super::points::Point;
use crate::deadline::Deadline;
use crate::functions::Lender;
use crate::question::{Asked, Question};
use crate::session::Session;
use crate::threads::Threads;
use crate::{Limits, Parameters, ScalarValue};

/// Counts the plans whose types are settled.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl AnalyzerRule for Counting {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(plan)
    }

    fn name(&self) -> &'static str {
        "counting"
    }
}

async fn question(text: &str, counting: &Arc<Counting>) -> Question {
    let Limits {
        threads, instant, ..
    } = limits();
    let state = SessionStateBuilder::new_with_default_features()
        .with_analyzer_rule(Arc::clone(counting) as _)
        .build();
    let statement = state.sql_to_statement(text, &state.config_options().sql_parser.dialect);
    let plan = state.statement_to_plan(statement.expect("it is SQL")).await;
    let pool = Arc::new(UnboundedMemoryPool::default());
    let asked = Asked {
        threads: Threads::new(threads),
        deadline: Deadline::of(None, instant),
        memory: Arc::clone(&pool) as _,
        _database: of([]),
        _lender: Arc::new(Lender::new(pool, "all is taken".into())),
    };
    Question::new(asked, Session::of(state), plan.expect("planned")).expect("understood")
}

/// From a review: each look at the columns settled the types anew, and so did the run.
#[tokio::test]
async fn the_types_of_a_question_are_settled_once() {
    let counting = Arc::default();
    let plain = question("SELECT 1 + 1.5 AS x", &counting).await;
    let columns = plain.schema();
    assert_eq!(plain.schema(), columns);
    let mut answer = plain.run(Parameters::none()).await.expect("begun");
    let rows = answer.next_batch().await.expect("read").expect("a row");
    assert_eq!(rows.schema(), columns);
    assert_eq!(counting.0.load(Ordering::Relaxed), 1);
    let bound = question("SELECT $1 + 1.5 AS x", &counting).await;
    let value = Parameters::Placed(vec![ScalarValue::Int64(Some(1))]);
    bound.run(value).await.expect("begun");
    let settled = counting.0.load(Ordering::Relaxed);
    assert_eq!(settled, 3, "without its values, and with them");
}

/// The rule that watches joins knows three kinds of them.
#[tokio::test]
async fn a_join_by_equal_values_sorts_no_side() {
    let database = of([
        Point::new("m", &[("host", "a")], 1, &[("v", 1.0)]),
        Point::new("n", &[("host", "a")], 1, &[("v", 2.0)]),
    ]);
    for join in [
        "JOIN n ON m.host = n.host",
        "LEFT JOIN n ON m.host = n.host AND m.v < n.v",
        "RIGHT JOIN n ON m.time = n.time",
        "FULL JOIN n ON m.time = n.time AND m.host = n.host",
        "LEFT SEMI JOIN n ON m.host = n.host",
        "LEFT ANTI JOIN n ON m.host = n.host",
        "WHERE m.host IN (SELECT host FROM n)",
        "WHERE m.host NOT IN (SELECT host FROM n)",
        "WHERE EXISTS (SELECT 1 FROM n WHERE n.host = m.host)",
    ] {
        let text = format!("EXPLAIN SELECT m.time FROM m {join} ORDER BY m.time");
        let plan = ask(&database, &text).await.join("\n");
        assert!(plan.contains("HashJoinExec"), "{join}:\n{plan}");
        assert!(!plan.contains("MergeJoin"), "{join}:\n{plan}");
    }
}
