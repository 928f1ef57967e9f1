//! The answers to tickets: rows of a question, or of a command.

use arrow_flight::sql::Command;
use tonic::Status;

use super::asking::Flight;
use super::asks::Asks;
use super::call::Call;
use super::rows::{self, Messages};
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
    let database = database.as_deref();
    match ticket.subject {
        Subject::Query { text, values } => run(flight, call, database, &text, values).await,
        Subject::Command(any) => match commands::read(any)? {
            Command::CommandStatementQuery(statement) => {
                run(flight, call, database, &statement.query, Values::None).await
            }
            Command::CommandPreparedStatementQuery(prepared) => {
                let asked = Ticket::of_handle(&prepared.prepared_statement_handle)?;
                let database = database.or(Some(&asked.database));
                let values = Values::of_stream(asked.values);
                run(flight, call, database, &asked.query, values).await
            }
            command => {
                let batch = commands::answer(flight, call, database, command).await?;
                rows::of_batch(batch, call)
            }
        },
    }
}

async fn run<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    database: Option<&str>,
    text: &str,
    values: Values,
) -> Result<Messages, Status> {
    let question = flight.question(call, database, text).await?;
    let values = values.bind(question.parameters())?;
    let answer = question.run(values).await.map_err(status::of_query)?;
    rows::of_answer(answer, call).await
}
