//! What is known of one question.

use std::time::Duration;

use super::Asker;
use crate::database::DatabaseError;
use crate::error::QueryError;

/// A question, as far as it has come.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who asked.
    pub asker: Asker,
    /// The text as it was sent, cut if it is long. Only for the one who asked.
    pub text: String,
    /// The text with `?` for each literal, cut if it is long.
    pub masked: String,
    /// When it was asked: nanoseconds since 1970-01-01 00:00 UTC.
    pub start_ns: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// The time that it waited for its turn.
    pub waited: Duration,
    /// The time that it was planned in.
    pub planned: Duration,
    /// The time from its start to its end, or until now.
    pub lasted: Duration,
    /// The rows of the answer that were taken.
    pub rows: u64,
    /// Their bytes, as Arrow keeps them.
    pub bytes: u64,
    /// The most bytes of memory that its plan had at once.
    pub memory_bytes_max: u64,
    /// The files that were read; none if the plan reads no files itself.
    pub files_read: Option<u64>,
    /// The files that were left out because of what is known about them.
    pub files_pruned: Option<u64>,
}

/// A question that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// Its number, which no other question of this program has.
    pub id: u64,
    /// What is known of it.
    pub record: Record,
    /// True if somebody wants it ended.
    pub is_killed: bool,
}

/// The ways in which a question ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It has not ended.
    Running,
    /// All rows were taken.
    Done,
    /// The question was wrong, or would have changed something.
    Invalid,
    /// There was no place, memory or disk for it.
    Exhausted,
    /// It took longer than it may.
    Late,
    /// Whoever asked went away, or the program did; or it was killed.
    Cancelled,
    /// The bucket was deleted meanwhile.
    Gone,
    /// The points could not be read, or the engine has a fault.
    Failed,
}

impl Outcome {
    /// The outcome in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Invalid => "invalid",
            Self::Exhausted => "exhausted",
            Self::Late => "late",
            Self::Cancelled => "cancelled",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn of(error: &QueryError) -> Self {
        match error {
            QueryError::Invalid(_) | QueryError::Writes(_) => Self::Invalid,
            QueryError::Exhausted(_)
            | QueryError::Crowded(_)
            | QueryError::Database(DatabaseError::Exhausted(_)) => Self::Exhausted,
            QueryError::Late(_) => Self::Late,
            QueryError::Interrupted => Self::Cancelled,
            QueryError::Database(DatabaseError::Gone(_)) => Self::Gone,
            QueryError::Database(_) | QueryError::Internal(_) => Self::Failed,
        }
    }
}
