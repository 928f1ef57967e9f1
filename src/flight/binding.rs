//! The binding of values to a prepared statement.

use std::pin::Pin;

use arrow_array::RecordBatch;
use arrow_flight::FlightData;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Any, Command};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, TryStreamExt};
use prost::Message;
use tonic::{Status, Streaming};

use super::asking::Flight;
use super::asks::Asks;
use super::call::Call;
use super::messages::{Asked, MESSAGE_BYTES_MAX};
use super::ticket::Ticket;
use super::{commands, status, values};

/// Binds values to a prepared statement. Returns the handle of the statement with its values.
pub(super) async fn bind<A: Asks>(
    flight: &Flight<A>,
    call: &Call,
    data: Streaming<FlightData>,
) -> Result<Bytes, Status> {
    let mut data = data.peekable();
    let first = Pin::new(&mut data).peek().await.cloned();
    let first = first.transpose()?;
    let descriptor = first.and_then(|first| first.flight_descriptor);
    let any = descriptor.and_then(|descriptor| Any::decode(descriptor.cmd).ok());
    let any =
        any.ok_or_else(|| status::invalid("the first message has no command of Flight SQL"))?;
    let prepared = match commands::read(any)? {
        Command::CommandPreparedStatementQuery(prepared) => prepared,
        other => return Err(commands::unknown(other.type_url())),
    };
    let asked = Ticket::of_handle(&prepared.prepared_statement_handle)?;
    let database = call.database()?;
    flight.bucket(call, database.as_deref().or(Some(&asked.database)))?;
    let values = match row(data).await? {
        Some(row) => values::write(&row)?,
        None => Bytes::new(),
    };
    let bound = Asked { values, ..asked };
    Ok(bound.encode_to_vec().into())
}

/// The one row of a stream; none if it has no rows.
async fn row(
    data: impl Stream<Item = Result<FlightData, Status>> + Send + 'static,
) -> Result<Option<RecordBatch>, Status> {
    let mut left = MESSAGE_BYTES_MAX;
    let bounded = data.map(move |data| {
        let data = data?;
        let bytes = data.data_body.len() + data.data_header.len();
        left = left.checked_sub(bytes).ok_or_else(|| {
            let text = format!("the values have more than {MESSAGE_BYTES_MAX} bytes");
            FlightError::from(status::invalid(text))
        })?;
        Ok(data)
    });
    let mut batches = FlightRecordBatchStream::new_from_flight_data(bounded);
    let mut found = None;
    while let Some(batch) = batches.try_next().await.map_err(of_client)? {
        match (batch.num_rows(), &found) {
            (0, _) => {}
            (1, None) => found = Some(batch),
            _ => return Err(status::invalid("one row of values is bound at a time")),
        }
    }
    Ok(found)
}

/// What a stream of a client that cannot be read means.
fn of_client(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        error => status::invalid(format!("the values cannot be read: {error}")),
    }
}
