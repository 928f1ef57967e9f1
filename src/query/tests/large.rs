//! Values that are many times as large where each row has its own: packed tags, and constants.

use arrow_array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;

use super::ask::of;
use super::points::Point;
use super::{FixedMemory, limits};
use crate::{Limits, Parameters, QueryEngine};

const MIB: usize = 1 << 20;

async fn batches(text: &str, points: Vec<Point>) -> Vec<RecordBatch> {
    let limits = Limits {
        memory: std::sync::Arc::new(FixedMemory::new(64 * MIB)),
        ..limits()
    };
    let engine = QueryEngine::new(limits).expect("an engine");
    let question = engine.sql(of(points) as _, text).await.expect("planned");
    let mut answer = question.run(Parameters::none()).await.expect("begun");
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await.expect("answered") {
        batches.push(batch);
    }
    batches
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// From a review: each batch was unpacked as a whole, and nobody counted it.
#[tokio::test]
async fn packed_values_leave_in_small_batches() {
    let host = "h".repeat(60_000);
    let points = (0..100).map(|time| Point::new("m", &[("host", &host)], time, &[("v", 1.0)]));
    let text =
        "SELECT arrow_cast(host, 'Dictionary(Int32, Utf8)') AS host, time FROM m ORDER BY time";
    let batches = batches(text, points.collect()).await;
    assert_eq!(rows(&batches), 100);
    let most = batches.iter().map(RecordBatch::num_rows).max();
    assert!(
        most.is_some_and(|rows| rows * host.len() <= MIB),
        "{most:?}"
    );
}

/// From a review: a text of the question was copied once per row of a batch of 8192.
#[tokio::test]
async fn long_constants_make_small_batches() {
    let literal = "x".repeat(20_000);
    for (constant, from) in [
        (format!("'{literal}'"), "generate_series(1, 9000)"),
        ("repeat('x', 20000)".to_owned(), "generate_series(1, 9000)"),
        (
            format!("CASE WHEN value > 5 THEN '{literal}' ELSE '' END"),
            "generate_series(1, 9000)",
        ),
        (
            format!("'{literal}'"),
            "(SELECT value FROM generate_series(1, 9000) WHERE value % 7 <> 6 OR value > 0)",
        ),
    ] {
        let text = format!("SELECT value, {constant} AS x FROM {from}");
        let batches = batches(&text, Vec::new()).await;
        assert_eq!(rows(&batches), 9000);
        let most = batches.iter().map(RecordBatch::num_rows).max();
        let shown = text.replace(&literal, "…");
        assert!(
            most.is_some_and(|rows| rows * literal.len() <= 4 * MIB),
            "{most:?}: {shown}"
        );
    }
}

#[tokio::test]
async fn batches_of_points_are_cut_as_well() {
    let literal = "x".repeat(MIB);
    let points = (0..9).map(|time| Point::new("m", &[], time, &[("v", 1.0)]));
    let text = format!("SELECT v, '{literal}' AS x FROM m");
    let batches = batches(&text, points.collect()).await;
    assert_eq!(rows(&batches), 9);
    let most = batches.iter().map(RecordBatch::num_rows).max();
    assert!(most.is_some_and(|rows| rows <= 2), "{most:?}");
}

/// What is only compared is written nowhere.
#[tokio::test]
async fn many_values_to_look_up_leave_batches_large() {
    let values: Vec<String> = (0..2000).map(|n| format!("'value number {n}'")).collect();
    let text = format!(
        "SELECT value FROM generate_series(1, 9000) WHERE CAST(value AS VARCHAR) NOT IN ({})",
        values.join(", ")
    );
    let batches = batches(&text, Vec::new()).await;
    assert_eq!(rows(&batches), 9000);
    assert!(batches.len() <= 4, "{}", batches.len());
}

/// From a review: a batch was grouped by all sets before anybody counted what that took. Then the whole
/// plan had small batches, and what did not fit into memory went through it a few rows at a time.
#[tokio::test]
async fn rows_are_grouped_by_many_sets_in_small_batches_and_nothing_else_is() {
    let keys: Vec<String> = (2..10).map(|key| format!("value % {key}")).collect();
    let sets = format!(
        "SELECT count(*) FROM generate_series(1, 9000) GROUP BY CUBE ({})",
        keys.join(", ")
    );
    let text = format!("SELECT value FROM generate_series(1, 9000) UNION ALL {sets}");
    let answered = batches(&text, Vec::new()).await;
    assert!(rows(&answered) > 9000 + 256);
    let most = answered.iter().map(RecordBatch::num_rows).max();
    assert!(most.is_some_and(|rows| rows > 4096), "{most:?}");

    let plan = batches(&format!("EXPLAIN {sets}"), Vec::new()).await;
    let plan = pretty_format_batches(&plan).expect("it prints").to_string();
    let parts: Vec<&str> = plan.split("SlicedExec").collect();
    let [above, below] = parts[..] else {
        panic!("{plan}");
    };
    let grouped = above.rsplit("AggregateExec: ").next();
    assert!(grouped.is_some_and(|text| text.starts_with("mode=Partial")));
    assert!(!below.contains("AggregateExec"));
}

/// From a measurement: the groups of each of several partitions were given away over and over.
#[tokio::test]
async fn many_sets_are_grouped_in_one_part_where_memory_is_short() {
    for (columns, is_divided) in [(3, true), (8, false)] {
        let keys: Vec<String> = (0..columns)
            .map(|key| format!("value % {}", key + 2))
            .collect();
        let keys = keys.join(", ");
        let sets =
            format!("SELECT count(*) AS n FROM generate_series(1, 3000) GROUP BY CUBE ({keys})");
        let plan = batches(&format!("EXPLAIN {sets}"), Vec::new()).await;
        let plan = pretty_format_batches(&plan).expect("it prints").to_string();
        assert_eq!(plan.contains("partitioning=Hash"), is_divided, "{columns}");
        let whole = format!("SELECT CAST(sum(n) AS BIGINT) AS n FROM ({sets}) ORDER BY n");
        let whole = batches(&whole, Vec::new()).await;
        let whole = pretty_format_batches(&whole)
            .expect("it prints")
            .to_string();
        let expected = (3000 << columns).to_string();
        assert!(whole.contains(&expected), "{whole}");
    }
}

/// From a review: the lists of a batch were made in one step, and counted by nobody.
#[tokio::test]
async fn windows_that_collect_make_small_batches() {
    for (frame, count, most_rows) in [
        ("ROWS BETWEEN 500 PRECEDING AND CURRENT ROW", 2000, 262),
        ("ROWS UNBOUNDED PRECEDING", 500, 500),
    ] {
        let text = format!(
            "SELECT value, array_agg(value) OVER (ORDER BY value {frame}) AS x \
             FROM generate_series(1, {count})"
        );
        let batches = batches(&text, Vec::new()).await;
        assert_eq!(rows(&batches), count, "{text}");
        let most = batches.iter().map(RecordBatch::num_rows).max();
        assert!(
            most.is_some_and(|rows| rows <= most_rows),
            "{most:?}: {text}"
        );
    }
}
