//! The time that a question has: to the last row of its answer, or until nobody waits for it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_core::Stream;
use futures_util::StreamExt;
use tokio::time::timeout_at;

use crate::error::QueryError;
use crate::presence::{Late, Presence};
use crate::record::Kill;

/// The moment by which an answer must be read to its end, and the text for one that is not. Clones
/// are of the same question.
#[derive(Clone, Debug)]
pub(crate) struct Deadline {
    late: Option<Late>,
    is_left: Arc<AtomicBool>,
    presence: Presence,
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
            presence: Presence::default(),
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

    /// The deadline of a question that begins so much later.
    pub(crate) fn later(mut self, by: Duration) -> Self {
        self.late = self
            .late
            .and_then(|(at, text)| Some((at.checked_add(by)?, text)));
        self
    }

    /// The deadline of a question that another may end before.
    pub(crate) fn or_killed_by(self, kill: Kill) -> Self {
        Self { kill, ..self }
    }

    /// The deadline of a question for whose answer somebody waits, who is told of it.
    pub(crate) fn or_left_by(self, presence: Presence) -> Self {
        presence.is_late_at(self.late.clone());
        Self { presence, ..self }
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

    /// What ends the question unless it is told that the wait for it is over.
    pub(crate) fn waiting(self) -> Waiting {
        Waiting(Some(self))
    }

    /// Ends the question: nobody waits for its answer any more.
    pub(crate) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Fails once the question is over. For work that lets no timer run.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        match &self.late {
            Some((at, text)) if (self.instant)() >= *at => {
                return Err(QueryError::Late(text.to_string()));
            }
            _ => {}
        }
        // Of a client that has left, nobody hears it, and the record says that it was cancelled.
        let is_left = self.is_left.load(Ordering::Relaxed) || self.presence.is_gone();
        match is_left || self.kill.is_wished() {
            true => Err(QueryError::Interrupted),
            false => Ok(()),
        }
    }
}

/// Somebody waits for a question, which ends if this is dropped meanwhile: on a thread that has time for it,
/// whatever the threads of questions do.
#[derive(Debug)]
pub struct Waiting(Option<Deadline>);

impl Waiting {
    /// What was waited for is done.
    pub(crate) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(deadline) = &self.0 {
            deadline.leave();
        }
    }
}

/// The rows of a source, which fails once the question that reads it is over: what is above a source may
/// take its batches for long without letting a timer run.
pub(crate) fn watched<S>(
    context: &TaskContext,
    rows: S,
) -> impl Stream<Item = Result<RecordBatch, DataFusionError>> + use<S>
where
    S: Stream<Item = Result<RecordBatch, DataFusionError>>,
{
    let deadline = context.session_config().get_extension::<Deadline>();
    rows.map(move |batch| {
        let goes_on = deadline
            .as_ref()
            .map_or(Ok(()), |deadline| deadline.check());
        goes_on.map_err(|over| DataFusionError::External(Box::new(over)))?;
        batch
    })
}

/// The same of a source with these columns that makes room for others itself, as no node above it does then.
pub(crate) fn watched_source<S>(
    context: &TaskContext,
    schema: &SchemaRef,
    rows: S,
) -> SendableRecordBatchStream
where
    S: Stream<Item = Result<RecordBatch, DataFusionError>> + Send + 'static,
{
    let rows = Box::pin(watched(context, rows));
    let rows = RecordBatchStreamAdapter::new(Arc::clone(schema), rows);
    Box::pin(cooperative(rows))
}
