//! Values that are many times as large where each row has its own: packed tags, and constants.

use arrow_array::RecordBatch;

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

/// From a review: a batch was grouped by all sets before anybody counted what that took.
#[tokio::test]
async fn many_grouping_sets_make_small_batches() {
    let keys: Vec<String> = (2..10).map(|key| format!("value % {key}")).collect();
    let text = format!(
        "SELECT value FROM generate_series(1, 9000) UNION ALL \
         SELECT count(*) FROM generate_series(1, 1) GROUP BY CUBE ({})",
        keys.join(", ")
    );
    let batches = batches(&text, Vec::new()).await;
    assert_eq!(rows(&batches), 9000 + 256);
    let most = batches.iter().map(RecordBatch::num_rows).max();
    assert!(most.is_some_and(|rows| rows <= 64), "{most:?}");
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
