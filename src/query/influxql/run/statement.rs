//! A statement that runs.

use std::sync::Arc;

use super::super::answer::Head;
use super::super::ast;
use super::super::series::SeriesPart;
use super::Databases;
use crate::engine::QueryEngine;
use crate::error::QueryError;
use crate::record::Asker;

/// A statement that runs, and the parts of its series. They are made on the threads of questions, a
/// little ahead of whoever takes them; that ends when this is dropped.
#[derive(Debug)]
pub struct Statement {
    head: Head,
}

impl Statement {
    /// What is known before the rows.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    #[expect(clippy::unused_async, reason = "to come")]
    pub async fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        Ok(None)
    }
}

impl QueryEngine {
    /// Begins a statement that [reads](super::reads). `now_ns` is the time of the request, in
    /// nanoseconds since the epoch.
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong or has no database, or if its answer cannot be begun.
    #[expect(clippy::unused_async, reason = "to come")]
    pub async fn influxql(
        &self,
        asker: Asker,
        databases: Arc<dyn Databases>,
        statement: &ast::Statement,
        now_ns: i64,
    ) -> Result<Statement, QueryError> {
        let _ = (asker, databases, now_ns);
        let text = format!("{} is not supported yet", statement.title());
        Err(QueryError::Invalid(text))
    }
}
