//! Databases and retention policies in the columns that InfluxDB 3 lists them in over HTTP: those of 1.x are
//! for `/query`, and InfluxDB 3 has no others over Flight.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::StreamExt;
use futures_util::stream::iter;
use tidegate_query::QueryError;
use tidegate_query::influxql::ast::{Show, Statement};

use super::parts::{booleans, texts};
use super::session::Session;
use super::table::{Batches, Tabled};

impl Session {
    /// Answers a statement as [`Session::table`], lists of databases and of retention policies as InfluxDB 3
    /// does over HTTP.
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong, or its first rows cannot be given.
    pub async fn table_of_v3(
        &self,
        statement: &Statement,
    ) -> Result<(SchemaRef, Batches), QueryError> {
        let shown = match statement {
            Statement::Show(show) => &**show,
            _ => return self.columns_and_rows(statement).await,
        };
        let listed = match shown {
            Show::Databases => databases(&self.listed(statement).await?),
            Show::RetentionPolicies(named) => {
                let named = named.as_ref().filter(|name| !name.is_empty());
                let database = named.or(self.database.as_ref());
                let database = database.map_or("", String::as_str);
                policies(database, &self.listed(statement).await?)
            }
            _ => return self.columns_and_rows(statement).await,
        };
        let rows = listed.map_err(|error| QueryError::Internal(error.to_string()))?;
        let schema = rows.schema();
        Ok((schema, iter([Ok(rows)]).boxed()))
    }

    async fn columns_and_rows(
        &self,
        statement: &Statement,
    ) -> Result<(SchemaRef, Batches), QueryError> {
        let Tabled {
            schema, batches, ..
        } = self.table(statement).await?;
        Ok((schema, batches))
    }

    /// The rows of a statement that lists what the program knows.
    async fn listed(&self, statement: &Statement) -> Result<RecordBatch, QueryError> {
        let mut answering = self.begun(statement).await?;
        let part = answering.next_part().await?;
        let part = part.map(|part| part.rows);
        part.ok_or_else(|| QueryError::Internal("a list is missing".to_owned()))
    }
}

fn databases(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let deleted = booleans((0..rows.num_rows()).map(|_| false));
    RecordBatch::try_from_iter([
        ("iox::database", column(rows, "name")?),
        ("deleted", deleted),
    ])
}

fn policies(database: &str, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let database = texts((0..rows.num_rows()).map(|_| database));
    RecordBatch::try_from_iter([
        ("iox::database", database),
        ("name", column(rows, "name")?),
        ("duration", column(rows, "duration")?),
    ])
}

fn column(rows: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    let column = rows.column_by_name(name).map(Arc::clone);
    column.ok_or_else(|| ArrowError::SchemaError(format!("a list has no column {name}")))
}
