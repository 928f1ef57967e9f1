//! The reasons for which a question gets no answer, as whoever asked is told: one list for all protocols.
//!
//! Each protocol gives a kind its own code. What is told and what is for the log alone is decided here:
//! what names files or stores goes to the log, and no literal of a question goes there, since it may
//! be a secret.

use tidegate_query::{DatabaseError, QueryError};

use crate::read::{LakeError, ReadError};
use crate::telemetry::causes;

/// The text for [`Unanswered::Unreachable`].
pub const NO_TABLES: &str = "the tables cannot be used now: the server's log says why";

/// The text for [`Unanswered::Fault`].
pub const FAULT: &str = "an internal error: the server's log says what it was";

/// The reason for which a question gets no answer. The texts are for whoever asked, a `detail` is for
/// the log alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The question is wrong, or would change something.
    Invalid(String),
    /// Others have what it needs; later it may be there.
    Crowded(String),
    /// It needs more than it may have: it would fail again.
    Exhausted(String),
    /// It was not answered in the time that it has: it would fail again.
    Late(String),
    /// Somebody ended it.
    Interrupted(String),
    /// The bucket was deleted meanwhile.
    Gone(String),
    /// The store of the tables does not answer; it may later.
    Unreachable {
        /// What the log gets.
        detail: String,
    },
    /// Points are damaged. That was logged when it was found.
    Damaged(String),
    /// A fault of ours.
    Fault {
        /// What the log gets.
        detail: String,
    },
}

impl Unanswered {
    /// What an error of a question means.
    pub fn of(error: QueryError) -> Self {
        let told = error.to_string();
        match error {
            QueryError::Invalid(_) | QueryError::Writes(_) => Self::Invalid(told),
            QueryError::Crowded(_) | QueryError::Database(DatabaseError::Exhausted(_)) => {
                Self::Crowded(told)
            }
            QueryError::Exhausted(_) => Self::Exhausted(told),
            QueryError::Late(_) => Self::Late(told),
            QueryError::Interrupted => Self::Interrupted(told),
            QueryError::Database(DatabaseError::Gone(_)) => Self::Gone(told),
            QueryError::Database(DatabaseError::Unreachable(cause)) => Self::Unreachable {
                detail: causes(&*cause),
            },
            QueryError::Database(DatabaseError::Unreadable(cause)) => match cause.downcast_ref() {
                // It names no path.
                Some(ReadError::Lake(LakeError::Damaged(_))) => Self::Damaged(told),
                _ => Self::Fault {
                    detail: causes(&*cause),
                },
            },
            QueryError::Internal(_) => Self::Fault {
                detail: error.without_literals(),
            },
        }
    }
}

impl Unanswered {
    /// The text for whoever asked; what it leaves out is logged.
    pub fn told(self) -> String {
        match self {
            Self::Invalid(text)
            | Self::Crowded(text)
            | Self::Exhausted(text)
            | Self::Late(text)
            | Self::Interrupted(text)
            | Self::Gone(text)
            | Self::Damaged(text) => text,
            Self::Unreachable { detail } => {
                tracing::warn!(detail, "a statement could not be carried out now");
                NO_TABLES.to_owned()
            }
            Self::Fault { detail } => {
                tracing::error!(detail, "a statement failed by a fault of ours");
                FAULT.to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_query::{Cause, DatabaseError, QueryError};

    use super::Unanswered;

    fn cause(text: &str) -> Cause {
        Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(text))
    }

    #[test]
    fn what_names_a_store_or_a_file_is_for_the_log_alone() {
        let text = "s3://store/x.parquet does not answer";
        let detail = text.to_owned();
        for (error, expected) in [
            (
                DatabaseError::Unreachable(cause(text)),
                Unanswered::Unreachable {
                    detail: detail.clone(),
                },
            ),
            (
                DatabaseError::Unreadable(cause(text)),
                Unanswered::Fault { detail },
            ),
        ] {
            assert_eq!(Unanswered::of(QueryError::Database(error)), expected);
        }
    }

    /// From a bug: a fault of the engine was logged with the text that it was about.
    #[test]
    fn no_literal_of_a_question_goes_to_the_log() {
        let error = QueryError::Internal("no rule for 'secret9' here".to_owned());
        let Unanswered::Fault { detail } = Unanswered::of(error) else {
            panic!("not a fault");
        };
        assert!(detail.contains("no rule for '?' here"), "{detail}");
    }
}
