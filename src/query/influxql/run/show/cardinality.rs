//! SHOW … CARDINALITY, all of which are exact.
//!
//! Each is a count per measurement and group of tags; that of measurements a count per group. LIMIT and
//! OFFSET are about the rows of one of these, of which there is one.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::super::super::ast::{Cardinality, CardinalityOf};
use super::condition::{Filter, OfTable, refuse_times};
use super::groups::{self, Group};
use super::scope::{self, Found, OfOne};
use super::values::Keys;
use super::{Asked, Parts, keys, measurements, parts, tags};
use crate::database::{ColumnKind, Table};
use crate::error::QueryError;

/// The column that 1.x estimates.
const ESTIMATE: &str = "cardinality estimation";

/// What is counted, and in which groups.
#[derive(Debug)]
struct Counting {
    of: Of,
    filter: Filter,
    /// The tags of the groups, in order.
    tags: Arc<[Arc<str>]>,
}

#[derive(Debug)]
enum Of {
    FieldKeys,
    Series,
    TagKeys,
    TagValues(Keys),
}

/// Begins it.
pub(super) async fn begin(asked: Asked, show: &Cardinality) -> Result<Parts, QueryError> {
    let scope = &show.scope;
    let refused = match show.of {
        CardinalityOf::FieldKeys => Some("SHOW FIELD KEY CARDINALITY"),
        CardinalityOf::Measurements => Some("SHOW MEASUREMENT EXACT CARDINALITY"),
        CardinalityOf::Series => Some("SHOW SERIES EXACT CARDINALITY"),
        CardinalityOf::TagKeys => Some("SHOW TAG KEY EXACT CARDINALITY"),
        CardinalityOf::TagValues(_) => None,
    };
    if let Some(name) = refused {
        refuse_times(scope.condition.as_ref(), name)?;
    }
    let filter = Filter::of(scope.condition.as_ref(), asked.now_ns)?;
    let of = match &show.of {
        CardinalityOf::FieldKeys => Some(Of::FieldKeys),
        CardinalityOf::Measurements => None,
        CardinalityOf::Series => Some(Of::Series),
        CardinalityOf::TagKeys => Some(Of::TagKeys),
        CardinalityOf::TagValues(keys) => Some(Of::TagValues(Keys::of(keys)?)),
    };
    let found = scope::measurements(&asked, scope.database.as_deref(), &scope.sources).await?;
    let tags = groups::tags(&show.dimensions, &found).await?;
    if show.offset > 0 {
        return Ok(stream::empty().boxed());
    }
    let is_estimate = !show.exact
        && scope.sources.is_empty()
        && scope.condition.is_none()
        && show.dimensions.is_empty()
        && show.limit == 0;
    match of {
        None => of_measurements(&asked, filter, tags, found, is_estimate).await,
        Some(of) => {
            let counting = Counting { of, filter, tags };
            match is_estimate && matches!(counting.of, Of::Series) {
                true => one_sum(asked, counting, found).await,
                false => Ok(per_measurement(asked, counting, found)),
            }
        }
    }
}

/// A count per measurement and group.
fn per_measurement(asked: Asked, counting: Counting, found: Vec<Found>) -> Parts {
    let found = match counting.is_of_columns() {
        true => stream::iter(found).boxed(),
        false => scope::looked(&found),
    };
    let counting = Arc::new(counting);
    scope::each(found, move |found| {
        let (asked, counting) = (asked.clone(), Arc::clone(&counting));
        let parts = async move {
            let counts = counting.of_one(&asked, &found).await?.into_iter();
            let columns = parts::columns(&["count"]);
            let parts = counts.map(|(group, count)| {
                let tags = groups::named(&counting.tags, &group);
                parts::of_count(&found.name, tags, &columns, count)
            });
            let parts: Vec<_> = parts.collect();
            Ok(Box::new(parts.into_iter()) as OfOne)
        };
        parts.boxed()
    })
}

/// The sum over all measurements, in one row.
async fn one_sum(asked: Asked, counting: Counting, found: Vec<Found>) -> Result<Parts, QueryError> {
    let counting = Arc::new(counting);
    let counts = scope::all(scope::looked(&found), move |found| {
        let (asked, counting) = (asked.clone(), Arc::clone(&counting));
        async move { counting.of_one(&asked, &found).await }.boxed()
    });
    let sum = counts.await?.iter().flat_map(BTreeMap::values).sum();
    one_row(ESTIMATE, sum)
}

fn one_row(column: &str, count: usize) -> Result<Parts, QueryError> {
    let part = parts::of_count(&Arc::from(""), None, &parts::columns(&[column]), count)?;
    Ok(stream::iter([Ok(part)]).boxed())
}

/// SHOW MEASUREMENT CARDINALITY: the measurements of each group.
async fn of_measurements(
    asked: &Asked,
    filter: Filter,
    tags: Arc<[Arc<str>]>,
    found: Vec<Found>,
    is_estimate: bool,
) -> Result<Parts, QueryError> {
    if tags.is_empty() {
        let count = match filter.is_open() {
            true => found.len(),
            false => {
                let looked = scope::looked(&found).map(|found| {
                    let (asked, filter) = (asked.clone(), filter.clone());
                    async move { measurements::has_any(&asked, &filter, &found).await }
                });
                let looked = looked.buffered(scope::SIDE_BY_SIDE);
                let fits: Vec<bool> = looked.try_collect().boxed().await?;
                fits.into_iter().filter(|fits| *fits).count()
            }
        };
        return match (is_estimate, count) {
            (true, count) => one_row(ESTIMATE, count),
            (false, 0) => Ok(stream::empty().boxed()),
            (false, count) => one_row("count", count),
        };
    }
    let counting = Arc::new(Counting {
        of: Of::Series,
        filter,
        tags,
    });
    let shared = (asked.clone(), Arc::clone(&counting));
    let of_each = scope::all(scope::looked(&found), move |found| {
        let (asked, counting) = shared.clone();
        async move { counting.groups(&asked, &found).await }.boxed()
    });
    let mut counts: BTreeMap<Group, usize> = BTreeMap::new();
    for group in of_each.await?.into_iter().flatten() {
        *counts.entry(group).or_default() += 1;
    }
    let columns = parts::columns(&["count"]);
    let parts = counts.into_iter().map(|(group, count)| {
        let tags = groups::named(&counting.tags, &group);
        parts::of_count(&Arc::from(""), tags, &columns, count)
    });
    Ok(stream::iter(parts.collect::<Vec<_>>()).boxed())
}

impl Counting {
    /// Returns true if it counts what is listed without opening tables.
    fn is_of_columns(&self) -> bool {
        self.tags.is_empty() && matches!(self.of, Of::TagKeys) && self.filter.is_open()
    }

    /// The counts of a measurement by group; none that is 0.
    async fn of_one(
        &self,
        asked: &Asked,
        found: &Found,
    ) -> Result<BTreeMap<Group, usize>, QueryError> {
        let one = |count: usize| (count > 0).then(|| (Group::new(), count));
        if self.tags.is_empty() && matches!(self.of, Of::TagKeys) {
            let keys = keys::keys_of(asked, &self.filter, found).await?;
            return Ok(one(keys.len()).into_iter().collect());
        }
        let Some((table, filter)) = self.table(found).await? else {
            return Ok(BTreeMap::new());
        };
        match &self.of {
            Of::Series if self.tags.is_empty() => {
                let all = tags::keys(&*table);
                let count = tags::count(asked, &table, &filter, &all).await?;
                Ok(one(count).into_iter().collect())
            }
            Of::Series => {
                let mut columns = self.tags.to_vec();
                columns.extend(tags::keys(&*table));
                self.distinct(asked, &table, &filter, &columns).await
            }
            Of::FieldKeys => {
                let columns = table.columns().iter();
                let fields = columns.filter(|column| column.kind == ColumnKind::Field);
                let count = fields.count();
                if self.tags.is_empty() && self.filter.is_open() {
                    return Ok(one(count).into_iter().collect());
                }
                let groups = self.distinct(asked, &table, &filter, &self.tags).await?;
                Ok(groups.into_keys().map(|group| (group, count)).collect())
            }
            Of::TagKeys => {
                let all = tags::keys(&*table);
                self.with_any(asked, &table, &filter, &all, |key, _| Arc::clone(key))
                    .await
            }
            Of::TagValues(keys) => {
                let mut all = tags::keys(&*table);
                all.retain(|key| keys.has(key));
                if let ([only], true) = (&*all, self.tags.is_empty()) {
                    let count = tags::count_values(asked, &table, &filter, only).await?;
                    return Ok(one(count).into_iter().collect());
                }
                self.with_any(asked, &table, &filter, &all, |_, value| Arc::clone(value))
                    .await
            }
        }
    }

    /// The groups that a measurement has.
    async fn groups(&self, asked: &Asked, found: &Found) -> Result<Vec<Group>, QueryError> {
        let Some((table, filter)) = self.table(found).await? else {
            return Ok(Vec::new());
        };
        let counts = self.distinct(asked, &table, &filter, &self.tags).await?;
        Ok(counts.into_keys().collect())
    }

    /// The table of a measurement, unless no series of it can fit.
    async fn table(&self, found: &Found) -> Result<Option<(Arc<dyn Table>, OfTable)>, QueryError> {
        let Some(table) = found.table().await? else {
            return Ok(None);
        };
        let filter = self.filter.of_table(&found.name, &tags::keys(&*table))?;
        Ok(filter.map(|filter| (table, filter)))
    }

    /// The numbers of distinct values of these columns, which begin with the tags of the groups.
    async fn distinct(
        &self,
        asked: &Asked,
        table: &Arc<dyn Table>,
        filter: &OfTable,
        columns: &[Arc<str>],
    ) -> Result<BTreeMap<Group, usize>, QueryError> {
        let rows = tags::distinct(asked, table, filter, columns).await?;
        let mut counts: BTreeMap<Group, usize> = BTreeMap::new();
        for row in rows.rows() {
            let group = row.take(self.tags.len()).cloned().collect();
            *counts.entry(group).or_default() += 1;
        }
        Ok(counts)
    }

    /// The numbers of distinct things that `thing` makes of key and value of these tags.
    async fn with_any(
        &self,
        asked: &Asked,
        table: &Arc<dyn Table>,
        filter: &OfTable,
        keys: &[Arc<str>],
        thing: impl Fn(&Arc<str>, &Arc<str>) -> Arc<str> + Send,
    ) -> Result<BTreeMap<Group, usize>, QueryError> {
        let mut things: BTreeMap<Group, HashSet<Arc<str>>> = BTreeMap::new();
        for key in keys {
            let mut columns = self.tags.to_vec();
            columns.push(Arc::clone(key));
            let rows = tags::distinct(asked, table, filter, &columns).await?;
            for row in rows.rows() {
                let mut row: Group = row.cloned().collect();
                let Some(value) = row.pop().filter(|value| !value.is_empty()) else {
                    continue;
                };
                things.entry(row).or_default().insert(thing(key, &value));
            }
        }
        let counts = things.into_iter();
        Ok(counts
            .map(|(group, things)| (group, things.len()))
            .collect())
    }
}
