//! The results of statements, one after the other, as they are written.

use tidegate_query::influxql::answer::{Answer, AnswerError, Head, Message, Options};
use tidegate_query::influxql::ast::Statement;
use tidegate_query::{Holding, QueryError};

use crate::api::error::{ApiError, Code};
use crate::api::influxdb::pieces::{Cut, Sink, Stop, Write};
use crate::api::influxql::{Answering, Refused, Session};
use crate::api::peer::Held;
use crate::unanswered::Unanswered;

/// The bytes of a piece, unless a client wants chunks: small enough that the first rows come soon,
/// large enough that a series of one row is no piece of its own.
const PIECE_BYTES: usize = 64 << 10;

/// The statements of a request, and how their results are written.
pub(super) struct Results {
    pub(super) session: Session,
    pub(super) statements: Vec<Statement>,
    pub(super) options: Options,
    /// Whether a statement that writes is warned about.
    pub(super) warns: bool,
    /// Nobody but the client needs the answer.
    pub(super) presence: Option<Held>,
}

impl Write for Results {
    async fn write(self, to: &mut Sink) -> Result<Vec<u8>, Stop> {
        let _presence = self.presence;
        let mut writer = Writer {
            answer: Answer::new(self.options, self.statements.len()),
            out: Vec::new(),
            held: self.session.engine().queries.holding(),
            chunks: self.options.chunk_rows.is_some(),
            to,
        };
        for statement in &self.statements {
            let warns = self.warns && !statement.reads_only();
            let warning = warns.then(|| Message::of_read_only(&statement.to_string()));
            let answering = self.session.run(statement).await;
            if !writer.result(answering, warning).await? {
                break;
            }
        }
        Ok(writer.finish())
    }
}

/// The answer on its way to the client.
struct Writer<'a> {
    answer: Answer,
    out: Vec<u8>,
    /// The memory of what waits for the end of a statement.
    held: Holding,
    chunks: bool,
    to: &'a mut Sink,
}

impl Writer<'_> {
    /// Writes the result of a statement. Returns false if it failed.
    async fn result(
        &mut self,
        answering: Result<Answering, Refused>,
        warning: Option<Message>,
    ) -> Result<bool, Stop> {
        let mut head = Head::default();
        let outcome = match answering {
            // The client may repeat a request of which nothing was answered.
            Err(Refused::Request(error)) if may_be_repeated(&error) && !self.to.has_begun() => {
                return Err(Stop::Cut(Cut::Refused(Box::new(error))));
            }
            Err(refused) => {
                self.answer.start(head);
                Err(refused.told())
            }
            Ok(mut answering) => {
                head.clone_from(answering.head());
                head.messages.extend(warning);
                self.answer.start(head);
                self.parts(&mut answering).await?
            }
        };
        let error = outcome.as_ref().err().map(String::as_str);
        self.answer.end(error.map_or(Ok(()), Err), &mut self.out);
        self.flush(self.chunks).await?;
        // What waited for the end of the statement is on its way.
        let _ = self.held.hold(self.answer.held_bytes());
        Ok(outcome.is_ok())
    }

    /// Writes the parts of a statement. Returns the text of the error if one does not come, and stops
    /// if nobody takes them.
    async fn parts(&mut self, answering: &mut Answering) -> Result<Result<(), String>, Stop> {
        loop {
            let part = match answering.next_part().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(Ok(())),
                Err(error) => return Ok(Err(told(error))),
            };
            let written = self.answer.part(&part, &mut self.out).map_err(fault);
            let held = written.and_then(|()| self.held.hold(self.answer.held_bytes()));
            if let Err(error) = held {
                return Ok(Err(told(error)));
            }
            self.flush(self.chunks).await?;
        }
    }

    /// The end of the answer.
    fn finish(self) -> Vec<u8> {
        let Self {
            answer, mut out, ..
        } = self;
        answer.finish(&mut out);
        out
    }

    /// Hands over what is written, if it is much or must be.
    async fn flush(&mut self, must: bool) -> Result<(), Stop> {
        if must || self.out.len() >= PIECE_BYTES {
            self.to.take(std::mem::take(&mut self.out)).await?;
        }
        Ok(())
    }
}

fn may_be_repeated(error: &ApiError) -> bool {
    matches!(error.code(), Code::Unavailable | Code::Internal)
}

fn fault(error: AnswerError) -> QueryError {
    QueryError::Internal(error.to_string())
}

fn told(error: QueryError) -> String {
    Unanswered::of(error).told()
}
