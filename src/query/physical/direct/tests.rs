//! What is planned directly answers as what is planned the general way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::DataType;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::expr_fn::{avg, count, max, sum};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, col, lit};
use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use futures_core::future::BoxFuture;
use futures_util::FutureExt;

use super::plan;
use crate::functions::selector::{self, Choice};
use crate::tests::limits;
use crate::tests::points::{Point, Points};
use crate::{
    Batches, Column, Database, DatabaseError, Merged, Piece, QueryEngine, Scan, Table, provider,
};

/// A table that counts how often it is scanned, and may tell how many rows its pieces have.
#[derive(Debug)]
struct Counting {
    table: Arc<dyn Table>,
    scans: AtomicUsize,
    tells_rows: bool,
}

impl Table for Counting {
    fn columns(&self) -> &[Column] {
        self.table.columns()
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        self.scans.fetch_add(1, Ordering::Relaxed);
        let told = async {
            let pieces = self.table.scan(scan).await?.into_iter();
            let pieces = pieces.map(|piece| match piece {
                Piece::Merged(rows) if self.tells_rows => Piece::Merged(Arc::new(Told(rows))),
                piece => piece,
            });
            Ok(pieces.collect())
        };
        told.boxed()
    }
}

#[derive(Debug)]
struct Told(Arc<dyn Merged>);

impl Merged for Told {
    fn read(&self) -> Batches {
        self.0.read()
    }

    fn rows_at_most(&self) -> Option<usize> {
        Some(3)
    }
}

async fn table(tells_rows: bool) -> Arc<Counting> {
    let points = (0..40_i32).map(|number| {
        let host = ["a", "b", "c"][usize::try_from(number % 3).expect("small")];
        let value = f64::from(number * 7 % 10);
        let fields = [("v", value), ("w", -value)];
        let fields = &fields[..1 + usize::try_from(number % 2).expect("small")];
        Point::new("m", &[("host", host)], i64::from(number) * 1000, fields)
    });
    let points = Points::new(points);
    let table = points.table("m").await.expect("a table").expect("a table");
    Arc::new(Counting {
        table,
        scans: AtomicUsize::new(0),
        tells_rows,
    })
}

fn state() -> SessionState {
    let engine = QueryEngine::new(limits()).expect("an engine");
    let deadline = engine.deadline(None, None);
    engine.state_of_statements(engine.runtime(None), &deadline)
}

fn scan(table: &Arc<Counting>) -> LogicalPlanBuilder {
    let table = provider::of_table(Arc::clone(table) as _);
    LogicalPlanBuilder::scan("m", provider_as_source(table), None).expect("a scan")
}

async fn generally(plan: &LogicalPlan, state: &SessionState) -> Arc<dyn ExecutionPlan> {
    let plan = state.optimize(plan).expect("a plan");
    let planner = state.query_planner();
    let plan = planner.create_physical_plan(&plan, state).await;
    plan.expect("a plan that runs")
}

/// The rows as lines, in an order of their own unless theirs is wanted.
async fn lines(plan: Arc<dyn ExecutionPlan>, state: &SessionState, are_sorted: bool) -> String {
    let rows: Vec<RecordBatch> = collect(plan, state.task_ctx()).await.expect("rows");
    let text = pretty_format_batches(&rows).expect("a table").to_string();
    let mut lines: Vec<_> = text.lines().collect();
    if !are_sorted {
        lines.sort_unstable();
    }
    lines.join("\n")
}

/// Chains of all kinds: conditions that a scan decides and others, columns that nobody needs, values that
/// are computed once and twice, functions of nothing, first rows.
fn chains(table: &Arc<Counting>) -> Vec<(LogicalPlan, bool)> {
    let named = || {
        let host = cast(col("host"), DataType::Utf8).alias("group0");
        let columns = vec![
            col("time").alias("time"),
            host,
            (col("v") + lit(1_i64)).alias("input0"),
            col("w").alias("input1"),
        ];
        let scan = scan(table).filter(col("host").not_eq(lit("b")));
        scan.and_then(|rows| rows.project(columns)).expect("a plan")
    };
    let of_host = || {
        scan(table)
            .filter(col("host").eq(lit("a")))
            .expect("a plan")
    };
    let last = |value: &str| {
        let (value, time) = (col(value), col("time"));
        selector::chosen(Choice::Last, value, time, Vec::new()).alias("last")
    };
    let by = |name: &str| col(name).sort(true, true);
    let sums = vec![sum(col("input0")).alias("s"), avg(col("input0")).alias("a")];
    let of_time = vec![max(col("time")).alias("t"), count(lit(1)).alias("n")];
    let filtered = of_host().filter(col("v").gt(lit(3_i64)).and(col("w").is_null()));
    let plans = [
        (named().aggregate(vec![col("group0")], sums.clone()), false),
        (
            named().aggregate(Vec::<datafusion::prelude::Expr>::new(), sums),
            true,
        ),
        (
            of_host().aggregate(vec![col("host")], of_time.clone()),
            false,
        ),
        (scan(table).aggregate(vec![col("host")], of_time), false),
        (
            scan(table).aggregate(vec![col("host")], vec![last("v")]),
            false,
        ),
        (
            scan(table).aggregate(vec![col("host")], vec![last("w")]),
            false,
        ),
        (named().sort(vec![by("group0"), by("time")]), true),
        (
            named().sort_with_limit(vec![col("time").sort(false, true)], Some(3)),
            true,
        ),
        (
            scan(table).sort_with_limit(vec![col("time").sort(false, true)], Some(1)),
            true,
        ),
        (filtered.and_then(|rows| rows.sort(vec![by("time")])), true),
        (
            scan(table)
                .filter(lit(true))
                .and_then(|rows| rows.project(vec![col("w")])),
            false,
        ),
    ];
    let built = plans.into_iter().map(|(plan, is_sorted)| {
        let plan = plan.and_then(LogicalPlanBuilder::build).expect("a plan");
        (plan, is_sorted)
    });
    built.collect()
}

#[tokio::test]
async fn chains_over_few_rows_answer_as_others_do() {
    let (table, state) = (table(true).await, state());
    for (number, (chain, is_sorted)) in chains(&table).into_iter().enumerate() {
        let direct = plan(&chain, &state).await.expect("a plan");
        let direct = direct.unwrap_or_else(|| panic!("{number} is planned generally"));
        let shown = displayable(&*direct).indent(false).to_string();
        let direct = lines(direct, &state, is_sorted).await;
        let general = lines(generally(&chain, &state).await, &state, is_sorted).await;
        assert_eq!(direct, general, "{number}\n{chain}\n{shown}");
        assert!(direct.lines().count() > 4, "{number} has rows: {direct}");
    }
}

/// What is computed once is computed by the node above, and nothing is read that nobody needs.
#[tokio::test]
async fn a_chain_has_no_more_nodes_than_it_needs() {
    let (table, state) = (table(true).await, state());
    let shown = |number: usize| {
        let (chain, state) = (chains(&table).swap_remove(number).0, &state);
        async move {
            let plan = plan(&chain, state).await.expect("a plan");
            let plan = plan.expect("a chain over few rows");
            displayable(&*plan).indent(false).to_string()
        }
    };
    let twice = shown(0).await;
    assert!(twice.contains("ProjectionExec"), "{twice}");
    let once = shown(3).await;
    let nodes: Vec<_> = once.lines().collect();
    assert_eq!(nodes.len(), 2, "{once}");
    assert!(
        nodes[0].starts_with("AggregateExec: mode=Single,"),
        "{once}"
    );
    assert!(nodes[1].contains("columns=[host, time]"), "{once}");
    let newest = shown(4).await;
    assert!(newest.contains("newest"), "{newest}");
}

/// A scan that turns out to be no stream is handed on, since to plan it is most of the work where files
/// are many.
#[tokio::test]
async fn what_is_planned_generally_is_scanned_once() {
    let state = state();
    let table = table(false).await;
    for (number, (chain, _)) in chains(&table).into_iter().enumerate() {
        table.scans.store(0, Ordering::Relaxed);
        assert!(plan(&chain, &state).await.expect("no fault").is_none());
        generally(&chain, &state).await;
        assert_eq!(table.scans.load(Ordering::Relaxed), 1, "{number}\n{chain}");
        // It was for that one plan.
        generally(&chain, &state).await;
        assert_eq!(table.scans.load(Ordering::Relaxed), 2, "{number}");
    }
}

/// Nothing is read for a condition that never holds, so that is for the rules, and so is what is no chain.
#[tokio::test]
async fn other_plans_are_left_to_the_rules() {
    let (table, state) = (table(true).await, state());
    let never = scan(&table).filter(lit(false));
    let above = scan(&table).project(vec![col("v").alias("x")]);
    let above = above.and_then(|rows| rows.filter(col("x").gt(lit(1.0))));
    let both = scan(&table).union(scan(&table).build().expect("a plan"));
    let limited = scan(&table).limit(0, Some(1));
    for (number, plan_) in [never, above, both, limited].into_iter().enumerate() {
        let chain = plan_.and_then(LogicalPlanBuilder::build).expect("a plan");
        let direct = plan(&chain, &state).await.expect("no fault");
        assert!(direct.is_none(), "{number}");
    }
}
