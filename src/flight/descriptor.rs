//! What a descriptor leads to: the columns of the answer, and what a ticket for it holds.

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{Any, Command};
use arrow_schema::SchemaRef;
use prost::Message;
use tonic::Status;

use super::asks::{Asks, Protocol};
use super::buckets::Flight;
use super::call::Call;
use super::messages::TicketContents;
use super::ticket::Ticket;
use super::values::Values;
use super::{commands, status};

/// The columns of the answer to a descriptor, and what a ticket for it holds.
pub(super) async fn read<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    descriptor: &FlightDescriptor,
) -> Result<(SchemaRef, TicketContents), Status> {
    if descriptor.r#type() != DescriptorType::Cmd {
        return Err(status::unimplemented(
            "descriptors are commands of Flight SQL: there are no paths",
        ));
    }
    let any = Any::decode(descriptor.cmd.clone());
    let any = any.map_err(|_| status::invalid("the descriptor is not a command of Flight SQL"))?;
    let named = call.database()?;
    let contents = match commands::read(any.clone())? {
        Command::CommandStatementQuery(statement) if call.speaks_influxql() => {
            return influxql(flight, call, named, commands::text(statement)?).await;
        }
        Command::CommandStatementQuery(statement) => TicketContents {
            query: commands::text(statement)?,
            ..TicketContents::default()
        },
        Command::CommandPreparedStatementQuery(prepared) => {
            Ticket::of_handle(&prepared.prepared_statement_handle)?
        }
        command => {
            let schema = commands::schema(&command)?;
            if commands::needs_database(&command) {
                flight.bucket(call, named.as_deref())?;
            }
            let contents = TicketContents {
                database: named.unwrap_or_default(),
                command: any.encode_to_vec().into(),
                ..TicketContents::default()
            };
            return Ok((schema, contents));
        }
    };
    call.speaks_sql()?;
    let of_handle = Some(contents.database).filter(|name| !name.is_empty());
    let database = named.or(of_handle);
    let question = flight
        .question(
            call,
            database.as_deref(),
            Protocol::FlightSql,
            &contents.query,
        )
        .await?;
    let question = match Values::of_stream(contents.values.clone()) {
        // It may be told of without them.
        Values::None => question,
        values => {
            let values = values.bind(question.parameters())?;
            question.bind(values).map_err(status::of_query)?
        }
    };
    let contents = TicketContents {
        database: database.unwrap_or_default(),
        ..contents
    };
    Ok((question.schema(), contents))
}

/// As [`read`], for a statement of InfluxQL. What columns it has is told by its first rows.
async fn influxql<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    database: Option<String>,
    query: String,
) -> Result<(SchemaRef, TicketContents), Status> {
    let asked = (Protocol::FlightSql, query.as_str());
    let rows = flight.influxql(call, database.as_deref(), asked, Values::None);
    let schema = rows.await?.schema;
    let contents = TicketContents {
        database: database.unwrap_or_default(),
        query,
        influxql: true,
        ..TicketContents::default()
    };
    Ok((schema, contents))
}
