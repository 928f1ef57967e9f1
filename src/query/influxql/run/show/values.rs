//! SHOW TAG VALUES

use std::sync::Arc;

use futures_util::FutureExt;

use super::super::super::analysis::Pattern;
use super::super::super::ast::{Page, ShowTagValues, TagKeyFilter};
use super::super::super::series::ROWS_MAX;
use super::condition::{self, Filter};
use super::scope::{self, Found, OfOne};
use super::{Asked, Parts, parts, tags};
use crate::error::QueryError;

/// The keys of WITH KEY.
#[derive(Debug)]
pub(super) enum Keys {
    OneOf(Vec<String>),
    Not(String),
    Matching(Pattern),
    MatchingNot(Pattern),
}

impl Keys {
    /// # Errors
    /// A regular expression is none.
    pub(super) fn of(filter: &TagKeyFilter) -> Result<Self, QueryError> {
        Ok(match filter {
            TagKeyFilter::Equal(key) => Self::OneOf(vec![key.clone()]),
            TagKeyFilter::NotEqual(key) => Self::Not(key.clone()),
            TagKeyFilter::Matches(regex) => Self::Matching(condition::pattern(regex)?),
            TagKeyFilter::MatchesNot(regex) => Self::MatchingNot(condition::pattern(regex)?),
            TagKeyFilter::In(keys) => Self::OneOf(keys.clone()),
        })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        match self {
            Self::OneOf(keys) => keys.iter().any(|one| one == key),
            Self::Not(other) => other != key,
            Self::Matching(pattern) => pattern.is_match(key),
            Self::MatchingNot(pattern) => !pattern.is_match(key),
        }
    }
}

/// Begins it.
pub(super) async fn begin(asked: Asked, show: &ShowTagValues) -> Result<Parts, QueryError> {
    let scope = &show.scope;
    let filter = Arc::new(Filter::of(scope.condition.as_ref(), asked.now_ns)?);
    let keys = Arc::new(Keys::of(&show.keys)?);
    let found = scope::measurements(&asked, scope.database.as_deref(), &scope.sources).await?;
    let page = show.page;
    Ok(scope::each(scope::looked(&found), move |found| {
        let (asked, filter, keys) = (asked.clone(), Arc::clone(&filter), Arc::clone(&keys));
        async move { of_one(&asked, &filter, &keys, &found, page).await }.boxed()
    }))
}

/// The rows of a measurement: by key, then by value.
async fn of_one(
    asked: &Asked,
    filter: &Filter,
    keys: &Keys,
    found: &Found,
    page: Page,
) -> Result<OfOne, QueryError> {
    let none = || Box::new(std::iter::empty()) as OfOne;
    let Some(table) = found.table().await? else {
        return Ok(none());
    };
    let of_table = tags::keys(&*table);
    let Some(filter) = filter.of_table(&found.name, &of_table)? else {
        return Ok(none());
    };
    let last = match page.limit {
        0 => usize::MAX,
        limit => usize::try_from(page.offset.saturating_add(limit)).unwrap_or(usize::MAX),
    };
    let mut rows: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    for key in of_table.iter().filter(|key| keys.has(key)) {
        if rows.len() >= last {
            break;
        }
        let one = std::slice::from_ref(key);
        let values = tags::distinct(asked, &table, &filter, one).await?;
        let values = values.rows().flatten().filter(|value| !value.is_empty());
        rows.extend(values.map(|value| (Arc::clone(key), Arc::clone(value))));
    }
    let columns = parts::columns(&["key", "value"]);
    let rows = rows.get(parts::page(rows.len(), page)).unwrap_or_default();
    let chunks = rows.chunks(ROWS_MAX).map(|rows| {
        parts::of_texts(&found.name, &columns, rows, |row, column| match column {
            0 => &row.0,
            _ => &row.1,
        })
    });
    let chunks: Vec<_> = chunks.collect();
    Ok(Box::new(chunks.into_iter()))
}
