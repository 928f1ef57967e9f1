//! The binding of values to a prepared statement.

use arrow_array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::sql::{Any, Command};
use bytes::Bytes;
use prost::Message;
use tonic::{Status, Streaming};

use super::asks::Asks;
use super::buckets::Flight;
use super::call::Call;
use super::messages::{MESSAGE_BYTES_MAX, TicketContents};
use super::row::RowReader;
use super::ticket::Ticket;
use super::{commands, status, values};

/// Binds values to a prepared statement. Returns the handle of the statement with its values.
pub(super) async fn bind<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    mut data: Streaming<FlightData>,
) -> Result<Bytes, Status> {
    let first = data.message().await?.unwrap_or_default();
    let command = first.flight_descriptor.as_ref();
    let any = command.and_then(|descriptor| Any::decode(descriptor.cmd.clone()).ok());
    let any =
        any.ok_or_else(|| status::invalid("the first message has no command of Flight SQL"))?;
    let prepared = match commands::read(any)? {
        Command::CommandPreparedStatementQuery(prepared) => prepared,
        other => return Err(commands::unknown(other.type_url())),
    };
    let contents = Ticket::of_handle(&prepared.prepared_statement_handle)?;
    let database = call.database()?;
    flight.bucket(call, database.as_deref().or(Some(&contents.database)))?;
    let values = match row(first, data).await? {
        Some(row) => values::write(&row)?,
        None => Bytes::new(),
    };
    let bound = TicketContents { values, ..contents };
    Ok(bound.encode_to_vec().into())
}

/// The one row of a stream; none if it has no rows.
async fn row(
    first: FlightData,
    mut rest: Streaming<FlightData>,
) -> Result<Option<RecordBatch>, Status> {
    let (mut reader, mut left) = (RowReader::default(), MESSAGE_BYTES_MAX);
    let mut next = Some(first);
    while let Some(data) = next {
        let bytes = data.data_body.len() + data.data_header.len();
        left = left.checked_sub(bytes).ok_or_else(|| {
            status::invalid(format!(
                "the values have more than {MESSAGE_BYTES_MAX} bytes"
            ))
        })?;
        reader
            .message(&data.data_header, &data.data_body)
            .map_err(|error| status::invalid(error.to_string()))?;
        next = rest.message().await?;
    }
    Ok(reader.finish())
}
