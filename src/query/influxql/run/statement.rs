//! A statement that runs.

use std::sync::Arc;

use futures_core::stream::BoxStream;
use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::answer::Head;
use super::super::ast;
use super::super::series::SeriesPart;
use super::level::Session;
use super::schema::Known;
use super::{Databases, explain, select, show, subquery};
use crate::deadline::Deadline;
use crate::engine::QueryEngine;
use crate::error::QueryError;
use crate::record::{Asker, Following, Outcome};

/// The parts of series as they come.
pub(super) type Parts = BoxStream<'static, Result<SeriesPart, QueryError>>;

/// A statement that runs, and the parts of its series. They are made on the threads of questions, a
/// little ahead of whoever takes them; that ends when this is dropped.
#[derive(Debug)]
pub struct Statement {
    head: Head,
    /// Closed without an end if the work was cut short.
    parts: mpsc::Receiver<Next>,
    is_ended: bool,
    following: Option<Following>,
    deadline: Deadline,
    _work: JoinSet<()>,
}

/// The next part, or the end.
type Next = Result<Option<SeriesPart>, QueryError>;

impl Statement {
    /// What is known before the rows.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The next part; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    pub async fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        if self.is_ended {
            return Ok(None);
        }
        let next = match self.parts.recv().await {
            Some(next) => next,
            None => Err(QueryError::Internal("it was cut short".to_owned())),
        };
        self.is_ended = !matches!(next, Ok(Some(_)));
        if let Some(following) = &mut self.following {
            match &next {
                Ok(Some(part)) => following.took(&part.rows),
                Ok(None) => following.end(Outcome::Done),
                Err(error) => following.end(Outcome::of(error)),
            }
        }
        next
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.deadline.leave();
    }
}

impl QueryEngine {
    /// Begins a statement that [reads](super::reads). `now_ns` is the time of the request, in
    /// nanoseconds since the epoch.
    ///
    /// # Errors
    /// [`QueryError`] if it is wrong or has no database, or if its answer cannot be begun.
    pub async fn influxql(
        &self,
        asker: Asker,
        databases: Arc<dyn Databases>,
        statement: &ast::Statement,
        now_ns: i64,
    ) -> Result<Statement, QueryError> {
        let mut following = self.begin_record(asker, || statement.to_string());
        let deadline = self.deadline(following.as_ref());
        let runtime = self.runtime(following.as_ref());
        let state = self.state_of_statements(runtime, &deadline);
        let request = Request {
            databases,
            statement: statement.clone(),
            now_ns,
            session: Session::new(state, now_ns, subquery::table),
        };
        let begun = self.threads().run(deadline.clone().within(request.begin()));
        let (head, parts) = match begun.await {
            Ok(begun) => begun,
            Err(error) => {
                if let Some(following) = &mut following {
                    following.end(Outcome::of(&error));
                }
                return Err(error);
            }
        };
        if let Some(following) = &mut following {
            following.has_turn();
            following.is_planned();
            following.runs();
        }
        let (ahead, received) = mpsc::channel(1);
        let work = hand_over(parts, ahead, deadline.clone());
        Ok(Statement {
            head,
            parts: received,
            is_ended: false,
            following,
            deadline,
            _work: self.threads().start(work),
        })
    }
}

/// A statement that is to be begun.
struct Request {
    databases: Arc<dyn Databases>,
    statement: ast::Statement,
    now_ns: i64,
    session: Session,
}

impl Request {
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
                    state: session.state,
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

/// Hands over all parts, then the end or an error. Ends early if nobody takes them.
async fn hand_over(parts: Parts, to: mpsc::Sender<Next>, deadline: Deadline) {
    let given = deadline.within(give(parts, &to)).await;
    if let Err(error) = given {
        // Nobody may be there to hear it.
        let _ = to.send(Err(error)).await;
    }
}

async fn give(mut parts: Parts, to: &mpsc::Sender<Next>) -> Result<(), QueryError> {
    loop {
        let next = parts.try_next().await?;
        let is_last = next.is_none();
        if to.send(Ok(next)).await.is_err() || is_last {
            return Ok(());
        }
    }
}
