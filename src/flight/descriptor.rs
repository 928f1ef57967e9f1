//! What a descriptor leads to: the columns of the answer, and what a ticket for it holds.

use std::sync::Arc;

use arrow_flight::FlightDescriptor;
use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{Any, Command};
use arrow_schema::SchemaRef;
use prost::Message;
use tidegate_query::influxql;
use tidegate_query::influxql::table::Table;
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
        Command::CommandStatementQuery(statement) => TicketContents {
            query: commands::text(statement)?,
            influxql: call.speaks_influxql(),
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
    let of_handle = Some(contents.database).filter(|name| !name.is_empty());
    let contents = TicketContents {
        database: named.or(of_handle).unwrap_or_default(),
        ..contents
    };
    let schema = match contents.influxql {
        true => of_influxql(flight, call, &contents).await?,
        false => of_sql(flight, call, &contents).await?,
    };
    Ok((schema, contents))
}

async fn of_sql<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    contents: &TicketContents,
) -> Result<SchemaRef, Status> {
    call.speaks_sql()?;
    let TicketContents {
        database, query, ..
    } = contents;
    let question = flight
        .question(call, Some(database), Protocol::FlightSql, query)
        .await?;
    let question = match Values::of_stream(contents.values.clone()) {
        // It may be told of without them.
        Values::None => question,
        values => {
            let values = values.bind(question.parameters())?;
            question.bind(values).map_err(status::of_query)?
        }
    };
    Ok(question.schema())
}

/// The columns of a statement of InfluxQL. Its first rows tell them; without the values of its parameters
/// it has none, and only the column is known that every answer has.
pub(super) async fn of_influxql<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    contents: &TicketContents,
) -> Result<SchemaRef, Status> {
    let TicketContents {
        database, query, ..
    } = contents;
    let values = Values::of_stream(contents.values.clone());
    if values == Values::None && !influxql::parameters(query).is_empty() {
        flight.bucket(call, Some(database))?;
        return Ok(Arc::clone(Table::without_rows().schema()));
    }
    flight
        .columns_of_influxql(call, Some(database), query, values)
        .await
}
