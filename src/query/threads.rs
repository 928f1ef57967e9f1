//! The threads that questions run on: those of the program, which are not the threads that ask.

use std::future::Future;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::deadline::Deadline;
use crate::error::QueryError;

/// The threads of all questions.
#[derive(Clone, Debug)]
pub(crate) struct Threads(Handle);

impl Threads {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self(runtime)
    }

    /// Does work of a question there, at once if this is one of them. Ends it early, and with it the
    /// question, if nobody waits for it any more.
    pub(crate) fn run<T, W>(
        &self,
        deadline: Deadline,
        work: W,
    ) -> impl Future<Output = Result<T, QueryError>> + Send + use<T, W>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        let threads = self.clone();
        // On the heap: a future that two places wait for would have room for it twice.
        let work = Box::pin(deadline.clone().within(work));
        async move {
            if Handle::try_current().is_ok_and(|current| current.id() == threads.0.id()) {
                return work.await;
            }
            let waiting = deadline.clone().waiting();
            let mut tasks = threads.start(work);
            let done = async {
                match tasks.join_next().await {
                    Some(Ok(done)) => done,
                    Some(Err(error)) => Err(QueryError::Internal(error.to_string())),
                    None => Err(QueryError::Internal("work was lost".to_owned())),
                }
            };
            // Here as well: threads that all compute have no time for timers.
            let done = deadline.within(done).await?;
            waiting.done();
            Ok(done)
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
