//! The time that a question has: to the last row of its answer, or until nobody waits for it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use crate::error::QueryError;
use crate::record::Kill;

/// The moment by which an answer must be read to its end, and the text for one that is not. Clones
/// are of the same question.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    late: Option<(Instant, Arc<str>)>,
    is_left: Arc<AtomicBool>,
    kill: Kill,
    instant: fn() -> Instant,
}

impl Deadline {
    /// The deadline of a question that begins now, by a clock that never goes back. A time that no
    /// clock reaches is none.
    pub(crate) fn of(timeout: Option<&(Duration, String)>, instant: fn() -> Instant) -> Self {
        let late = timeout.and_then(|(patience, text)| {
            let at = instant().checked_add(*patience)?;
            Some((at, text.as_str().into()))
        });
        Self {
            late,
            is_left: Arc::default(),
            kill: Kill::default(),
            instant,
        }
    }

    /// The deadline of a question that ends at `until`, if that comes earlier.
    pub(crate) fn or_at(mut self, until: Option<Instant>) -> Self {
        if let (Some((at, _)), Some(until)) = (&mut self.late, until) {
            *at = until.min(*at);
        }
        self
    }

    /// The deadline of a question that another may end before.
    pub(crate) fn or_killed_by(self, kill: Kill) -> Self {
        Self { kill, ..self }
    }

    /// Does work until then.
    pub(crate) async fn within<T>(
        self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        // A timer lets work that never waits begin, however late.
        self.check()?;
        let work = self.kill.unless(work);
        match self.late {
            Some((at, text)) => match timeout_at(at.into(), work).await {
                Ok(done) => done,
                Err(_) => Err(QueryError::Late(text.to_string())),
            },
            None => work.await,
        }
    }

    /// Ends the question: nobody waits for its answer any more.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Fails once the question is over. For work that lets no timer run.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        if self.is_left.load(Ordering::Relaxed) {
            return Err(QueryError::Late("nobody waits for the answer".to_owned()));
        }
        if self.kill.is_wished() {
            return Err(QueryError::Interrupted);
        }
        match &self.late {
            Some((at, text)) if (self.instant)() >= *at => Err(QueryError::Late(text.to_string())),
            _ => Ok(()),
        }
    }
}
