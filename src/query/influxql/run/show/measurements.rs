//! SHOW MEASUREMENTS

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, TryStreamExt, future, stream};

use super::super::super::ast::{
    Measurement, MeasurementName, Page, Regex, ShowMeasurements, Source, Wildcarded,
};
use super::super::super::series::{ROWS_MAX, SeriesPart};
use super::condition::Filter;
use super::scope::{self, Found, Names};
use super::{Asked, Parts, parts, tags};
use crate::error::QueryError;

/// Begins it.
pub(super) async fn begin(asked: Asked, show: &ShowMeasurements) -> Result<Parts, QueryError> {
    let filter = Filter::of(show.condition.as_ref(), asked.now_ns)?;
    let on = name(show.database.as_ref())?;
    let of_policy = name(show.retention_policy.as_ref())?.map(|policy| {
        Source::Measurement(Measurement {
            database: None,
            retention_policy: Some(policy.to_owned()),
            name: MeasurementName::Regex(Regex(String::new())),
        })
    });
    let sources: Vec<Source> = of_policy.into_iter().collect();
    let mut found = scope::measurements(&asked, on, &sources).await?;
    if let Some(with) = &show.with {
        let names = Names::of(&with.name)?;
        found.retain(|found| names.has(&found.name));
    }
    let page = show.page;
    if !filter.is_open() {
        // All of them are looked at, unless the page is full before.
        return Ok(filtered(asked, filter, &found, page));
    }
    let range = parts::page(found.len(), page);
    let found = found.get(range).unwrap_or_default().to_vec();
    let chunks: Vec<_> = found.chunks(ROWS_MAX).map(named).collect();
    Ok(stream::iter(chunks).boxed())
}

fn name(of: Option<&Wildcarded>) -> Result<Option<&str>, QueryError> {
    match of {
        None => Ok(None),
        Some(Wildcarded::Name(name)) => Ok(Some(name)),
        Some(Wildcarded::All) => {
            let text = "SHOW MEASUREMENTS ON * is not supported";
            Err(QueryError::Invalid(text.to_owned()))
        }
    }
}

fn named(found: &[Found]) -> Result<SeriesPart, QueryError> {
    let columns = parts::columns(&["name"]);
    parts::of_texts(&Arc::from("measurements"), &columns, found, |found, _| {
        &found.name
    })
}

/// Those of which a series fits.
fn filtered(asked: Asked, filter: Filter, found: &[Found], page: Page) -> Parts {
    let fits = move |found: Found| {
        let (asked, filter) = (asked.clone(), filter.clone());
        async move { Ok(has_any(&asked, &filter, &found).await?.then_some(found)) }.boxed()
    };
    let fitting = scope::looked(found).map(fits).buffered(scope::SIDE_BY_SIDE);
    let fitting = fitting.try_filter_map(future::ok);
    let offset = usize::try_from(page.offset).unwrap_or(usize::MAX);
    let limit = match page.limit {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let mut before = offset;
    let fitting = fitting.try_skip_while(move |_| {
        let skips = before > 0;
        before = before.saturating_sub(1);
        future::ok(skips)
    });
    let chunks = fitting.take(limit).try_chunks(ROWS_MAX);
    let chunks = chunks.map_err(|cut| cut.1);
    chunks
        .and_then(|found| future::ready(named(&found)))
        .boxed()
}

/// Returns true if a series of a measurement fits.
pub(super) async fn has_any(
    asked: &Asked,
    filter: &Filter,
    found: &Found,
) -> Result<bool, QueryError> {
    let Some(table) = found.table().await? else {
        return Ok(false);
    };
    match filter.of_table(&found.name, &tags::keys(&*table))? {
        Some(of_table) => tags::any(asked, &table, &of_table, None).await,
        None => Ok(false),
    }
}
