//! What a statement can know of its databases, looked up before it is analysed.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::DataType;
use futures_core::future::BoxFuture;

use super::super::analysis::{Origin, Pattern, Schema, SchemaError};
use super::super::ast::{Measurement, MeasurementName, Select, Source};
use super::super::value::ValueType;
use super::Databases;
use crate::database::{Column, ColumnKind, Database, Table};
use crate::error::QueryError;

/// The databases of a statement, and those of their tables that it names.
#[derive(Debug, Default)]
pub(super) struct Known {
    databases: HashMap<Origin, Arc<dyn Database>>,
    names: HashMap<Origin, Vec<Arc<str>>>,
    tables: HashMap<(Origin, Arc<str>), Arc<dyn Table>>,
}

impl Known {
    /// Looks up what a SELECT names, and all tables of which it says no more than a pattern.
    ///
    /// # Errors
    /// A database is not there, or cannot be read.
    pub(super) async fn of(databases: &dyn Databases, select: &Select) -> Result<Self, QueryError> {
        let mut known = Self::default();
        known.add_all(databases, select).await?;
        Ok(known)
    }

    /// Returns a table that the statement names.
    pub(super) fn table(&self, origin: &Origin, name: &str) -> Option<&Arc<dyn Table>> {
        self.tables.get(&(origin.clone(), Arc::from(name)))
    }

    fn add_all<'a>(
        &'a mut self,
        databases: &'a dyn Databases,
        select: &'a Select,
    ) -> BoxFuture<'a, Result<(), QueryError>> {
        Box::pin(async move {
            for source in &select.sources {
                match source {
                    Source::Measurement(measurement) => self.add(databases, measurement).await?,
                    Source::Subquery(inner) => self.add_all(databases, inner).await?,
                }
            }
            Ok(())
        })
    }

    async fn add(
        &mut self,
        databases: &dyn Databases,
        measurement: &Measurement,
    ) -> Result<(), QueryError> {
        let origin = Origin::of(measurement);
        let database = match self.databases.get(&origin) {
            Some(database) => Arc::clone(database),
            None => databases.database(&origin).await?,
        };
        self.databases.insert(origin.clone(), Arc::clone(&database));
        match &measurement.name {
            MeasurementName::Name(name) => self.add_table(&origin, &*database, name).await,
            MeasurementName::Regex(regex) => {
                // The analysis tells what is wrong with it.
                let Ok(pattern) = Pattern::new(regex) else {
                    return Ok(());
                };
                let names = database.tables().await?;
                let names = names.iter().map(|name| Arc::from(name.as_str()));
                let names: Vec<Arc<str>> = names.collect();
                for name in names.iter().filter(|name| pattern.is_match(name)) {
                    self.add_table(&origin, &*database, name).await?;
                }
                self.names.insert(origin, names);
                Ok(())
            }
            MeasurementName::OfSource => Ok(()),
        }
    }

    async fn add_table(
        &mut self,
        origin: &Origin,
        database: &dyn Database,
        name: &str,
    ) -> Result<(), QueryError> {
        let key = (origin.clone(), Arc::from(name));
        if !self.tables.contains_key(&key)
            && let Some(table) = database.table(name).await?
        {
            self.tables.insert(key, table);
        }
        Ok(())
    }

    fn columns(
        &self,
        origin: &Origin,
        name: &str,
        kind: ColumnKind,
    ) -> impl Iterator<Item = &Column> {
        let columns = self.table(origin, name).map(|table| table.columns());
        let columns = columns.unwrap_or_default().iter();
        columns.filter(move |column| column.kind == kind)
    }
}

impl Schema for Known {
    fn measurements(&self, origin: &Origin) -> Result<Vec<Arc<str>>, SchemaError> {
        Ok(self.names.get(origin).cloned().unwrap_or_default())
    }

    fn tags(&self, origin: &Origin, measurement: &str) -> Result<Vec<Arc<str>>, SchemaError> {
        let tags = self.columns(origin, measurement, ColumnKind::Tag);
        Ok(tags.map(|tag| Arc::from(tag.name.as_str())).collect())
    }

    fn fields(
        &self,
        origin: &Origin,
        measurement: &str,
    ) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError> {
        let fields = self.columns(origin, measurement, ColumnKind::Field);
        let typed = fields.filter_map(|field| {
            let value_type = value_type(&field.data_type)?;
            Some((Arc::from(field.name.as_str()), value_type))
        });
        Ok(typed.collect())
    }
}

/// Returns the type of a field of the language.
pub(super) fn value_type(data_type: &DataType) -> Option<ValueType> {
    Some(match data_type {
        DataType::Float64 => ValueType::Float,
        DataType::Int64 => ValueType::Integer,
        DataType::UInt64 => ValueType::Unsigned,
        DataType::Boolean => ValueType::Boolean,
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => ValueType::String,
        _ => return None,
    })
}
