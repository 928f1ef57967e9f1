//! Answers to statements, and refusals of those that get none.

use std::collections::VecDeque;

use tidegate_query::influxql::answer::Head;
use tidegate_query::influxql::ast::Statement;
use tidegate_query::influxql::run;
use tidegate_query::influxql::series::SeriesPart;
use tidegate_query::{QueryError, Record};

use crate::api::error::ApiError;
use crate::unanswered::Unanswered;

/// The reason for which a statement gets no answer.
#[derive(Debug)]
pub enum Refused {
    /// It is wrong, or cannot be answered.
    Query(QueryError),
    /// It cannot be carried out now: the request as a whole may be repeated.
    Request(ApiError),
}

impl Refused {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::Query(QueryError::Invalid(text.into()))
    }

    /// The text for the client; what it leaves out is logged.
    pub fn told(self) -> String {
        match self {
            Self::Query(error) => Unanswered::of(error).told(),
            Self::Request(error) => error.message().to_owned(),
        }
    }
}

impl From<QueryError> for Refused {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

/// The answer to a statement, part by part.
#[derive(Debug)]
pub enum Answering {
    /// Points are read for it.
    Reads(run::Statement),
    /// It is there.
    Ready(Head, VecDeque<SeriesPart>),
}

impl Answering {
    pub(super) fn ready(parts: impl IntoIterator<Item = SeriesPart>) -> Self {
        Self::Ready(Head::default(), parts.into_iter().collect())
    }

    /// What is known before the rows.
    pub fn head(&self) -> &Head {
        match self {
            Self::Reads(statement) => statement.head(),
            Self::Ready(head, _) => head,
        }
    }

    /// What the answer has cost, at its end; none if nothing was read for it.
    pub(super) fn record(&self) -> Option<Record> {
        match self {
            Self::Reads(statement) => statement.record(),
            Self::Ready(..) => None,
        }
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    pub async fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        match self {
            Self::Reads(statement) => statement.next_part().await,
            Self::Ready(_, parts) => Ok(parts.pop_front()),
        }
    }
}

/// The refusal of a statement that is not offered, with what there is instead.
pub(super) fn unsupported(statement: &Statement) -> Refused {
    let advice = match statement {
        Statement::Delete(_) | Statement::DropSeries(_) | Statement::DropMeasurement(_) => {
            ": give the bucket a retention period, or delete the bucket"
        }
        Statement::Administration(_) => {
            ": tokens and buckets are managed by `tidegate token`, `tidegate bucket`, or \
             /api/v1/tokens and /api/v1/buckets"
        }
        _ => "",
    };
    Refused::new(format!("{} is not supported{advice}", statement.title()))
}
