//! The measurements that a SHOW statement is about.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};

use super::super::super::analysis::{Origin, Pattern};
use super::super::super::ast::{Measurement, MeasurementName, Source};
use super::super::super::series::SeriesPart;
use super::{Asked, Parts};
use crate::database::{Column, Database, Table};
use crate::error::QueryError;

/// How many tables are looked at side by side.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// How many measurements are looked up together. Each may have thousands of columns.
const TOGETHER: usize = 16;

/// A measurement that there is.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: Arc<str>,
    pub(super) database: Arc<dyn Database>,
}

impl Found {
    /// Its table; none if it went away.
    pub(super) async fn table(&self) -> Result<Option<Arc<dyn Table>>, QueryError> {
        Ok(self.database.table(&self.name).await?)
    }
}

/// The measurements of FROM, or all of the database after ON, in order of their names.
///
/// # Errors
/// A database cannot be had, or a regular expression is none.
pub(super) async fn measurements(
    asked: &Asked,
    on: Option<&str>,
    sources: &[Source],
) -> Result<Vec<Found>, QueryError> {
    let mut found = Vec::new();
    let mut seen: HashSet<(Origin, String)> = HashSet::new();
    let mut add = |origin: &Origin, database: &Arc<dyn Database>, name: String| {
        if seen.insert((origin.clone(), name.clone())) {
            found.push(Found {
                name: name.into(),
                database: Arc::clone(database),
            });
        }
    };
    if sources.is_empty() {
        let origin = origin(on, None);
        let database = asked.databases.database(&origin).await?;
        for name in database.tables().await? {
            add(&origin, &database, name);
        }
    }
    for source in sources {
        let Source::Measurement(measurement) = source else {
            continue;
        };
        let origin = origin(on, Some(measurement));
        let database = asked.databases.database(&origin).await?;
        let names = Names::of(&measurement.name)?;
        for name in database.tables().await? {
            if names.has(&name) {
                add(&origin, &database, name);
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The database of a measurement, which is the one after ON if it names none.
fn origin(on: Option<&str>, measurement: Option<&Measurement>) -> Origin {
    let mut origin = measurement.map(Origin::of).unwrap_or_default();
    origin.database = origin.database.or_else(|| on.map(Arc::from));
    origin
}

/// Names of measurements.
pub(super) enum Names {
    One(String),
    Matching(Pattern),
}

impl Names {
    /// # Errors
    /// A regular expression is none.
    pub(super) fn of(name: &MeasurementName) -> Result<Self, QueryError> {
        Ok(match name {
            MeasurementName::Name(name) => Self::One(name.clone()),
            MeasurementName::Regex(regex) => Self::Matching(super::condition::pattern(regex)?),
            MeasurementName::OfSource => {
                let text = "a SHOW statement has no source to take a name from";
                return Err(QueryError::Internal(text.to_owned()));
            }
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Matching(pattern) => pattern.is_match(name),
        }
    }
}

/// The parts of one measurement.
pub(super) type OfOne = Box<dyn Iterator<Item = Result<SeriesPart, QueryError>> + Send>;

/// The measurements, for who asks for the table of each: some are looked at together before that.
pub(super) fn looked(found: &[Found]) -> BoxStream<'static, Found> {
    let groups: Vec<_> = together(found).collect();
    let look = |group: Vec<Found>| async move {
        if let Some(first) = group.first() {
            let names = group.iter().map(|found| Arc::clone(&found.name));
            first.database.look_at(&names.collect::<Vec<_>>()).await;
        }
        stream::iter(group)
    };
    stream::iter(groups).then(look).flatten().boxed()
}

/// The parts of measurement after measurement, some of which are looked at side by side.
pub(super) fn each(
    found: BoxStream<'static, Found>,
    parts: impl Fn(Found) -> BoxFuture<'static, Result<OfOne, QueryError>> + Send + 'static,
) -> Parts {
    found
        .map(parts)
        .buffered(SIDE_BY_SIDE)
        .map_ok(stream::iter)
        .try_flatten()
        .boxed()
}

/// The parts that `list` makes of the columns of measurement after measurement. No table is opened.
pub(super) fn listed(
    found: &[Found],
    list: impl Fn(&Found, Vec<Column>) -> OfOne + Send + Sync + 'static,
) -> Parts {
    let list = Arc::new(list);
    let looked = together(found).map(move |group| {
        let list = Arc::clone(&list);
        async move {
            let columns = columns(&group).await?;
            let listed = group.iter().zip(columns);
            let listed = listed.flat_map(|(found, columns)| list(found, columns));
            Ok::<_, QueryError>(stream::iter(listed.collect::<Vec<_>>()))
        }
        .boxed()
    });
    let looked = looked.collect::<Vec<_>>();
    stream::iter(looked)
        .buffered(SIDE_BY_SIDE)
        .try_flatten()
        .boxed()
}

/// Measurements whose columns are looked up together: neighbours of one database.
pub(super) fn together(found: &[Found]) -> impl Iterator<Item = Vec<Found>> {
    let of_one = found.chunk_by(|a, b| Arc::ptr_eq(&a.database, &b.database));
    of_one
        .flat_map(|of_one| of_one.chunks(TOGETHER))
        .map(<[Found]>::to_vec)
}

/// The columns of measurements that are looked up together; none of one that went away.
pub(super) async fn columns(group: &[Found]) -> Result<Vec<Vec<Column>>, QueryError> {
    let Some(first) = group.first() else {
        return Ok(Vec::new());
    };
    let names = group.iter().map(|found| Arc::clone(&found.name));
    let columns = first
        .database
        .columns_of(&names.collect::<Vec<_>>())
        .await?;
    Ok(columns.into_iter().map(Option::unwrap_or_default).collect())
}

/// What `look` says of each measurement, some of which are looked at side by side.
pub(super) async fn all<T: Send + 'static>(
    found: BoxStream<'static, Found>,
    look: impl Fn(Found) -> BoxFuture<'static, Result<T, QueryError>> + Send,
) -> Result<Vec<T>, QueryError> {
    let looked = found.map(look).buffered(SIDE_BY_SIDE);
    looked.try_collect().boxed().await
}
