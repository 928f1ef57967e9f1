//! The catalog of a session: one database under the names that InfluxDB 3 has for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::information_schema::INFORMATION_SCHEMA;
use datafusion::catalog::{CatalogProvider, SchemaProvider};
use datafusion::datasource::TableProvider;
use datafusion::error::{DataFusionError, Result};

use super::information::Information;
use super::system::{SYSTEM, System, View};
use super::table::Provider;
use crate::database::{Database, DatabaseError};
use crate::kinds;

/// The name of the only catalog.
pub(crate) const CATALOG: &str = "public";
/// The name of the schema with the tables of points.
pub(crate) const SCHEMA: &str = "iox";

/// The only catalog. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    tables: Arc<Tables>,
    view: View,
}

/// The tables of a database. A single one is looked up when it is asked for; the names of all of
/// them only once they are listed.
#[derive(Debug)]
struct Tables {
    database: Arc<dyn Database>,
    names: OnceLock<Vec<String>>,
    missing: Mutex<BTreeSet<String>>,
}

impl Catalog {
    /// The tables of a database, and what the one who asks sees of questions.
    pub(crate) fn new(database: Arc<dyn Database>, view: View) -> Self {
        let tables = Tables {
            database,
            names: OnceLock::new(),
            missing: Mutex::default(),
        };
        Self {
            tables: Arc::new(tables),
            view,
        }
    }

    /// The names of all tables, which must be known before a plan may list them.
    ///
    /// # Errors
    /// They cannot be listed.
    pub(crate) async fn names(&self) -> Result<&[String], DatabaseError> {
        if self.tables.names.get().is_none() {
            let names = self.tables.database.tables().await?;
            // Another task may have been first: both saw the same moment.
            let _ = self.tables.names.set(names);
        }
        Ok(self.tables.known())
    }

    /// Returns true if a table of points was looked up and was not there.
    pub(crate) fn is_missing(&self, table: &str) -> bool {
        self.tables.missing().contains(table)
    }

    /// The columns of a table of points as plans have them; none if there is no such table.
    pub(super) async fn schema_of(&self, table: &str) -> Result<Option<SchemaRef>> {
        let columns = self.tables.database.columns(table).await;
        let columns = columns.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(columns.map(|columns| kinds::schema(&columns)))
    }
}

impl Tables {
    fn known(&self) -> &[String] {
        self.names.get().map_or(&[], Vec::as_slice)
    }

    fn missing(&self) -> MutexGuard<'_, BTreeSet<String>> {
        let missing = self.missing.lock();
        missing.unwrap_or_else(PoisonError::into_inner)
    }
}

impl CatalogProvider for Catalog {
    /// The schemas that hold tables: `information_schema` tells of them.
    fn schema_names(&self) -> Vec<String> {
        [SCHEMA, SYSTEM].map(str::to_owned).to_vec()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            SCHEMA => Some(Arc::clone(&self.tables) as _),
            SYSTEM => Some(Arc::new(System::new(self.view.clone()))),
            INFORMATION_SCHEMA => Some(Arc::new(Information::new(self.clone()))),
            _ => None,
        }
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        self.known().to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let table = self.database.table(name).await;
        let table = table.map_err(|error| DataFusionError::External(Box::new(error)))?;
        if table.is_none() {
            self.missing().insert(name.to_owned());
        }
        Ok(table.map(|table| Arc::new(Provider::new(table)) as _))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.known().iter().any(|known| known == name)
    }
}
