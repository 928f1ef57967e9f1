//! SHOW SERIES

use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, future};

use super::super::super::ast::ShowSeries;
use super::super::super::series::{ROWS_MAX, SeriesPart};
use super::condition::Filter;
use super::scope::{self, Found, OfOne};
use super::{Asked, Parts, parts, tags};
use crate::distinct::Sorted;
use crate::error::QueryError;

/// Begins it.
pub(super) async fn begin(asked: Asked, show: &ShowSeries) -> Result<Parts, QueryError> {
    let scope = &show.scope;
    let filter = Arc::new(Filter::of(scope.condition.as_ref(), asked.now_ns)?);
    let found = scope::measurements(&asked, scope.database.as_deref(), &scope.sources).await?;
    let page = show.page;
    let all = scope::each(scope::looked(&found), move |found| {
        let (asked, filter) = (asked.clone(), Arc::clone(&filter));
        async move { of_one(&asked, &filter, &found).await }.boxed()
    });
    let mut before = page.offset;
    let mut left = match page.limit {
        0 => u64::MAX,
        limit => limit,
    };
    // The page is one of all measurements together. It ends with the part that fills it.
    let cut = all.scan(false, move |is_full, part| {
        if *is_full {
            return future::ready(None);
        }
        let part = part.map(|part| {
            let rows = part.rows.num_rows();
            let start = usize::try_from(before).unwrap_or(usize::MAX).min(rows);
            let count = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(rows - start);
            before -= u64::try_from(start).unwrap_or(before);
            left -= u64::try_from(count).unwrap_or(left);
            *is_full = left == 0;
            (count > 0).then(|| SeriesPart {
                rows: part.rows.slice(start, count),
                ..part
            })
        });
        future::ready(Some(part.transpose()))
    });
    Ok(cut.filter_map(future::ready).boxed())
}

/// The series of a measurement, in the order of 1.x: by key and value of tag after tag.
async fn of_one(asked: &Asked, filter: &Filter, found: &Found) -> Result<OfOne, QueryError> {
    let none = || Box::new(std::iter::empty()) as OfOne;
    let Some(table) = found.table().await? else {
        return Ok(none());
    };
    let keys = tags::keys(&*table);
    let Some(filter) = filter.of_table(&found.name, &keys)? else {
        return Ok(none());
    };
    let mut series = tags::distinct(asked, &table, &filter, &keys).await?;
    series.sort_as_series();
    let measurement = escaped(&found.name, &[',', ' ']);
    let keys: Vec<String> = keys.iter().map(|key| escaped(key, TAG)).collect();
    let columns = parts::columns(&["key"]);
    let starts = (0..series.len()).step_by(ROWS_MAX);
    Ok(Box::new(starts.map(move |start| {
        let end = series.len().min(start.saturating_add(ROWS_MAX));
        let rows: Vec<String> = (start..end)
            .map(|place| text(&measurement, &keys, &series, place))
            .collect();
        parts::of_texts(&Arc::from(""), &columns, &rows, |row, _| row)
    })))
}

/// What is escaped in keys and values of tags.
const TAG: &[char] = &[',', ' ', '='];

fn text(measurement: &str, keys: &[String], series: &Sorted, place: usize) -> String {
    let mut text = measurement.to_owned();
    for (key, value) in keys.iter().zip(series.row(place)) {
        if !value.is_empty() {
            text.push(',');
            text.push_str(key);
            text.push('=');
            push_escaped(&mut text, value, TAG);
        }
    }
    text
}

fn escaped(plain: &str, special: &[char]) -> String {
    let mut text = String::with_capacity(plain.len());
    push_escaped(&mut text, plain, special);
    text
}

fn push_escaped(text: &mut String, plain: &str, special: &[char]) {
    for character in plain.chars() {
        if special.contains(&character) {
            text.push('\\');
        }
        text.push(character);
    }
}
