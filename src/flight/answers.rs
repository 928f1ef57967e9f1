//! The answers to tickets: rows of a question, or of a command.

use arrow_flight::sql::Command;
use tidegate_query::Question;
use tonic::Status;

use super::asking::Flight;
use super::asks::Asks;
use super::call::Call;
use super::pace::Messages;
use super::rows;
use super::ticket::{Subject, Ticket};
use super::values::Values;
use super::{commands, status};

/// Answers what a ticket stands for.
pub(super) async fn get<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    ticket: Ticket,
) -> Result<Messages, Status> {
    let database = match ticket.database {
        Some(database) => Some(database),
        None => call.database()?,
    };
    let (database, protocol) = (database.as_deref(), ticket.protocol);
    match ticket.subject {
        Subject::Query { text, values } => {
            let question = flight.question(call, database, protocol, &text).await?;
            run(question, call, values).await
        }
        Subject::Command(any) => match commands::read(any)? {
            Command::CommandStatementQuery(statement) => {
                let text = &statement.query;
                let question = flight.question(call, database, protocol, text).await?;
                run(question, call, Values::None).await
            }
            Command::CommandPreparedStatementQuery(prepared) => {
                let asked = Ticket::of_handle(&prepared.prepared_statement_handle)?;
                let database = database.or(Some(&asked.database));
                let question = flight
                    .question(call, database, protocol, &asked.query)
                    .await?;
                run(question, call, Values::of_stream(asked.values)).await
            }
            command => {
                let batch = commands::answer(flight, call, database, command).await?;
                rows::of_batch(batch, call)
            }
        },
    }
}

async fn run(question: Question, call: &Call, values: Values) -> Result<Messages, Status> {
    let values = values.bind(question.parameters())?;
    let answer = question.run(values).await.map_err(status::of_query)?;
    rows::of_answer(answer, call).await
}
