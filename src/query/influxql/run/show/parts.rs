//! Rows of SHOW statements as parts of series.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{Field, Schema};
use datafusion::error::DataFusionError;

use super::super::super::ast::Page;
use super::super::super::series::{ROWS_MAX, SeriesPart, Tags};
use crate::error::QueryError;

/// The names of columns.
pub(super) fn columns(names: &[&str]) -> Arc<[String]> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The range of `count` rows that a page has.
pub(super) fn page(count: usize, page: Page) -> std::ops::Range<usize> {
    let limit = match page.limit {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let start = usize::try_from(page.offset)
        .unwrap_or(usize::MAX)
        .min(count);
    start..start.saturating_add(limit).min(count)
}

/// Rows of texts, of which `cells` gives those of one row.
pub(super) fn of_texts<R>(
    name: &Arc<str>,
    columns: &Arc<[String]>,
    rows: &[R],
    cell: impl Fn(&R, usize) -> &str,
) -> Result<SeriesPart, QueryError> {
    debug_assert!(rows.len() <= ROWS_MAX, "a part has few rows");
    let arrays = (0..columns.len()).map(|column| {
        let texts = rows.iter().map(|row| cell(row, column));
        Arc::new(StringArray::from_iter_values(texts)) as ArrayRef
    });
    part(name, None, columns, arrays.collect())
}

/// One row with a number.
pub(super) fn of_count(
    name: &Arc<str>,
    tags: Option<Tags>,
    columns: &Arc<[String]>,
    count: usize,
) -> Result<SeriesPart, QueryError> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let counts = Arc::new(Int64Array::from(vec![count]));
    part(name, tags, columns, vec![counts])
}

fn part(
    name: &Arc<str>,
    tags: Option<Tags>,
    columns: &Arc<[String]>,
    arrays: Vec<ArrayRef>,
) -> Result<SeriesPart, QueryError> {
    let named = columns.iter().zip(&arrays);
    let fields = named.map(|(name, array)| Field::new(name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let rows = RecordBatch::try_new(schema, arrays).map_err(DataFusionError::from)?;
    Ok(SeriesPart {
        name: Arc::clone(name),
        tags,
        columns: Arc::clone(columns),
        rows,
    })
}
