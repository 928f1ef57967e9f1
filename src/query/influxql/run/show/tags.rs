//! The tags that points of a table have.

use std::sync::Arc;

use datafusion::execution::memory_pool::MemoryConsumer;
use futures_util::TryStreamExt;

use super::Asked;
use super::condition::OfTable;
use crate::database::{ColumnKind, Scan, Table};
use crate::distinct::{Distinct, Sorted};
use crate::error::QueryError;
use crate::provider::combinations;

/// The keys of the tags of a table, in order.
pub(super) fn keys(table: &dyn Table) -> Vec<Arc<str>> {
    let columns = table.columns().iter();
    let tags = columns.filter(|column| column.kind == ColumnKind::Tag);
    tags.map(|column| Arc::from(column.name.as_str())).collect()
}

/// The distinct values of these tags of points that fit; those that the table lacks are missing.
///
/// # Errors
/// The table cannot be read, or there is no memory for them.
pub(super) async fn distinct(
    asked: &Asked,
    table: &Arc<dyn Table>,
    filter: &OfTable,
    tags: &[Arc<str>],
) -> Result<Sorted, QueryError> {
    let found = look(asked, table, filter, tags, Sought::All).await?;
    Ok(found.0.finish(tags.len()))
}

/// The number of rows that [`distinct`] would have, which are not put in order for it.
///
/// # Errors
/// As of [`distinct`].
pub(super) async fn count(
    asked: &Asked,
    table: &Arc<dyn Table>,
    filter: &OfTable,
    tags: &[Arc<str>],
) -> Result<usize, QueryError> {
    let found = look(asked, table, filter, tags, Sought::All).await?;
    Ok(found.0.count(tags.len()))
}

/// The number of distinct values of a tag of points that fit.
///
/// # Errors
/// As of [`distinct`].
pub(super) async fn count_values(
    asked: &Asked,
    table: &Arc<dyn Table>,
    filter: &OfTable,
    tag: &Arc<str>,
) -> Result<usize, QueryError> {
    let tags = std::slice::from_ref(tag);
    let found = look(asked, table, filter, tags, Sought::Whole).await?;
    Ok(found.0.count(tags.len()))
}

/// The rows that are looked for, of those that fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
    /// All of them.
    All,
    /// Those that have all of the tags.
    Whole,
    /// One that has all of the tags, with which looking ends.
    One,
}

/// Returns true if a point fits, and has this tag if one is named.
///
/// # Errors
/// The table cannot be read.
pub(super) async fn any(
    asked: &Asked,
    table: &Arc<dyn Table>,
    filter: &OfTable,
    tag: Option<&Arc<str>>,
) -> Result<bool, QueryError> {
    let tags: Vec<_> = tag.into_iter().cloned().collect();
    Ok(look(asked, table, filter, &tags, Sought::One).await?.1)
}

/// Looks for tags. Returns true if there is a row that is sought.
async fn look(
    asked: &Asked,
    table: &Arc<dyn Table>,
    filter: &OfTable,
    tags: &[Arc<str>],
    sought: Sought,
) -> Result<(Distinct, bool), QueryError> {
    let mut columns: Vec<Arc<str>> = tags.to_vec();
    let more = filter.keys().into_iter().filter(|key| !tags.contains(key));
    columns.extend(more);
    // Each once, and those alone that the table has.
    let of_table = keys(&**table);
    let mut scanned: Vec<&Arc<str>> = columns
        .iter()
        .filter(|key| of_table.contains(key))
        .collect();
    scanned.sort_unstable();
    scanned.dedup();
    let places = columns.iter().map(|key| scanned.binary_search(&key).ok());
    let places: Vec<Option<usize>> = places.collect();
    let scan = Scan {
        columns: scanned.iter().map(ToString::to_string).collect(),
        times: filter.times.clone(),
        tags: filter.tag_filters(),
        newest: None,
    };
    let pool = &asked.state.runtime_env().memory_pool;
    let memory = MemoryConsumer::new("distinct tags").register(pool);
    let mut distinct = Distinct::new(columns.len(), memory);
    let passes = |row: &[&str]| {
        let value = |key: &str| {
            let place = columns.iter().position(|column| **column == *key);
            place
                .and_then(|place| row.get(place).copied())
                .unwrap_or_default()
        };
        let mut row_tags = row.iter().take(tags.len());
        let has_all = sought == Sought::All || row_tags.all(|text| !text.is_empty());
        has_all && filter.holds(&value)
    };
    let mut batches = combinations(&asked.state, &**table, scan).await?;
    let mut has_any = false;
    while let Some(batch) = batches.try_next().await? {
        has_any |= distinct.push(&batch, &places, &passes)?;
        // Without tags there is but one series.
        if has_any && (sought == Sought::One || columns.is_empty()) {
            break;
        }
    }
    Ok((distinct, has_any))
}
