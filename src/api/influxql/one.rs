//! The one statement of protocols that answer questions, and its rows.

use std::collections::HashMap;

use tidegate_query::QueryError;
use tidegate_query::influxql::ast::Statement;
use tidegate_query::influxql::{Binding, Environment, parse};

use super::answering::{Answering, Refused};
use super::carry_out::is_question;
use super::session::Session;
use super::table::Tabled;

/// Parses the one statement of a text, which reads, with values for its parameters.
///
/// # Errors
/// [`QueryError::Invalid`] if it is wrong, not the only one, or changes something.
pub fn one(text: &str, parameters: HashMap<String, Binding>) -> Result<Statement, QueryError> {
    let environment = Environment::of_request(parameters);
    let parsed = parse(text, &environment);
    let parsed = parsed.map_err(|error| QueryError::Invalid(error.to_string()))?;
    let mut statements = parsed.statements;
    let refused = match (statements.pop(), statements.len()) {
        (Some(statement), 0) if is_question(&statement) => return Ok(statement),
        (Some(statement), 0) => format!("{} is not supported here: use /query", statement.title()),
        (None, _) => "there is no statement in 'q'".to_owned(),
        (Some(_), before) => format!("{} statements are in 'q', and one is expected", before + 1),
    };
    Err(QueryError::Invalid(refused))
}

impl Session {
    /// Answers [one] statement by rows.
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong, or its first rows cannot be given.
    pub async fn table(&self, statement: &Statement) -> Result<Tabled, QueryError> {
        self.begun(statement).await?.into_table().await
    }

    /// Begins a statement that only reads.
    pub(super) async fn begun(&self, statement: &Statement) -> Result<Answering, QueryError> {
        let answering = self.run(statement).await;
        answering.map_err(|refused| match refused {
            Refused::Query(error) => error,
            Refused::Request(error) => QueryError::Internal(error.message().to_owned()),
        })
    }
}
