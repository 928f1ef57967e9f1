//! The answers to tickets: rows of a question, or of a command.

use arrow_flight::sql::Command;
use tidegate_query::Question;
use tonic::Status;

use super::asks::{Asks, Protocol};
use super::buckets::Flight;
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
            // The tickets of InfluxDB 3 name their language themselves.
            if protocol == Protocol::FlightSql {
                call.speaks_sql()?;
            }
            let question = flight.question(call, database, protocol, &text).await?;
            run(flight, question, call, values).await
        }
        Subject::InfluxQl { text, values } => {
            let rows = flight.influxql(call, database, (protocol, &text), values);
            rows::of_rows(call.within(rows).await?, call, flight.maker()).await
        }
        Subject::Command(any) => match commands::read(any)? {
            Command::CommandStatementQuery(statement) => {
                call.speaks_sql()?;
                let text = commands::text(statement)?;
                let question = flight.question(call, database, protocol, &text).await?;
                run(flight, question, call, Values::None).await
            }
            Command::CommandPreparedStatementQuery(prepared) => {
                let contents = Ticket::of_handle(&prepared.prepared_statement_handle)?;
                let database = database.or(Some(&contents.database));
                let (text, values) = (contents.query, Values::of_stream(contents.values));
                if contents.influxql {
                    let rows = flight.influxql(call, database, (protocol, &text), values);
                    let rows = call.within(rows).await?;
                    return rows::of_rows(rows, call, flight.maker()).await;
                }
                call.speaks_sql()?;
                let question = flight.question(call, database, protocol, &text).await?;
                run(flight, question, call, values).await
            }
            command => {
                let batch = commands::answer(flight, call, database, command).await?;
                rows::of_batch(batch, call, flight.maker())
            }
        },
    }
}

async fn run<A: Asks>(
    flight: &Flight<A>,
    question: Question,
    call: &Call,
    values: Values,
) -> Result<Messages, Status> {
    let values = values.bind(question.parameters())?;
    let answer = question.run(values).await.map_err(status::of_query)?;
    rows::of_answer(answer, call, flight.maker()).await
}
