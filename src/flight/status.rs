//! Errors as gRPC has them (query contract, on errors of gRPC).

use std::fmt::Display;

use arrow_flight::error::FlightError;
use tidegate_query::QueryError;
use tonic::Status;

use crate::unanswered::{FAULT, NO_TABLES, Unanswered};

/// The most bytes of the text of an error: it travels in a header, and clients bound those.
const ERROR_TEXT_BYTES_MAX: usize = 2000;

/// `INVALID_ARGUMENT`: the request is wrong.
pub(super) fn invalid(text: impl Into<String>) -> Status {
    Status::invalid_argument(short(text.into()))
}

/// `UNIMPLEMENTED`: the request asks for what there is not.
pub(super) fn unimplemented(text: impl Into<String>) -> Status {
    Status::unimplemented(short(text.into()))
}

/// The answer to a call in InfluxQL with what was made for SQL.
pub(super) fn no_influxql() -> Status {
    unimplemented(
        "this is asked in InfluxQL, by a handle of SQL or a ticket that GetFlightInfo did not give",
    )
}

/// `INTERNAL`: a fault of ours.
pub(super) fn internal(detail: impl Display) -> Status {
    tracing::error!(%detail, "a Flight call failed by a fault of ours");
    Status::internal(FAULT)
}

/// `NOT_FOUND`: there is no such bucket.
pub(super) fn no_bucket(name: &str) -> Status {
    Status::not_found(short(format!("database not found: \"{name}\"")))
}

/// The error for a client whose message cannot be read as it arrives.
pub fn broken_message(text: String) -> Status {
    invalid(text)
}

/// The error for a client whose messages arrive too slowly.
pub fn slow_sender(text: String) -> Status {
    Status::deadline_exceeded(short(text))
}

/// What a failed question means.
pub(super) fn of_query(error: QueryError) -> Status {
    match Unanswered::of(error) {
        Unanswered::Invalid(text) => invalid(text),
        Unanswered::Exhausted(text) | Unanswered::Crowded(text) => {
            Status::resource_exhausted(short(text))
        }
        Unanswered::Late(text) => Status::deadline_exceeded(short(text)),
        Unanswered::Interrupted(text) => Status::cancelled(short(text)),
        Unanswered::Gone(text) => Status::not_found(short(text)),
        Unanswered::Unreachable { detail } => {
            tracing::warn!(detail, "a Flight call could not be carried out now");
            Status::unavailable(NO_TABLES)
        }
        // It was logged when it occurred.
        Unanswered::Damaged(text) => Status::internal(short(text)),
        Unanswered::Fault { detail } => internal(detail),
    }
}

/// What went wrong while rows were encoded: an error of the question, or a fault of ours.
pub(super) fn of_flight(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        error => internal(error),
    }
}

/// The text, cut short between characters.
fn short(mut text: String) -> String {
    if text.len() > ERROR_TEXT_BYTES_MAX {
        let mark = "…";
        let end = text.floor_char_boundary(ERROR_TEXT_BYTES_MAX - mark.len());
        text.truncate(end);
        text.push_str(mark);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_query::{DatabaseError, QueryError};
    use tonic::Code;

    use super::of_query;

    #[test]
    fn each_error_of_a_question_has_its_code() {
        let unreadable = || DatabaseError::unreadable("/data/x.parquet is damaged");
        for (error, code) in [
            (QueryError::Invalid("x".into()), Code::InvalidArgument),
            (QueryError::Writes("x".into()), Code::InvalidArgument),
            (QueryError::Exhausted("x".into()), Code::ResourceExhausted),
            (
                QueryError::Database(DatabaseError::Gone("b".into())),
                Code::NotFound,
            ),
            (QueryError::Database(unreadable()), Code::Internal),
            (QueryError::Internal("x".into()), Code::Internal),
        ] {
            assert_eq!(of_query(error).code(), code);
        }
        let cause = std::io::Error::other("s3://secret-store does not answer");
        let unreachable = DatabaseError::Unreachable(Arc::new(cause));
        for error in [unreadable(), unreachable] {
            let told = of_query(QueryError::Database(error));
            let log = "the server's log says";
            assert!(told.message().contains(log), "{told}");
            for hidden in ["parquet", "secret-store"] {
                assert!(!told.message().contains(hidden), "{told}");
            }
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        for text in ["x".repeat(5000), "ü".repeat(5000), "€".repeat(5000)] {
            let told = of_query(QueryError::Invalid(text));
            let bytes = told.message().len();
            assert!((1990..=2000).contains(&bytes), "{bytes}");
            assert!(told.message().ends_with('…'));
        }
        let whole = "x".repeat(2000);
        let told = of_query(QueryError::Invalid(whole.clone()));
        assert_eq!(told.message(), whole);
    }
}
