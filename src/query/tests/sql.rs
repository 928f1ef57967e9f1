//! Questions in SQL over the plain list of points.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::util::pretty::pretty_format_batches;

use super::points::{Point, Points};
use crate::{GreedyMemoryPool, Limits, QueryEngine, QueryError, ScalarValue};

fn engine() -> QueryEngine {
    let limits = Limits {
        partitions: 2,
        memory: Arc::new(GreedyMemoryPool::new(64 << 20)),
    };
    QueryEngine::new(limits).expect("an engine")
}

fn database() -> Arc<Points> {
    Arc::new(Points::new([
        Point::new("cpu", &[("host", "a")], 1_000_000_001, &[("usage", 1.0)]),
        Point::new("cpu", &[("host", "b")], 1_000_000_001, &[("usage", 2.0)]),
        Point::new(
            "cpu",
            &[("host", "a")],
            1_000_000_001,
            &[("usage", 3.0), ("idle", 4.0)],
        ),
        Point::new("cpu", &[], 1_000_000_002, &[("idle", 5.0)]),
        Point::new("cpu", &[("host", "a")], 1_000_000_003, &[("usage", 6.0)]),
        Point::new("Mem", &[("host", "a")], 1, &[("Used", 7.0)]),
    ]))
}

async fn answer(text: &str, parameters: &[(&str, ScalarValue)]) -> Result<String, QueryError> {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let parameters: HashMap<_, _> = parameters.collect();
    let mut answer = engine().sql(database(), text, parameters).await?;
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        assert_eq!(batch.schema(), *answer.schema());
        batches.push(batch);
    }
    let table = pretty_format_batches(&batches).expect("it prints");
    Ok(table.to_string())
}

/// The cells of every row, without frames and header.
async fn rows(text: &str) -> Vec<String> {
    let table = answer(text, &[])
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|').map(str::trim);
            cells.collect::<Vec<_>>().join(",")
        })
        .collect()
}

#[tokio::test]
async fn rows_come_merged_and_a_missing_tag_is_null() {
    assert_eq!(
        rows("SELECT host, usage, idle, time FROM cpu ORDER BY time, host NULLS FIRST").await,
        [
            "a,3.0,4.0,1970-01-01T00:00:01.000000001",
            "b,2.0,,1970-01-01T00:00:01.000000001",
            ",,5.0,1970-01-01T00:00:01.000000002",
            "a,6.0,,1970-01-01T00:00:01.000000003",
        ]
    );
    assert_eq!(
        rows("SELECT * FROM cpu WHERE host IS NULL").await,
        [",5.0,1970-01-01T00:00:01.000000002,"].map(|_| ",5.0,1970-01-01T00:00:01.000000002,")
    );
}
