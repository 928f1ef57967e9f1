//! The threads that questions run on: those of the program, which are not the threads that ask.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::error::QueryError;

/// The threads of all questions.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Handle);

impl Threads {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self(runtime)
    }

    /// Does work there. Ends it early if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, QueryError>> + Send + 'static,
    ) -> Result<T, QueryError> {
        let mut tasks = self.start(work);
        match tasks.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(error)) => Err(QueryError::Internal(error.to_string())),
            None => Err(QueryError::Internal("work was lost".to_owned())),
        }
    }

    /// Starts work there. It ends when the set is dropped.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinSet<T> {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, &self.0);
        tasks
    }
}
