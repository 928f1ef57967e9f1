//! How the tests put a question.

use std::sync::Arc;

use datafusion::arrow::util::pretty::pretty_format_batches;

use super::limits;
use super::points::{Point, Points};
use crate::{Parameters, QueryEngine, QueryError};

/// A database of these points.
pub fn of(points: impl IntoIterator<Item = Point>) -> Arc<Points> {
    Arc::new(Points::new(points))
}

/// The cells of every row of an answer, without frames and header.
pub async fn ask(database: &Arc<Points>, text: &str) -> Vec<String> {
    let answer = try_ask(database, text, Parameters::none()).await;
    answer.unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The text of the error of a question.
pub async fn refusal(database: &Arc<Points>, text: &str) -> QueryError {
    match try_ask(database, text, Parameters::none()).await {
        Ok(rows) => panic!("{text}: {rows:?}"),
        Err(error) => error,
    }
}

pub async fn try_ask(
    database: &Arc<Points>,
    text: &str,
    values: Parameters,
) -> Result<Vec<String>, QueryError> {
    let database = Arc::clone(database);
    let question = QueryEngine::new(limits())?.sql(database, text).await?;
    let mut answer = question.run(values).await?;
    let mut batches = Vec::new();
    while let Some(batch) = answer.next_batch().await? {
        batches.push(batch);
    }
    let table = pretty_format_batches(&batches).expect("it prints");
    let table = table.to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = lines.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.collect::<Vec<_>>().join(",")
    });
    Ok(cells.collect())
}
