//! The reasons for which a question gets no answer, or no more of it.

use std::sync::Arc;

use arrow_schema::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use thiserror::Error;

use crate::database::DatabaseError;
use crate::hints;

/// The reason for which a question gets no answer.
///
/// The kinds are what a protocol tells apart; the texts are for the person who asked.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The question itself is wrong: its grammar, a name, a type, or a value in it.
    #[error("{0}")]
    Invalid(String),
    /// It would change something, and questions only read.
    #[error("{0} is not supported: questions only read")]
    Writes(String),
    /// It needs more memory or disk than it may have.
    #[error("{0}")]
    Exhausted(String),
    /// The points cannot be read.
    #[error(transparent)]
    Database(DatabaseError),
    /// A fault of ours.
    #[error("a fault of the query engine: {0}")]
    Internal(String),
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::External(error) => match error.downcast::<DatabaseError>() {
                Ok(error) => Self::Database(*error),
                Err(error) => match error.downcast::<Self>() {
                    Ok(error) => *error,
                    Err(error) => Self::Internal(error.to_string()),
                },
            },
            DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => {
                (*error).into()
            }
            DataFusionError::ArrowError(error, _) => match *error {
                ArrowError::ExternalError(error) => DataFusionError::External(error).into(),
                error => Self::Invalid(of_arrow(&error)),
            },
            DataFusionError::Collection(errors) => match errors.into_iter().next() {
                Some(error) => error.into(),
                None => Self::Internal("no error among errors".to_owned()),
            },
            DataFusionError::Shared(error) => match Arc::try_unwrap(error) {
                Ok(error) => error.into(),
                Err(error) => of_shared(&error),
            },
            error => of_plain(&error),
        }
    }
}

/// The error that several parts of a plan were given. The others still hold it.
fn of_shared(error: &DataFusionError) -> QueryError {
    let error = error.find_root();
    let DataFusionError::External(external) = error else {
        return of_plain(error);
    };
    match external.downcast_ref::<DatabaseError>() {
        Some(DatabaseError::Gone(what)) => QueryError::Database(DatabaseError::Gone(what.clone())),
        Some(DatabaseError::Unreadable(why)) => {
            QueryError::Database(DatabaseError::Unreadable(why.to_string().into()))
        }
        None => QueryError::Internal(external.to_string()),
    }
}

/// An error with no other inside.
fn of_plain(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::SQL(error, _) => QueryError::Invalid(of_grammar(error)),
        DataFusionError::SchemaError(error, _) => QueryError::Invalid(hints::of_column(error)),
        DataFusionError::ArrowError(error, _) => QueryError::Invalid(of_arrow(error)),
        DataFusionError::NotImplemented(text) => {
            QueryError::Invalid(format!("not supported: {}", of_plan(text)))
        }
        DataFusionError::Plan(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text) => QueryError::Invalid(of_plan(text)),
        DataFusionError::ResourcesExhausted(text) => QueryError::Exhausted(of_plan(text)),
        error => QueryError::Internal(error.strip_backtrace()),
    }
}

fn of_grammar(error: &ParserError) -> String {
    match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            format!("the SQL is wrong: {text}")
        }
        ParserError::RecursionLimitExceeded => "the SQL is nested too deeply".to_owned(),
    }
}

fn of_arrow(error: &ArrowError) -> String {
    match error {
        ArrowError::CastError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::InvalidArgumentError(text)
        | ArrowError::ParseError(text)
        | ArrowError::ArithmeticOverflow(text)
        | ArrowError::NotYetImplemented(text)
        | ArrowError::SchemaError(text) => of_plan(text),
        ArrowError::DivideByZero => "division by zero".to_owned(),
        error => error.to_string(),
    }
}

/// The part of a text of DataFusion that is for people: neither what it holds for the writers of
/// plans nor the signatures in Rust.
fn of_plan(text: &str) -> String {
    let text = text
        .split(DataFusionError::BACK_TRACE_SEP)
        .next()
        .unwrap_or(text);
    let text = text.split("Candidate functions:").next().unwrap_or(text);
    let text = ["Error during planning: ", "Execution error: "]
        .iter()
        .fold(text.to_owned(), |text, kind| text.replace(kind, ""));
    text.trim().to_owned()
}
