//! The time that a question has, from its beginning to the last row of its answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::error::QueryError;

/// The moment by which an answer must be read to its end, and the text for one that is not.
#[derive(Clone, Debug)]
pub(crate) struct Deadline(Option<(Instant, Arc<str>)>);

impl Deadline {
    /// The deadline of a question that begins now. A time that no clock reaches is none.
    pub(crate) fn of(timeout: Option<&(Duration, String)>) -> Self {
        let at = timeout.and_then(|(patience, text)| {
            let at = Instant::now().checked_add(*patience)?;
            Some((at, text.as_str().into()))
        });
        Self(at)
    }

    /// Does work until then.
    pub(crate) async fn within<T>(
        self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        match self.0 {
            Some((at, text)) => match timeout_at(at, work).await {
                Ok(done) => done,
                Err(_) => Err(QueryError::Late(text.to_string())),
            },
            None => work.await,
        }
    }
}
