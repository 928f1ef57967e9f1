//! Values that are many times as large where each row has its own: packed tags.

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
