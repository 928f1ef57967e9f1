//! A bucket as one question sees it.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tidegate_query::{Column, Database, DatabaseError, Table};
use tokio::sync::{Mutex, OnceCell};

use super::access::Access;
use super::table::{TableMoment, columns};
use crate::id::TableId;
use crate::read::{Moment, TableColumns};

/// A bucket. Each of its tables is looked at once, when it is first asked for or others are with it, and
/// held; the columns of one that nobody asked for are looked up whenever they are listed.
#[derive(Debug)]
pub(super) struct BucketMoment {
    access: Arc<Access>,
    names: OnceCell<Vec<String>>,
    tables: Mutex<HashMap<String, Option<Arc<TableMoment>>>>,
}

impl BucketMoment {
    pub(super) fn new(access: Arc<Access>) -> Self {
        Self {
            access,
            names: OnceCell::new(),
            tables: Mutex::default(),
        }
    }

    async fn names(&self) -> Result<Vec<String>, DatabaseError> {
        let id = self.access.bucket.id;
        let names = self
            .access
            .blocking(move |access| access.sources.measurements(id));
        let mut names = names.await?;
        self.access.check()?;
        // A table that was looked for and was not there yet has no place in this moment.
        let tables = self.tables.lock().await;
        names.retain(|name| !matches!(tables.get(name), Some(None)));
        Ok(names)
    }

    async fn look(&self, name: &str) -> Result<Option<Arc<TableMoment>>, DatabaseError> {
        let access = &self.access;
        let table = access.bucket.table(name);
        // To go to another thread takes longer than to look at what is known.
        let moment = match Moment::at_once(&access.sources, &table) {
            Some(moment) => moment.map_err(|error| access.failed(error))?,
            None => {
                let look = move |access: &Access| Moment::of(&access.sources, &table);
                access.blocking(look).await?
            }
        };
        access.check()?;
        Ok(moment.map(|moment| Arc::new(TableMoment::new(Arc::clone(&self.access), moment))))
    }
}

impl Database for BucketMoment {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        let names = self.names.get_or_try_init(|| self.names());
        names.map(|names| names.cloned()).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        let table = async move {
            let mut tables = self.tables.lock().await;
            let table = match tables.get(name) {
                Some(known) => known.clone(),
                None => {
                    let table = self.look(name).await?;
                    tables.insert(name.to_owned(), table.clone());
                    table
                }
            };
            Ok(table.map(|table| table as Arc<dyn Table>))
        };
        table.boxed()
    }

    /// They are looked at together, as columns are looked up.
    fn look_at<'a>(&'a self, names: &'a [Arc<str>]) -> BoxFuture<'a, ()> {
        let look = async move {
            let mut tables = self.tables.lock().await;
            let unknown = names.iter().filter(|name| !tables.contains_key(&***name));
            let unknown = unknown.map(|name| (name.to_string(), self.access.bucket.table(name)));
            let unknown: Vec<(String, TableId)> = unknown.collect();
            let looked = self.access.blocking(move |access| {
                let moments = unknown.into_iter().filter_map(|(name, table)| {
                    // A fault is told to who asks for this table.
                    let moment = Moment::of(&access.sources, &table).ok()?;
                    Some((name, moment))
                });
                Ok(moments.collect::<Vec<_>>())
            });
            if let (Ok(looked), Ok(())) = (looked.await, self.access.check()) {
                let table = |moment| Arc::new(TableMoment::new(Arc::clone(&self.access), moment));
                tables.extend(looked.into_iter().map(|(name, of)| (name, of.map(table))));
            }
        };
        look.boxed()
    }

    fn columns<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Vec<Column>>, DatabaseError>> {
        let found = async move {
            let found = self.columns_of(&[Arc::from(name)]).await?;
            Ok(found.into_iter().next().flatten())
        };
        found.boxed()
    }

    /// They are looked up together: to go to another thread takes longer than to look up one.
    fn columns_of<'a>(
        &'a self,
        names: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Vec<Option<Vec<Column>>>, DatabaseError>> {
        let found = async move {
            let held = {
                let tables = self.tables.lock().await;
                let held = names.iter().map(|name| tables.get(&**name).cloned());
                held.collect::<Vec<_>>()
            };
            let looked = names.iter().zip(&held).map(|(name, held)| match held {
                Some(_) => None,
                None => Some(self.access.bucket.table(name)),
            });
            let looked: Vec<Option<TableId>> = looked.collect();
            let found = self.access.blocking(move |access| {
                let found = looked.iter().map(|table| match table {
                    Some(table) => TableColumns::of(&access.sources, table),
                    None => Ok(None),
                });
                found.collect::<Result<Vec<_>, _>>()
            });
            let found = found.await?;
            self.access.check()?;
            let found = held.into_iter().zip(found).map(|(held, found)| match held {
                Some(held) => held.map(|table| table.columns().to_vec()),
                None => found.as_ref().map(columns),
            });
            Ok(found.collect())
        };
        found.boxed()
    }
}
