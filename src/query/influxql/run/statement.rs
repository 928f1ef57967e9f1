//! A statement that runs.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arrow_array::RecordBatch;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, TryStreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::super::analysis::Origin;
use super::super::answer::Head;
use super::super::ast;
use super::super::series::SeriesPart;
use super::level::Session;
use super::schema::Known;
use super::{Databases, explain, select, show, subquery};
use crate::database::Database;
use crate::deadline::Deadline;
use crate::engine::QueryEngine;
use crate::error::QueryError;
use crate::record::{Asker, Following, Outcome, Waiting};

/// The parts of series as they come.
pub(super) type Parts = BoxStream<'static, Result<SeriesPart, QueryError>>;

/// A statement that runs, and the parts of its series. They are made on the threads of questions, a
/// little ahead of whoever takes them; that ends when this is dropped.
#[derive(Debug)]
pub struct Statement {
    head: Head,
    /// Closed without a last bundle if the work was cut short.
    bundles: mpsc::Receiver<Next>,
    /// What is left of the last bundle that came.
    bundle: Bundle,
    is_ended: bool,
    record: Record,
    deadline: Deadline,
    _work: JoinSet<()>,
}

/// The next parts.
type Next = Result<Bundle, QueryError>;

/// Parts that are handed over at once: each time two threads wait for each other.
#[derive(Debug, Default)]
struct Bundle {
    parts: VecDeque<SeriesPart>,
    rows: usize,
    /// Whether there are no others.
    is_last: bool,
}

impl Bundle {
    /// So many rows are no longer worth to be waited for.
    const ROWS: usize = 2_048;

    /// Adds parts that are there, and waits only for the first.
    ///
    /// # Errors
    /// There will be no others; the bundle has those that came before.
    async fn fill(&mut self, from: &mut Parts) -> Result<(), QueryError> {
        while self.rows < Self::ROWS && !self.is_last {
            let next = match self.parts.is_empty() {
                true => from.try_next().await,
                false => match from.try_next().now_or_never() {
                    Some(next) => next,
                    None => return Ok(()),
                },
            };
            match next? {
                Some(part) => {
                    self.rows += part.rows.num_rows();
                    self.parts.push_back(part);
                }
                None => self.is_last = true,
            }
        }
        Ok(())
    }
}

impl Statement {
    /// What is known before the rows.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What is known of the statement at the end of its answer; none if it is not recorded.
    pub fn record(&self) -> Option<crate::record::Record> {
        let mut found = None;
        self.record
            .with(|following| found = Some(following.record(Outcome::Done)));
        found
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    pub async fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        if self.is_ended {
            return Ok(None);
        }
        let next = self.take().await;
        self.is_ended = !matches!(next, Ok(Some(_)));
        match &next {
            Ok(Some(part)) => self.record.took(&part.rows),
            Ok(None) => self.record.end(Outcome::Done),
            Err(error) => self.record.end(Outcome::of(error)),
        }
        next
    }

    /// Takes the next part, from a new bundle if the last one has no more.
    async fn take(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        while self.bundle.parts.is_empty() && !self.bundle.is_last {
            self.bundle = self.bundles.recv().await.ok_or_else(cut_short)??;
        }
        Ok(self.bundle.parts.pop_front())
    }
}

fn cut_short() -> QueryError {
    QueryError::Internal("it was cut short".to_owned())
}

/// The record of a statement, which both who takes its parts and who makes them may end.
#[derive(Clone, Debug)]
struct Record(Arc<Mutex<Option<Following>>>);

impl Record {
    fn with(&self, act: impl FnOnce(&mut Following)) {
        let mut following = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(following) = following.as_mut() {
            act(following);
        }
    }

    fn took(&self, rows: &RecordBatch) {
        self.with(|following| following.took(rows));
    }

    /// Only the first end counts.
    fn end(&self, outcome: Outcome) {
        self.with(|following| following.end(outcome));
    }
}

/// A request, whose statements are answered one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    now_ns: i64,
    /// When its time is over, if it has a limit.
    until: Option<Instant>,
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.deadline.leave();
        self.record.end(Outcome::Cancelled);
    }
}

impl QueryEngine {
    /// A request that comes in at `now_ns`, in nanoseconds since the epoch. Its statements have the time
    /// of one question together.
    pub fn request(&self, now_ns: i64) -> Request {
        Request {
            now_ns,
            until: self.until(),
        }
    }

    /// Begins a statement of a request that [reads](super::reads).
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong or has no database, or if its answer cannot be begun.
    pub async fn influxql(
        &self,
        asker: Asker,
        databases: Arc<dyn Databases>,
        statement: &ast::Statement,
        request: Request,
    ) -> Result<Statement, QueryError> {
        let Request { now_ns, until } = request;
        let following = self.begin_record(asker, || statement.to_string());
        let deadline = self.deadline(following.as_ref(), until);
        let runtime = self.runtime(following.as_ref());
        let state = self.state_of_statements(runtime, &deadline);
        let asked = Asked {
            databases: match &following {
                Some(following) => Arc::new(Noting {
                    databases,
                    waiting: following.waiting(),
                }),
                None => databases,
            },
            statement: statement.clone(),
            now_ns,
            session: Session::new(state, now_ns, subquery::table),
        };
        let record = Record(Arc::new(Mutex::new(following)));
        let (ahead, bundles) = mpsc::channel(1);
        let (told, head) = oneshot::channel();
        let work = work(asked, told, ahead, deadline.clone(), record.clone());
        let work = self.threads().start(work);
        let waiting = deadline.clone().waiting();
        let head = async { head.await.unwrap_or_else(|_| Err(cut_short())) };
        // Here as well: threads that all compute have no time for timers.
        let head = deadline.clone().within(head).await;
        let head = head.inspect_err(|error| record.end(Outcome::of(error)))?;
        waiting.done();
        Ok(Statement {
            head,
            bundles,
            bundle: Bundle::default(),
            is_ended: false,
            record,
            deadline,
            _work: work,
        })
    }
}

/// The databases of a statement, which has its turn as soon as it has one of them.
#[derive(Debug)]
struct Noting {
    databases: Arc<dyn Databases>,
    waiting: Waiting,
}

impl Databases for Noting {
    fn database<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        Box::pin(async move {
            let database = self.databases.database(origin).await?;
            self.waiting.end();
            Ok(database)
        })
    }
}

/// A statement that is to be begun.
struct Asked {
    databases: Arc<dyn Databases>,
    statement: ast::Statement,
    now_ns: i64,
    session: Session,
}

impl Asked {
    async fn begin(self) -> Result<(Head, Parts), QueryError> {
        let Self {
            databases,
            statement,
            now_ns,
            mut session,
        } = self;
        match &statement {
            ast::Statement::Select(chosen) => {
                session.known = Known::of(&*databases, chosen).await?;
                select::begin(session, chosen, now_ns)
            }
            ast::Statement::Explain(explained) => {
                session.known = Known::of(&*databases, &explained.select).await?;
                explain::begin(session, explained, now_ns)
            }
            ast::Statement::Show(shown) => {
                let asked = show::Asked {
                    databases,
                    state: Arc::new(session.state),
                    now_ns,
                };
                let parts = show::begin(asked, shown).await?;
                Ok((Head::default(), parts))
            }
            other => {
                let text = format!("{} is not supported", other.title());
                Err(QueryError::Invalid(text))
            }
        }
    }
}

/// Begins a statement, tells what is known before the rows, and hands over all parts. All in one task, so
/// that who asks is waited for as seldom as it can be.
async fn work(
    asked: Asked,
    told: oneshot::Sender<Result<Head, QueryError>>,
    to: mpsc::Sender<Next>,
    deadline: Deadline,
    record: Record,
) {
    // Nobody may be there to hear what is told.
    match deadline.clone().within(asked.begin()).await {
        Ok((head, parts)) => {
            record.with(|following| {
                following.has_turn();
                following.is_planned();
                following.runs();
            });
            let _ = told.send(Ok(head));
            hand_over(parts, to, deadline, record).await;
        }
        Err(error) => {
            let _ = told.send(Err(error));
        }
    }
}

/// Hands over all parts, then the end or an error. Ends early if nobody takes them.
async fn hand_over(parts: Parts, to: mpsc::Sender<Next>, deadline: Deadline, record: Record) {
    let given = deadline.within(give(parts, &to)).await;
    if let Err(error) = given {
        // A reader that has stopped comes for it late or never, and it runs no longer.
        record.end(Outcome::of(&error));
        // Nobody may be there to hear it.
        let _ = to.send(Err(error)).await;
    }
}

async fn give(mut parts: Parts, to: &mpsc::Sender<Next>) -> Result<(), QueryError> {
    loop {
        let mut bundle = Bundle::default();
        let filled = bundle.fill(&mut parts).await;
        let is_last = bundle.is_last;
        if to.send(Ok(bundle)).await.is_err() || is_last {
            return filled;
        }
        filled?;
    }
}
