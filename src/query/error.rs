//! The reasons for which a question gets no answer, or no more of it.

use datafusion::error::DataFusionError;
use thiserror::Error;

use crate::database::DatabaseError;

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
            DataFusionError::Shared(error) => Self::Invalid(error.strip_backtrace()),
            DataFusionError::ArrowError(error, _) => match *error {
                arrow_schema::ArrowError::ExternalError(error) => {
                    DataFusionError::External(error).into()
                }
                error => Self::Invalid(error.to_string()),
            },
            error @ DataFusionError::ResourcesExhausted(_) => {
                Self::Exhausted(error.strip_backtrace())
            }
            error @ (DataFusionError::Internal(_)
            | DataFusionError::IoError(_)
            | DataFusionError::ExecutionJoin(_)) => Self::Internal(error.strip_backtrace()),
            error => Self::Invalid(error.strip_backtrace()),
        }
    }
}
