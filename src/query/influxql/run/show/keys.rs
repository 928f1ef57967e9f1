//! SHOW FIELD KEYS and SHOW TAG KEYS

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::DataType;
use futures_util::FutureExt;

use super::super::super::ast::{Page, ShowFieldKeys, ShowTagKeys};
use super::super::super::series::ROWS_MAX;
use super::condition::Filter;
use super::scope::{self, Found, OfOne};
use super::values::Keys;
use super::{Asked, Parts, parts, tags};
use crate::database::{Column, ColumnKind};
use crate::error::QueryError;

/// Begins SHOW FIELD KEYS.
pub(super) async fn fields(asked: Asked, show: &ShowFieldKeys) -> Result<Parts, QueryError> {
    let scope = &show.scope;
    let found = scope::measurements(&asked, scope.database.as_deref(), &scope.sources).await?;
    let page = show.page;
    let names = parts::columns(&["fieldKey", "fieldType"]);
    Ok(scope::listed(&found, move |found, columns| {
        let fields = columns.into_iter();
        let fields = fields.filter(|column| column.kind == ColumnKind::Field);
        let fields = fields.map(|column| (column.name, type_name(&column.data_type)));
        listed(found, &names, fields.collect(), page)
    }))
}

/// Begins SHOW TAG KEYS.
pub(super) async fn tags(asked: Asked, show: &ShowTagKeys) -> Result<Parts, QueryError> {
    let scope = &show.scope;
    let filter = Filter::of(scope.condition.as_ref(), asked.now_ns)?;
    let keys = show.keys.as_ref().map(Keys::of).transpose()?;
    let found = scope::measurements(&asked, scope.database.as_deref(), &scope.sources).await?;
    let page = show.page;
    let names = parts::columns(&["tagKey"]);
    let list = Arc::new(move |found: &Found, mut of_one: Vec<Arc<str>>| {
        of_one.retain(|key| keys.as_ref().is_none_or(|keys| keys.has(key)));
        let rows = of_one.into_iter().map(|key| (key.to_string(), ""));
        listed(found, &names, rows.collect(), page)
    });
    if filter.is_open() {
        return Ok(scope::listed(&found, move |found, columns| {
            list(found, tags_of(columns).collect())
        }));
    }
    let filter = Arc::new(filter);
    Ok(scope::each(scope::looked(&found), move |found| {
        let (asked, filter, list) = (asked.clone(), Arc::clone(&filter), Arc::clone(&list));
        async move { Ok(list(&found, keys_of(&asked, &filter, &found).await?)) }.boxed()
    }))
}

/// The keys of the tags that series of a measurement have which fit, in order.
pub(super) async fn keys_of(
    asked: &Asked,
    filter: &Filter,
    found: &Found,
) -> Result<Vec<Arc<str>>, QueryError> {
    if filter.is_open() {
        let columns = found.database.columns(&found.name).await?;
        return Ok(tags_of(columns.unwrap_or_default()).collect());
    }
    let Some(table) = found.table().await? else {
        return Ok(Vec::new());
    };
    let keys = tags::keys(&*table);
    let Some(of_table) = filter.of_table(&found.name, &keys)? else {
        return Ok(Vec::new());
    };
    let mut present = Vec::new();
    for key in keys {
        if tags::any(asked, &table, &of_table, Some(&key)).await? {
            present.push(key);
        }
    }
    Ok(present)
}

fn listed(
    found: &Found,
    columns: &Arc<[String]>,
    rows: Vec<(String, &'static str)>,
    page: Page,
) -> OfOne {
    let rows = rows.get(parts::page(rows.len(), page)).unwrap_or_default();
    let chunks = rows.chunks(ROWS_MAX).map(|rows| {
        parts::of_texts(&found.name, columns, rows, |row, column| match column {
            0 => &row.0,
            _ => row.1,
        })
    });
    let chunks: Vec<_> = chunks.collect();
    Box::new(chunks.into_iter())
}

fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "float",
        DataType::Int64 => "integer",
        DataType::UInt64 => "unsigned",
        DataType::Boolean => "boolean",
        _ => "string",
    }
}

/// The keys of the tags of some measurements.
pub(super) async fn all_keys(found: &[Found]) -> Result<BTreeSet<Arc<str>>, QueryError> {
    let mut all = BTreeSet::new();
    for group in scope::together(found) {
        let columns = scope::columns(&group).await?;
        all.extend(columns.into_iter().flat_map(tags_of));
    }
    Ok(all)
}

fn tags_of(columns: Vec<Column>) -> impl Iterator<Item = Arc<str>> {
    let tags = columns.into_iter();
    let tags = tags.filter(|column| column.kind == ColumnKind::Tag);
    tags.map(|column| Arc::from(column.name))
}
