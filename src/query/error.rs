//! The reasons for which a question gets no answer, or no more of it.

use std::io;

use arrow_schema::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::parquet::errors::ParquetError;
use datafusion::sql::sqlparser::parser::ParserError;
use thiserror::Error;

use crate::database::DatabaseError;
use crate::record;
use crate::sql::dialects;
use crate::sql::hints;

/// The reason for which a question gets no answer.
///
/// The kinds are what a protocol tells apart; the texts are for the person who asked.
#[derive(Clone, Debug, Error)]
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
    /// It needs a place or memory that others have now, and may be answered later.
    #[error("{0}")]
    Crowded(String),
    /// It was not answered in the time that it has.
    #[error("{0}")]
    Late(String),
    /// Somebody ended it, as `KILL QUERY` does, or its client has left.
    #[error("query interrupted")]
    Interrupted,
    /// The points cannot be read.
    #[error(transparent)]
    Database(DatabaseError),
    /// A fault of ours.
    #[error("a fault of the query engine: {0}")]
    Internal(String),
}

impl QueryError {
    /// The text with `'?'` for each text in single quotes: a log shows no literals of a question.
    pub fn without_literals(&self) -> String {
        let text = self.to_string();
        let parts = text.split('\'').enumerate();
        let parts = parts.map(|(place, part)| if place % 2 == 1 { "?" } else { part });
        parts.collect::<Vec<_>>().join("'")
    }
}

impl From<DatabaseError> for QueryError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Exhausted(text) => Self::Crowded(text),
            error => Self::Database(error),
        }
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        of(&error)
    }
}

/// Finds the reason inside of what DataFusion wraps around it. Parts of a plan that wait for the same
/// rows share one error.
fn of(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::External(source) => of_source(&**source),
        DataFusionError::Context(_, error) | DataFusionError::Diagnostic(_, error) => of(error),
        DataFusionError::Shared(error) => of(error),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(error) => of(error),
            None => QueryError::Internal("no error among errors".to_owned()),
        },
        DataFusionError::ArrowError(error, _) => of_values(error),
        DataFusionError::ParquetError(error) => of_file(error),
        DataFusionError::IoError(error) => of_io(error),
        error => of_plain(error),
    }
}

/// An error of what was put on disk.
fn of_io(error: &io::Error) -> QueryError {
    match error.get_ref() {
        Some(source) => of_source(source),
        None => QueryError::Internal(error.to_string()),
    }
}

fn of_source(source: &(dyn std::error::Error + Send + Sync + 'static)) -> QueryError {
    if let Some(error) = source.downcast_ref::<DatabaseError>() {
        return error.clone().into();
    }
    if let Some(error) = source.downcast_ref::<QueryError>() {
        return error.clone();
    }
    if let Some(error) = source.downcast_ref::<ArrowError>() {
        return of_values(error);
    }
    if let Some(error) = source.downcast_ref::<DataFusionError>() {
        return of(error);
    }
    let text = source.to_string();
    match of_pattern(&text) {
        Some(reason) => QueryError::Invalid(reason),
        None => QueryError::Internal(text),
    }
}

/// The reason why a regular expression is wrong, if that is what a text of the libraries below is about.
/// Where a pattern meets its first rows decides in which kind of error it comes.
fn of_pattern(text: &str) -> Option<String> {
    let is_too_large = ["CompiledTooBig(", "Compiled regex exceeds size limit"];
    if is_too_large.iter().any(|marker| text.contains(marker)) {
        return Some(
            "a regular expression is too large once it is compiled: use fewer repetitions"
                .to_owned(),
        );
    }
    let is_wrong = text.starts_with("regex parse error");
    is_wrong.then(|| text.to_owned())
}

/// An error of values that do not go together, wherever in the plan they met: files decide conditions
/// themselves.
fn of_values(error: &ArrowError) -> QueryError {
    match error {
        ArrowError::ExternalError(source) => of_source(&**source),
        ArrowError::IoError(_, error) => of_io(error),
        ArrowError::ParquetError(text) => damaged(text),
        ArrowError::MemoryError(text) => QueryError::Exhausted(text.clone()),
        error => match of_pattern(&error.to_string()).or_else(|| of_arrow(error)) {
            Some(text) => QueryError::Invalid(text),
            None => QueryError::Internal(error.to_string()),
        },
    }
}

/// An error of reading files. Bytes that make no sense come without the name of their file.
fn of_file(error: &ParquetError) -> QueryError {
    match error {
        ParquetError::External(source) => of_source(&**source),
        error => damaged(&error.to_string()),
    }
}

fn damaged(reason: &str) -> QueryError {
    let text = format!("a file of the table is damaged: {reason}");
    QueryError::Database(DatabaseError::unreadable(text))
}

/// An error with no other inside.
fn of_plain(error: &DataFusionError) -> QueryError {
    match error {
        DataFusionError::SQL(error, _) => QueryError::Invalid(of_grammar(error)),
        DataFusionError::SchemaError(error, _) => QueryError::Invalid(hints::of_column(error)),
        DataFusionError::NotImplemented(text) => {
            QueryError::Invalid(format!("not supported: {}", of_plan(text)))
        }
        // What is wrong with it is no fault of who asked, and its operators are for those who write them.
        DataFusionError::Plan(text) if is_plan_refused(text) => {
            let text =
                "a plan was made whose rows are not in the order, or not where, it needs them";
            QueryError::Internal(text.to_owned())
        }
        DataFusionError::Plan(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text) => {
            QueryError::Invalid(of_pattern(text).unwrap_or_else(|| of_plan(text)))
        }
        DataFusionError::ResourcesExhausted(text) if record::is_crowded(text) => {
            QueryError::Crowded(of_plan(text))
        }
        DataFusionError::ResourcesExhausted(text) => QueryError::Exhausted(of_plan(text)),
        DataFusionError::Internal(text) if dialects::of_plan(text).is_some() => {
            QueryError::Invalid(of_plan(text))
        }
        error => {
            let text = error.strip_backtrace();
            of_pattern(&text).map_or_else(|| QueryError::Internal(text), QueryError::Invalid)
        }
    }
}

/// Returns true if the engine refuses a plan that it made itself.
fn is_plan_refused(text: &str) -> bool {
    let reasons = [
        "does not satisfy order requirements",
        "does not satisfy distribution requirements",
    ];
    text.starts_with("Plan: [") && reasons.iter().any(|reason| text.contains(reason))
}

fn of_grammar(error: &ParserError) -> String {
    match error {
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            format!("the SQL is wrong: {text}")
        }
        ParserError::RecursionLimitExceeded => "the SQL is nested too deeply".to_owned(),
    }
}

/// The text of an error that values bring about; none if they cannot.
fn of_arrow(error: &ArrowError) -> Option<String> {
    match error {
        ArrowError::CastError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::InvalidArgumentError(text)
        | ArrowError::ParseError(text)
        | ArrowError::ArithmeticOverflow(text)
        | ArrowError::NotYetImplemented(text)
        | ArrowError::SchemaError(text) => Some(of_plan(text)),
        ArrowError::DivideByZero => Some("division by zero".to_owned()),
        ArrowError::OffsetOverflowError(_)
        | ArrowError::DictionaryKeyOverflowError
        | ArrowError::RunEndIndexOverflowError => Some(error.to_string()),
        _ => None,
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
    dialects::of_plan(&text).unwrap_or_else(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use datafusion::error::DataFusionError;

    use super::QueryError;

    // From a bug: the whole plan was told to the client, as a fault of the question.
    #[test]
    fn a_plan_that_the_engine_refuses_is_a_fault_of_ours() {
        let text = "Plan: [\"SortExec: expr=[v@0]\"] does not satisfy order requirements: [v@0]";
        let told = QueryError::from(DataFusionError::Plan(text.to_owned()));
        assert!(matches!(&told, QueryError::Internal(text) if !text.contains("SortExec")));
    }

    #[test]
    fn a_text_for_the_log_has_no_literals() {
        let error = QueryError::Invalid("Cannot cast string 'secret' to Int32, or 'this".into());
        let told = error.without_literals();
        assert_eq!(told, "Cannot cast string '?' to Int32, or '?");
    }
}
